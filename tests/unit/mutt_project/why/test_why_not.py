"""GET /api/v1/events/why-not: a verdict on whatever somebody looks for, and how far was looked."""

import shlex
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from audit.ids import event_id, new_batch_id
from audit.journal import Burial, journal
from audit.models import Record
from audit.outcomes import DeadStage, Stage
from audit.tasks import store_dead_letters
from ingest.quarantine_models import Quarantined
from ingest.tasks import validate_batch
from mutt_project.why import finding
from mutt_project.why.verdicts import Verdict
from rules.models import Rule
from rules.tasks import match_batch
from tests.unit.forwarder.records import alert
from tests.unit.mutt_project.calls import RULE, faults, get

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server", "fresh_rule_set")]


_ticks = count()


def later() -> datetime:
    """A moment after the one before: ids of one millisecond have no order."""
    return datetime.now(UTC) - timedelta(hours=1) + timedelta(milliseconds=next(_ticks))


def sent(*messages: str, host: str = "Edge-1") -> UUID:
    batch, now = new_batch_id(later()), datetime.now(UTC).isoformat()
    entries = [
        {"id": str(event_id(batch, place)), "event": {"hostname": host, "timestamp": now, "message": message}}
        for place, message in enumerate(messages)
    ]
    journal().open(batch, entries, api_key="sensor", address="192.0.2.9")
    return batch


def decided(*messages: str, host: str = "Edge-1", **rule: Any) -> UUID:
    if rule:
        Rule.objects.create(**{**RULE, **rule})
    batch = sent(*messages, host=host)
    validate_batch.run(str(batch))
    match_batch.run(str(batch))
    return batch


def refused(body: str = '{"message": "GRÜN no host"}', **fields: Any) -> Quarantined:
    values = {"id": new_batch_id(later()), "received_at": datetime.now(UTC), "source": "native"}
    values |= {"reason": "hostname_missing", "error": "/hostname: It is missing.", "body": body.encode()}
    values |= {"size": len(body), "api_key": "sensor", "address": "192.0.2.9"}
    return Quarantined.objects.create(**{**values, **fields})


def why_not(reader: Client, query: object, more: str = "") -> Any:
    answer = reader.get("/api/v1/events/why-not", {"q": str(query)}) if not more else None
    if answer is None:
        return get(reader, f"events/why-not?q={query}{more}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def end(batch: UUID, **fields: Any) -> None:
    Record.objects.filter(event_id=event_id(batch, 0)).update(outcome_at=datetime.now(UTC), **fields)


def parked(batch: UUID) -> None:
    with journal().claimed(batch, Stage.FORWARD) as claim:
        claim.park("open", 1)


def dead(batch: UUID) -> None:
    journal().bury(batch, Burial(DeadStage.MOOG, "refused", "HTTP 400"), Stage.FORWARD)
    store_dead_letters.run(str(batch))


def made(verdict: Verdict) -> UUID:
    """The batch of an event that came to this."""
    handling = {"prod_handling": "Ignore"} if verdict is Verdict.IGNORED else {"prod_handling": "Page_only"}
    if verdict is Verdict.IN_FLIGHT:
        return sent("it went down")
    batch = decided("it went down", **({} if verdict is Verdict.UNMATCHED else handling))
    if verdict is Verdict.PARKED:
        parked(batch)
    elif verdict is Verdict.DEAD:
        dead(batch)
    elif verdict in {Verdict.DELIVERED, Verdict.SUPPRESSED}:
        end(batch, outcome=verdict.value, reason="flood" if verdict is Verdict.SUPPRESSED else "")
    return batch


OF_EVENTS = [verdict for verdict in Verdict if verdict not in {Verdict.NEVER_ARRIVED, Verdict.QUARANTINED}]
SAID = {
    Verdict.IN_FLIGHT: "No alert yet. It is in the journal",
    Verdict.PARKED: "breaker is open",
    Verdict.UNMATCHED: "no rule of rule set",
    Verdict.IGNORED: "“Down” says Ignore for prod hosts",
    Verdict.SUPPRESSED: "it was suppressed (flood)",
    Verdict.DEAD: "it was given up (refused). HTTP 400. Dead letter",
    Verdict.DELIVERED: "It became an alert",
}


@pytest.mark.parametrize("verdict", OF_EVENTS)
def test_each_verdict_is_found_by_event_batch_host_and_text(reader, verdict):
    batch = made(verdict)
    identifier = str(event_id(batch, 0))
    for query in (identifier, batch, "edge-1", "EDGE-1.", "Went DOWN"):
        answer = why_not(reader, query)
        assert (answer["verdict"], [one["id"] for one in answer["found"]]) == (verdict, [identifier]), query
        assert SAID[verdict] in answer["text"], query
        assert answer["check"] == []
        assert answer["looked"]
    assert (answer["found"][0]["dead_letter"] is not None) is (verdict is Verdict.DEAD)


@pytest.mark.parametrize("query", ["grün no", "192.0.2.9", "GRÜN"])
def test_what_was_refused_is_found_by_its_text_or_sender(reader, query):
    row = refused()
    if query == "grün no":  # bytes know no case but that of ASCII
        assert why_not(reader, query)["verdict"] == Verdict.NEVER_ARRIVED
        return
    answer = why_not(reader, query)
    assert (answer["verdict"], answer["found"][0]["id"]) == (Verdict.QUARANTINED, str(row.pk))
    assert answer["text"] == "It was refused: /hostname: It is missing."


def test_what_was_refused_is_found_by_its_id_and_by_the_batch_that_it_was_accepted_in_later(reader):
    batch = new_batch_id(datetime.now(UTC))
    row = refused(resent_at=datetime.now(UTC), batch_id=batch)
    for query in (row.pk, batch):
        answer = why_not(reader, query)
        assert (answer["verdict"], answer["found"][0]["kind"]) == (Verdict.QUARANTINED, "refused")
        assert f"accepted as batch {batch}" in answer["text"]


def test_what_never_arrived_says_where_was_looked_what_to_look_at_and_a_command_to_try(reader):
    refused("{}", api_key="the firewall's", address="192.0.2.77")
    answer = why_not(reader, "core-99")
    assert (answer["verdict"], answer["found"]) == (Verdict.NEVER_ARRIVED, [])
    said = " ".join(answer["check"])
    assert "No event of a host of this name was ever recorded." in said
    assert "1 events of key “the firewall's” from 192.0.2.77 were refused within a day: hostname_missing." in said
    assert "20,000 records" in " ".join(answer["looked"])
    assert "0 of 0 batches in flight" in " ".join(answer["looked"])
    words = shlex.split(answer["try_it"])
    assert (words[0], words[-1]) == ("curl", "http://testserver/webhook")
    assert '"hostname": "core-99"' in answer["try_it"]


def test_a_host_that_was_silent_since_then_is_told_with_its_last_event(reader):
    old = event_id(new_batch_id(datetime.now(UTC) - timedelta(days=30)), 0)
    alert(event_id=old, hostname="core-2", address="192.0.2.5", message="-", outcome="delivered").save(
        force_insert=True
    )
    answer = why_not(reader, "CORE-2")
    assert answer["verdict"] == Verdict.NEVER_ARRIVED
    assert f"The last event of this host came {datetime.now(UTC) - timedelta(days=30):%F}" in answer["check"][0]
    assert why_not(reader, "core-2", "&days=40")["verdict"] == Verdict.DELIVERED


@pytest.mark.parametrize(
    ("identifier", "said"),
    [
        (uuid4(), "MUTT has never given this id"),
        (UUID("ffffffff-ffff-7fff-8000-000000000000"), "lies ahead"),
        (event_id(new_batch_id(datetime.now(UTC) + timedelta(days=3)), 0), "lies ahead"),
        (event_id(new_batch_id(datetime.now(UTC) - timedelta(days=3)), 0), "By its id it was received"),
    ],
)
def test_an_id_that_nobody_has_is_told_apart(reader, identifier, said):
    answer = why_not(reader, identifier)
    assert answer["verdict"] == Verdict.NEVER_ARRIVED
    assert said in answer["check"][0]


def test_of_several_the_newest_has_the_verdict_and_the_others_are_counted(reader):
    decided("it went down", prod_handling="Ignore")
    decided("unheard of")
    row = refused('{"host": "Edge-1"}')
    answer = why_not(reader, "edge-1")
    assert [one["verdict"] for one in answer["found"]] == ["quarantined", "unmatched", "ignored"]
    assert answer["verdict"] == "quarantined"
    assert "the newest of 3 found: 1 quarantined, 1 unmatched, 1 ignored." in answer["text"]
    assert answer["found"][0]["id"] == str(row.pk)


def test_of_a_batch_the_events_are_told(reader):
    batch = decided("it went down", "unheard of", prod_handling="Ignore")
    answer = why_not(reader, batch)
    assert [one["verdict"] for one in answer["found"]] == ["ignored", "unmatched"]


def test_a_text_is_taken_as_it_is_and_not_as_a_pattern(reader):
    decided("100% of _it_ \\ is used")
    for query in ("100% of", "_it_", "\\ is"):
        assert why_not(reader, query)["verdict"] == Verdict.UNMATCHED, query
    for query in ("100%used", "_xx_", "%"):
        found = why_not(reader, query)["verdict"]
        assert found == (Verdict.UNMATCHED if query == "%" else Verdict.NEVER_ARRIVED), query


def test_it_says_how_far_it_looked_and_looks_no_further(reader, monkeypatch):
    monkeypatch.setattr(finding, "NEWEST_RECORDS", 2)
    monkeypatch.setattr(finding, "NEWEST_BATCHES", 1)
    monkeypatch.setattr(finding, "NEWEST_REFUSED", 1)
    decided("the oldest")
    decided("a", "b", host="another")
    sent("also the oldest")
    sent("newer")
    refused("the oldest too")
    refused("newer")
    assert why_not(reader, "the oldest")["verdict"] == Verdict.UNMATCHED  # by its words all records are looked through
    answer = why_not(reader, "he oldes")
    assert answer["verdict"] == Verdict.NEVER_ARRIVED
    assert "the newest 2 records" in " ".join(answer["looked"])
    assert "1 of 2 batches in flight" in " ".join(answer["looked"])
    assert "the newest 1 refused events" in " ".join(answer["looked"])


def test_many_of_one_host_are_bounded_and_only_the_newest_is_explained(reader):
    for number in range(30):
        decided(f"unheard of {number}", host="many")
    with CaptureQueriesContext(connection) as queries:
        answer = why_not(reader, "many")
    assert len(answer["found"]) == finding.MOST_FOUND
    assert "unheard of 29" in answer["found"][0]["message"]
    assert sum("rules_rulechange" in query["sql"] for query in queries) <= 1


@pytest.mark.parametrize("query", ["", "q=", f"q={'x' * 1001}", "q=a%00b", "q=x&days=0", "q=x&days=y"])
def test_a_question_that_makes_no_sense_is_400(reader, query):
    assert faults(get(reader, f"events/why-not?{query}", 400))


def test_nobody_is_told_without_the_right_to_read(make_key):
    assert Client().get("/api/v1/events/why-not?q=x").status_code == 401
    ingest_only = Client(headers={"X-API-KEY": make_key("ingest", name="a sensor")})
    assert ingest_only.get("/api/v1/events/why-not?q=x").status_code == 403
