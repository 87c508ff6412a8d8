"""The quarantine: what is kept of a refused event, how it gets to PostgreSQL, how long it stays, sending it again."""

import logging
import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from django.conf import settings
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from kombu.exceptions import OperationalError
from prometheus_client import REGISTRY
from redis.exceptions import RedisError

from audit.connections import redis_client
from audit.ids import event_id, new_batch_id
from audit.journal import journal
from ingest import quarantine, resending
from ingest.quarantine import Patience, Refusal, keep, kept_body
from ingest.quarantine_inbox import INBOX, LOCK, Entry, Inbox, inbox
from ingest.quarantine_models import Quarantined
from ingest.quarantine_store import PURGE_EVERY_ROWS, empty_inbox, purge, store
from ingest.receiving import Receipt
from ingest.resending import AlreadyResent, StillRefused, Truncated, resend, resend_many
from ingest.tasks import store_quarantine
from mutt_project.worker import app
from tests.unit.ingest.test_webhook import BAD, GOOD, post

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]

NOW = datetime.now(UTC).replace(microsecond=123_000)  # what is older than the setting is purged on the way
SENDER = {"api_key": "a sensor", "address": "10.0.0.9", "content_type": "application/json"}
SAID = ({"pointer": "/hostname", "detail": "It is missing."},)


def refusal(body: bytes = b"{}", code: str = "hostname_missing", error: str = "/hostname: It is missing.") -> Refusal:
    return Refusal(code, error, SAID, body)


def keep_all(*refusals: Refusal, source: str = "syslog", at: datetime = NOW) -> None:
    keep(refusals, source=source, received_at=at, **SENDER)


def entry(number: int = 0, **fields: Any) -> Entry:
    batch = new_batch_id(NOW)
    same = {"id": event_id(batch, number), "received_at": NOW, "source": "syslog", "reason": "not_json", "error": "No."}
    rest = {"errors": [], "body": b"x", "size": 1, "truncated": False, "redacted": False}
    return Entry(**{**same, **rest, **SENDER, **fields})


def kept(body: bytes | Any = None, *, at: datetime = NOW, **fields: Any) -> Quarantined:
    """A row, as if the task had written it."""
    content = body if isinstance(body, bytes) else orjson.dumps(GOOD if body is None else body)
    row = {"id": event_id(new_batch_id(at), 0), "received_at": at, "source": "native", "reason": "r", "error": "e"}
    return Quarantined.objects.create(**{**row, **SENDER, "body": content, "size": len(content), **fields})


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


def kicks() -> list[str]:
    return [orjson.loads(raw)["headers"]["task"] for raw in redis_client().lrange("maintenance", 0, -1)]


def bodies() -> list[bytes]:
    """The bodies of all rows, in the order of receipt."""
    return [bytes(body) for body in Quarantined.objects.order_by("id").values_list("body", flat=True)]


def in_inbox() -> list[bytes]:
    return [Entry.read(raw).body for raw in inbox().head(100_000)]


@pytest.fixture
def hides_s3cret(monkeypatch: pytest.MonkeyPatch) -> None:
    """A redaction that is easy to see."""
    monkeypatch.setattr(quarantine, "redact_secrets", lambda text: text.replace("s3cret", "***"))


# From the webhook to PostgreSQL


def test_what_was_refused_is_in_postgresql_as_it_was_sent_and_with_what_was_said():
    keep_all(refusal(b'{"message": "\xc3\xbc"}'), refusal(b"five", "not_json", "No JSON."))
    assert store_quarantine.run() == 2
    first, second = Quarantined.objects.order_by("id")
    assert bytes(first.body) == b'{"message": "\xc3\xbc"}'
    assert (first.reason, first.error, first.errors) == ("hostname_missing", "/hostname: It is missing.", list(SAID))
    assert (first.source, first.api_key, first.address) == ("syslog", "a sensor", "10.0.0.9")
    assert (first.received_at, first.size, first.content_type) == (NOW, 17, "application/json")
    assert (first.truncated, first.redacted, first.resent_at, first.batch_id) == (False, False, None, None)
    assert (second.reason, bytes(second.body)) == ("not_json", b"five")
    assert first.id.version == 7
    assert in_inbox() == []


def test_a_refused_event_goes_from_the_webhook_into_the_quarantine_with_its_reason(secret):
    assert post(secret, [BAD, GOOD, {**GOOD, "message": 5}]).status_code == 202
    assert post(secret, b"neither\nnor").status_code == 400
    store_quarantine.run()
    rows = list(Quarantined.objects.order_by("id"))
    assert [orjson.loads(bytes(row.body)) for row in rows[:2]] == [BAD, {**GOOD, "message": 5}]
    assert bytes(rows[2].body) == b"neither\nnor"
    assert "two words" in rows[0].error
    assert {(row.source, row.api_key, row.address) for row in rows} == {("native", "a sensor", "127.0.0.1")}
    assert all(row.reason for row in rows)


def test_a_flood_kicks_the_task_once():
    for _ in range(20):
        keep_all(refusal())
    assert kicks() == ["ingest.store_quarantine"]


def test_a_kick_that_was_lost_is_healed_by_beat():
    scheduled = {entry["task"]: entry["schedule"] for entry in app.conf.beat_schedule.values()}
    assert scheduled["ingest.store_quarantine"] <= 10


def test_refusals_are_counted_by_source_and_reason():
    labels = {"source": "snmptrap", "reason": "too_deep"}
    before = counted("mutt_events_rejected_total", **labels)
    keep_all(refusal(code="too_deep"), refusal(code="too_deep"), refusal(code="not_json"), source="snmptrap")
    assert counted("mutt_events_rejected_total", **labels) == before + 2


def test_where_nothing_was_refused_nobody_is_asked(redis_away):
    keep_all()
    assert not Quarantined.objects.exists()


# What is kept of a body


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_a_body_stays_as_it_is_byte_by_byte(body):
    found = kept_body(body, 1000)
    assert (found.content, found.truncated, found.redacted) == (body, False, False)


@given(st.text(min_size=1, max_size=100), st.integers(1, 100))
def test_a_cut_body_is_a_beginning_and_ends_with_a_whole_character(text, most):
    body = text.encode()
    found = kept_body(body, most)
    assert body.startswith(found.content)
    assert max(most - 3, 0) <= len(found.content) <= most or found.content == body
    assert found.content.decode() is not None
    assert found.truncated == (found.content != body)


def test_a_body_that_is_longer_than_what_is_looked_at_is_cut_between_characters():
    found = kept_body("é".encode() * 5000, 101)
    assert (found.content, found.truncated) == ("é".encode() * 50, True)


def test_a_body_is_cut_at_the_setting_and_its_whole_size_is_known(settings):
    settings.MUTT_QUARANTINE_MAX_BYTES = 100
    keep_all(refusal(b"x" * 100), refusal(b"y" * 101))
    store_quarantine.run()
    whole, cut = Quarantined.objects.order_by("id")
    assert (bytes(whole.body), whole.truncated, whole.size) == (b"x" * 100, False, 100)
    assert (bytes(cut.body), cut.truncated, cut.size) == (b"y" * 100, True, 101)


@pytest.mark.usefixtures("hides_s3cret")
@pytest.mark.parametrize("around", [b"", "ü".encode(), b"\xff\xfe"])
def test_a_secret_is_taken_out_of_a_body_and_the_rest_stays(around):
    found = kept_body(around + b"s3cret" + around, 1000)
    assert (found.content, found.redacted, found.truncated) == (around + b"***" + around, True, False)


@pytest.mark.usefixtures("hides_s3cret")
def test_no_half_of_a_secret_stays_where_a_body_is_cut():
    assert kept_body(b"x" * 97 + b"s3cret" + b"x" * 5000, 100).content == b"x" * 97 + b"***"


@pytest.mark.usefixtures("hides_s3cret")
def test_what_the_sender_was_told_is_kept_without_secrets_too():
    keep([Refusal("c", "not s3cret", ({"pointer": "/a", "detail": "s3cret!"},), b"")],
         source="syslog", received_at=NOW, **SENDER)  # fmt: skip
    store_quarantine.run()
    row = Quarantined.objects.get()
    assert (row.error, row.errors) == ("not ***", [{"pointer": "/a", "detail": "***!"}])


def test_an_snmp_community_is_not_kept():
    keep_all(refusal(b'{"community": "n0t-f0r-y0u", "trap_oid": "1.3.6"}'))
    assert b"n0t-f0r-y0u" not in b"".join(inbox().head(1))
    store_quarantine.run()
    row = Quarantined.objects.get()
    assert row.redacted
    assert orjson.loads(bytes(row.body))["trap_oid"] == "1.3.6"


def test_what_postgresql_cannot_spell_is_replaced():
    keep(
        [Refusal("c", "a\x00b\ud800", ({"pointer": "/\x00", "detail": "\udfff"},), b"\x00\xff")],
        source="syslog", api_key="k\x00", address="a", content_type="t\ud800", received_at=NOW,
    )  # fmt: skip
    store_quarantine.run()
    row = Quarantined.objects.get()
    assert (row.error, row.api_key, row.content_type) == ("a\u2400b\ufffd", "k\u2400", "t\ufffd")
    assert bytes(row.body) == b"\x00\xff"
    assert row.text == "\x00\\xff"


def test_what_was_said_is_kept_in_bounds():
    many = tuple({"pointer": "/x", "detail": "y" * 5000} for _ in range(50))
    keep([Refusal("c", "z" * 5000, many, b"")], source="syslog", received_at=NOW, **SENDER)
    store_quarantine.run()
    row = Quarantined.objects.get()
    assert (len(row.error), len(row.errors), len(row.errors[0]["detail"])) == (2000, 20, 2000)


# The inbox


def test_where_the_inbox_is_full_the_oldest_make_room_and_are_counted(settings):
    settings.MUTT_QUARANTINE_INBOX = 3
    before = counted("mutt_quarantine_lost_total", why="inbox_full")
    keep_all(refusal(b"1"), refusal(b"2"))
    assert counted("mutt_quarantine_lost_total", why="inbox_full") == before
    keep_all(refusal(b"3"), refusal(b"4"))
    keep_all(*(refusal(str(number).encode()) for number in range(5, 10)))
    assert in_inbox() == [b"7", b"8", b"9"]
    assert counted("mutt_quarantine_lost_total", why="inbox_full") == before + 6


def test_an_inbox_for_nothing_keeps_nothing(settings):
    settings.MUTT_QUARANTINE_INBOX = 0
    before = counted("mutt_quarantine_lost_total", why="inbox_full")
    keep_all(refusal())
    assert redis_client().llen(INBOX) == 0
    assert counted("mutt_quarantine_lost_total", why="inbox_full") == before + 1


def test_while_redis_is_away_nothing_is_raised_and_it_is_said_once(redis_away, caplog):
    before = counted("mutt_quarantine_lost_total", why="redis_away")
    for _ in range(3):
        keep_all(refusal(), refusal())
    assert [record.message for record in caplog.records] == ["2 refused events not kept: ConnectionError"]
    assert counted("mutt_quarantine_lost_total", why="redis_away") == before + 6


def test_redis_is_left_alone_for_a_while_after_it_did_not_answer(redis_away, monkeypatch):
    keep_all(refusal())
    monkeypatch.setattr(Inbox, "put", lambda *_: pytest.fail("Redis was asked again at once"))
    keep_all(refusal())


def test_patience_is_over_after_its_pause_and_speaks_once_a_minute():
    now = 100.0
    patience = Patience(pause_s=5, say_every_s=60, clock=lambda: now)
    seen = [patience.is_over, patience.lose(), patience.is_over]
    now += 5
    seen += [patience.is_over, patience.lose(), patience.is_over]
    now += 55
    seen += [patience.is_over, patience.lose()]
    assert seen == [True, True, False, True, False, False, True, True]


@pytest.mark.parametrize("error", [OperationalError(), RedisError()])
def test_a_broker_that_refuses_the_kick_stops_nobody(monkeypatch, error):
    def refuse(**_: Any) -> None:
        raise error

    monkeypatch.setattr(store_quarantine, "apply_async", refuse)
    keep_all(refusal(b"1"))
    assert in_inbox() == [b"1"]


# From the inbox to PostgreSQL


def test_whoever_is_killed_between_the_two_stores_doubles_nothing():
    keep_all(refusal(b"1"), refusal(b"2"))
    store(inbox().head(500))
    assert in_inbox() == [b"1", b"2"]
    assert store_quarantine.run() == 2
    assert (bodies(), in_inbox()) == ([b"1", b"2"], [])


def test_what_came_meanwhile_stays_in_the_inbox_though_others_made_room(settings):
    settings.MUTT_QUARANTINE_INBOX = 3
    keep_all(refusal(b"1"), refusal(b"2"))
    found = inbox().head(500)
    keep_all(refusal(b"3"), refusal(b"4"))
    store(found)
    inbox().remove(found)
    assert in_inbox() == [b"3", b"4"]
    store_quarantine.run()
    assert sorted(bodies()) == [b"1", b"2", b"3", b"4"]


def test_two_who_empty_the_inbox_at_once_neither_lose_nor_double():
    keep_all(*(refusal(str(number).encode()) for number in range(5)))
    ours, theirs = inbox().head(3), inbox().head(500)
    store(ours)
    store(theirs)
    inbox().remove(theirs)
    inbox().remove(ours)
    assert bodies() == [b"0", b"1", b"2", b"3", b"4"]
    assert in_inbox() == []


def test_while_somebody_else_empties_the_inbox_it_is_left_to_them():
    keep_all(refusal(b"1"))
    lock = redis_client().lock(LOCK, timeout=60)
    assert lock.acquire(blocking=False)
    assert store_quarantine.run() == 0
    assert (in_inbox(), bodies()) == ([b"1"], [])
    lock.release()
    assert store_quarantine.run() == 1
    assert redis_client().exists(LOCK) == 0


def test_one_who_took_longer_than_the_lock_takes_nobody_elses():
    with inbox().held() as ours:
        assert ours
        redis_client().set(LOCK, "somebody else's")
    assert redis_client().get(LOCK) == b"somebody else's"


def test_more_than_one_portion_is_moved_in_one_run():
    for start in range(0, 1201, 400):
        keep_all(*(refusal(b"%d" % number) for number in range(start, min(start + 400, 1201))))
    assert store_quarantine.run() == 1201
    assert len(bodies()) == 1201
    assert in_inbox() == []


def test_what_is_none_of_ours_in_the_inbox_stops_nobody(caplog):
    strange = [b"nonsense", b"[]\nx", b'{"id": 5}\nx', orjson.dumps({"id": str(UUID(int=1)), "new": 1}) + b"\nx"]
    redis_client().rpush(INBOX, *strange)
    keep_all(refusal(b"1"))
    store_quarantine.run()
    assert (bodies(), redis_client().llen(INBOX)) == ([b"1"], 0)
    assert len([record for record in caplog.records if "none of ours" in record.message]) == 4


@pytest.mark.parametrize("fields", [{"error": "a\x00b"}, {"size": 1 << 40}])
def test_what_postgresql_refuses_takes_nobody_along(caplog, fields):
    inbox().put([entry(0, body=b"1"), entry(1, body=b"2", **fields), entry(2, body=b"3")])
    with caplog.at_level(logging.ERROR):
        store_quarantine.run()
    assert sorted(bodies()) == [b"1", b"3"]
    assert "cannot be stored" in caplog.text
    assert redis_client().llen(INBOX) == 0


def test_while_postgresql_is_away_the_inbox_keeps_what_it_has(postgresql_leaves):
    keep_all(refusal(b"1"))
    postgresql_leaves()
    assert store_quarantine() is None  # the base task leaves it to the next run
    assert in_inbox() == [b"1"]
    assert redis_client().exists(LOCK) == 0


# How long it stays


def test_what_is_too_old_is_purged():
    old, young = kept(b"1", at=NOW - timedelta(days=14, seconds=1)), kept(b"2", at=NOW - timedelta(days=13, hours=23))
    assert purge(NOW, max_age=timedelta(days=14), most_per_source=100) == 1
    assert list(Quarantined.objects.all()) == [young]
    assert old.received_at < young.received_at


def test_of_each_source_the_newest_stay():
    for second in range(5):
        for source in ("syslog", "snmptrap"):
            kept(f"{source} {second}".encode(), source=source, at=NOW + timedelta(seconds=second))
    kept(b"rare", source="solarwinds", at=NOW - timedelta(days=1))
    assert purge(NOW, max_age=timedelta(days=14), most_per_source=2) == 6
    assert sorted(bodies()) == [b"rare", b"snmptrap 3", b"snmptrap 4", b"syslog 3", b"syslog 4"]


def test_the_settings_say_how_much_stays(settings):
    settings.MUTT_QUARANTINE_MOST = 2
    settings.MUTT_QUARANTINE_DAYS = 1.0
    kept(b"old", at=datetime.now(UTC) - timedelta(hours=25))
    keep_all(*(refusal(b"%d" % number) for number in range(4)), at=datetime.now(UTC))
    store_quarantine.run()
    assert bodies() == [b"2", b"3"]


def test_a_purge_is_not_made_at_every_run(settings, django_assert_max_num_queries):
    settings.MUTT_QUARANTINE_MOST = 1
    store_quarantine.run()
    keep_all(refusal(b"1"), refusal(b"2"), at=datetime.now(UTC))
    with django_assert_max_num_queries(3):  # the insert and its savepoint
        store_quarantine.run()
    assert bodies() == [b"1", b"2"]


def test_a_flood_brings_the_purge_forward():
    store_quarantine.run()
    due = [inbox().purge_is_due(PURGE_EVERY_ROWS // 2, every_s=300, every_rows=PURGE_EVERY_ROWS) for _ in range(4)]
    assert due == [False, True, False, True]


def test_a_purge_is_made_once_in_a_while_though_nothing_came():
    assert [inbox().purge_is_due(0, every_s=1, every_rows=10) for _ in range(2)] == [True, False]
    redis_client().delete("mutt:quarantine:purged")  # as after its time
    assert inbox().purge_is_due(0, every_s=1, every_rows=10)


def test_a_flood_is_held_near_the_number_in_one_run():
    inbox_ = Inbox(redis_client(), most=5000)
    inbox_.put([entry(number, body=b"%d" % number) for number in range(2000)])
    assert empty_inbox(inbox_, NOW, max_age=timedelta(days=1), most_per_source=10) == 2000
    assert Quarantined.objects.count() < 10 + PURGE_EVERY_ROWS


# Sending it again


def journalled(receipt: Receipt) -> list[Any]:
    assert receipt.batch is not None
    found = journal().look(receipt.batch)
    assert found is not None
    return [item["event"] for item in found[1]]


def test_what_is_valid_by_now_is_accepted_in_its_senders_name():
    row = kept(GOOD, source="native", api_key="rsyslog", address="10.1.2.3")
    receipt = resend(row.id, "ada", NOW)
    assert (receipt.accepted, receipt.rejected) == (1, 0)
    assert journalled(receipt) == [GOOD]
    row.refresh_from_db()
    assert (row.resent_at, row.resent_by, row.batch_id) == (NOW, "ada", receipt.batch)
    assert redis_client().hmget(f"mutt:batch:{receipt.batch}", "api_key", "address") == [b"rsyslog", b"10.1.2.3"]
    assert [orjson.loads(raw)["headers"]["task"] for raw in redis_client().lrange("pipeline", 0, -1)] == [
        "ingest.validate_batch"
    ]


def test_an_event_is_sent_again_once():
    row = kept(GOOD)
    batch = resend(row.id, "ada", NOW).batch
    with pytest.raises(AlreadyResent, match=f"{NOW:%Y-%m-%d %H:%M:%S} UTC by ada, in batch {batch}") as told:
        resend(row.id, "bob", NOW + timedelta(hours=1))
    assert told.value.batch == batch
    assert journal().totals().accepted == 1
    assert Quarantined.objects.get().resent_by == "ada"


@pytest.mark.django_db(transaction=True)
def test_two_who_send_an_event_again_at_once_send_it_once():
    row = kept(GOOD)
    outcomes: list[Any] = []
    together = threading.Barrier(2)

    def send() -> None:
        together.wait()
        outcomes.extend(resend_many([row.id], "ada", NOW))
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(one.outcome).__name__ for one in outcomes) == ["AlreadyResent", "Receipt"]
    assert journal().totals().accepted == 1


def test_what_is_kept_in_part_cannot_be_sent_again():
    row = kept(b'{"hostname', truncated=True, size=20_000)
    with pytest.raises(Truncated, match="Only 10 of its 20,000 bytes were kept"):
        resend(row.id, "ada", NOW)
    assert journal().totals().accepted == 0


@pytest.mark.parametrize(
    ("body", "said"),
    [(BAD, "/hostname"), (b"neither\nnor", "neither JSON nor NDJSON"), (b"", "empty"), ([BAD, 5], "/")],
)
def test_what_is_not_valid_yet_stays_and_says_what_is_wrong_now(body, said):
    row = kept(body)
    with pytest.raises(StillRefused, match=said):
        resend(row.id, "ada", NOW)
    row.refresh_from_db()
    assert said in row.error
    assert (row.resent_at, row.resent_by, row.batch_id) == (None, "", None)
    assert journal().totals().accepted == 0
    assert redis_client().llen(INBOX) == 0  # it is in the quarantine once


def test_a_body_with_too_many_events_stays(settings):
    settings.MUTT_MAX_EVENTS = 2
    row = kept([GOOD, GOOD, GOOD])
    with pytest.raises(StillRefused, match="too many"):
        resend(row.id, "ada", NOW)


def test_of_a_whole_body_what_is_valid_by_now_is_accepted():
    row = kept([GOOD, BAD])
    receipt = resend(row.id, "ada", NOW)
    assert (receipt.accepted, receipt.rejected) == (1, 1)
    row.refresh_from_db()
    assert row.batch_id == receipt.batch
    assert row.error.startswith("Of its 2 events 1 are still refused: ")
    assert "/hostname" in row.error


def test_a_body_that_has_no_event_in_it_by_now_is_done_without_a_batch():
    row = kept([])
    resend(row.id, "ada", NOW)
    row.refresh_from_db()
    assert (row.resent_at, row.batch_id) == (NOW, None)


def test_it_is_read_as_what_its_source_sends():
    line = b"Nov 23 08:30:00 edge-1 sshd: down"  # which nobody would take for syslog by its looks
    assert resend(kept(line, source="syslog", content_type="text/plain").id, "ada", NOW).accepted == 1
    for source, content_type in (("native", "text/plain"), ("syslog", "application/json")):
        with pytest.raises(StillRefused):
            resend(kept(line, source=source, content_type=content_type).id, "ada", NOW)


def test_what_came_by_the_plain_webhook_is_read_by_what_it_looks_like():
    assert resend(kept(b"<13>Nov 23 08:30:00 edge-1 sshd: down").id, "ada", NOW).accepted == 1


def test_while_redis_is_away_nothing_changes(redis_away):
    row = kept(GOOD)
    with pytest.raises(RedisError):
        resend(row.id, "ada", NOW)
    assert Quarantined.objects.get().resent_at is None


def test_an_unknown_id_is_unknown():
    with pytest.raises(Quarantined.DoesNotExist):
        resend(UUID(int=1), "ada", NOW)


def test_many_are_sent_again_each_by_itself():
    good, bad, done = kept(GOOD), kept(BAD), kept(GOOD, resent_at=NOW)
    wanted = [good.id, bad.id, UUID(int=1), done.id, good.id]
    tried = list(resend_many(wanted, "ada", NOW))
    assert [one.id for one in tried] == wanted[:4]
    assert [type(one.outcome) for one in tried] == [Receipt, StillRefused, type(None), AlreadyResent]
    assert journal().totals().accepted == 1


def test_once_redis_is_away_the_rest_is_not_tried(monkeypatch):
    tried: list[UUID] = []

    def fail(identifier: UUID, *_: Any) -> Receipt:
        tried.append(identifier)
        raise RedisError

    monkeypatch.setattr(resending, "resend", fail)
    wanted = [UUID(int=number) for number in range(3)]
    assert [isinstance(one.outcome, RedisError) for one in resend_many(wanted, "ada", NOW)] == [True] * 3
    assert tried == wanted[:1]


def test_what_was_refused_at_the_webhook_is_accepted_after_the_schema_was_mended(secret, monkeypatch):
    post(secret, BAD)
    store_quarantine.run()
    row = Quarantined.objects.get()
    with pytest.raises(StillRefused):
        resend(row.id, "ada", NOW)
    monkeypatch.setattr("ingest.receiving.faults_of", lambda _: [])
    assert journalled(resend(row.id, "ada", NOW)) == [BAD]


def test_the_defaults_are_those_that_are_documented(pytestconfig: pytest.Config):
    lines = (pytestconfig.rootpath / "docs" / "settings.md").read_text()
    for name in ("MAX_BYTES", "INBOX", "DAYS", "MOST"):
        default = getattr(settings, f"MUTT_QUARANTINE_{name}")
        assert f"| `MUTT_QUARANTINE_{name}` | `{default:.0f}` |" in lines
