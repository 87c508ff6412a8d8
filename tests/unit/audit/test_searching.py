"""Search over records: it finds what it should, in order, and each usual search has an index that leads to its rows."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import pytest
from django.db import connection

from audit import searching
from audit.ids import batch_of, first_id_at
from audit.models import Record
from audit.partitions import Month, create_partitions
from audit.searching import TooBroadError, Wanted, every_page_of, in_time, page_of, search, words_of

pytestmark = pytest.mark.django_db

COUNT = 20_000
STEP_MS = 60_000
BEGIN = datetime(2033, 3, 25, tzinfo=UTC)  # the records are of two months
MAKE = files("ops.bench").joinpath("records.sql").read_text(encoding="utf-8")


@pytest.fixture(scope="module", autouse=True)
def records(django_db_setup: Any, django_db_blocker: Any) -> Iterator[None]:
    """Made once, in partitions that are dropped afterwards; PostgreSQL has looked at them."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        made = create_partitions(BEGIN, 1)
        first = {"first_ms": int(BEGIN.timestamp() * 1000), "step_ms": STEP_MS, "begin": 0, "end": COUNT}
        cursor.execute(MAKE.format(partition="audit_record", batch=100), first)
        cursor.execute("UPDATE audit_record SET team = 'FIELD' WHERE journal_seq % 1000 = 0 AND rule_id % 100 = 7")
        cursor.execute("UPDATE audit_record SET correlation_id = 'request-' || journal_seq / 200")
        cursor.execute("ANALYZE audit_record")
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {', '.join(made)}")
        cursor.execute("DELETE FROM audit_tally")
        cursor.execute("ANALYZE audit_record")


def at(number: int) -> datetime:
    return BEGIN + timedelta(milliseconds=number * STEP_MS)


MIDDLE = at(COUNT // 2)
SEARCHES: dict[str, tuple[Wanted, Callable[[Record], bool], str]] = {
    "newest": (Wanted(), lambda record: True, "audit_record_2033_04_pkey"),
    "host": (
        Wanted(hostname="CORE-Router-77"),
        lambda record: record.hostname == "core-router-77",
        "lower_event_id_idx",
    ),
    "host and time": (
        Wanted(hostname="core-router-3", since=MIDDLE, until=at(15_000)),
        lambda record: record.hostname == "core-router-3" and MIDDLE <= record.received_at < at(15_000),
        "lower_event_id_idx",
    ),
    "time": (
        Wanted(since=MIDDLE, until=at(10_500)),
        lambda record: MIDDLE <= record.received_at < at(10_500),
        "pkey",
    ),
    "rule": (Wanted(rule_id=108), lambda record: record.rule_id == 108, "rule_id_event_id_idx"),
    "outcome": (Wanted(outcome="dead"), lambda record: record.outcome == "dead", "outcome_event_id_idx"),
    "team": (Wanted(team="FIELD"), lambda record: record.team == "FIELD", "team_event_id_idx"),
    "correlation id": (
        Wanted(correlation_id="request-7"),
        lambda record: record.correlation_id == "request-7",
        "correlation_id_event_id_idx",
    ),
    "words": (
        Wanted(text="Neighbor 10.17"),
        lambda record: "neighbor" in record.message and "17" in words_of(record.message),
        "audit_words_idx",
    ),
    "beginning of a word": (
        Wanted(text="gigabitethernet17"),
        lambda record: "GigabitEthernet17" in record.message,
        "audit_words_idx",
    ),
    "no word of any": (Wanted(text="unheard-of thing"), lambda record: False, "audit_words_idx"),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_finds_all_that_it_should_and_the_newest_first(name: str):
    wanted, is_right, _ = SEARCHES[name]
    right = [record.event_id for record in Record.objects.order_by("-event_id") if is_right(record)]
    assert [record.event_id for record in search(wanted)] == right
    assert [record.event_id for page in every_page_of(wanted) for record in page] == right


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


@pytest.mark.parametrize("name", SEARCHES)
def test_a_page_is_read_by_an_index_and_nothing_is_counted_or_read_whole(name: str):
    wanted, _, index = SEARCHES[name]
    sql, arguments = search(wanted)[:100].query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", arguments)
        plan = list(nodes(json.loads(json.dumps(cursor.fetchone()[0]))[0]["Plan"]))
    # The default partition is empty, so however it is read is right.
    used = [node.get("Index Name", "") for node in plan if "_default" not in str(node.get("Relation Name"))]
    assert any(index in one for one in used), plan
    read_whole = [node["Relation Name"] for node in plan if node["Node Type"] == "Seq Scan"]
    assert [one for one in read_whole if "_2033_" in one] == []
    assert not any(node["Node Type"] == "Aggregate" for node in plan)


def test_a_batch_is_found_by_its_id_and_by_any_of_its_events():
    event = Record.objects.filter(event_id__gte=first_id_at(MIDDLE)).order_by("event_id")[7]
    of_batch = set(search(Wanted(batch=batch_of(event.event_id))))
    assert len(of_batch) == 100
    assert set(search(Wanted(batch=event.event_id))) == of_batch


def test_a_page_goes_on_where_the_one_before_ended():
    for wanted in (Wanted(outcome="ignored"), Wanted(text="link")):
        first = page_of(wanted, 50)
        second = page_of(replace(wanted, before=first[-1].event_id), 50)
        assert [*first, *second] == page_of(wanted, 100)


@pytest.mark.parametrize("until", [None, at(19_000), at(5_000), at(100)])
@pytest.mark.parametrize("since", [None, at(4_000), at(18_000)])
def test_words_are_looked_for_further_and_further_back_and_the_newest_are_found(since, until):
    wanted = Wanted(text="neighbor", since=since, until=until)
    for most in (1, 30, 500):
        assert page_of(wanted, most) == list(search(wanted)[:most])


@pytest.mark.parametrize("looked_through", [1, 50, 2000])
@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(text="neighbor", hostname="core-router-1"),
        Wanted(text="neighbor 10", outcome="ignored", since=at(2_000)),
        Wanted(text="gigabitethernet17", team="TEAM-7"),
        Wanted(text="unheard-of", rule_id=108),
        Wanted(text="link", team="FIELD", until=at(15_000)),
    ],
)
def test_words_among_what_is_narrowed_otherwise_are_found_the_newest_first(monkeypatch, wanted, looked_through):
    monkeypatch.setattr(searching, "_LOOKED_THROUGH", looked_through)
    for most in (1, 7, 500):
        assert page_of(wanted, most) == list(search(wanted)[:most])


def test_words_are_what_stands_between_punctuation():
    assert words_of("%LINK-3-UPDOWN: Gi0/7, a_b größer") == ["LINK", "3", "UPDOWN", "Gi0", "7", "a", "b", "größer"]
    assert words_of("'; DROP & !") == ["DROP"]
    assert words_of("--- %") == []


def test_every_sign_of_ascii_stands_between_words_and_no_other_character_does():
    message = "".join(f"a{chr(number)}b " for number in range(33, 0x250))
    with connection.cursor() as cursor:
        cursor.execute("SELECT tsvector_to_array(audit_words(%s))", [message])
        found = set(cursor.fetchone()[0])
        signs = "".join(chr(number) for number in range(33, 127) if not chr(number).isalnum())
        cursor.execute(
            "SELECT tsvector_to_array(to_tsvector('pg_catalog.simple', translate(%s, %s, %s)))",
            [message, signs, " " * len(signs)],
        )
        assert found == set(cursor.fetchone()[0])
    assert {"a", "b", "a0b", "azb", "aäb"} <= found


@pytest.mark.parametrize(
    "text", ["it's", "a'b\\c", "a & !b | (c:*)", "größe", "\N{PILE OF POO} x", "日本", "²", "a" * 900]
)
def test_no_text_breaks_the_search(text: str):
    assert list(search(Wanted(text=text))) == []


def test_a_search_that_takes_too_long_says_how_to_narrow_it(settings):
    settings.MUTT_SEARCH_TIMEOUT_S = 0.1
    with pytest.raises(TooBroadError, match=r"within 0.1 s. Narrow it"), in_time(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(30)")


def test_the_months_are_two():
    assert Month.of(at(COUNT - 1)) == Month.of(BEGIN).next
