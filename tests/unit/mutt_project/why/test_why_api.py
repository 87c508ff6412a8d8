"""GET /api/v1/events/<id>: what became of one event, and why."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from audit.ids import event_id, new_batch_id
from audit.journal import Burial, journal
from audit.models import Attempt, DeadLetter, Record
from audit.outcomes import DeadStage, Stage
from audit.tasks import store_dead_letters
from ingest.tasks import validate_batch
from rules.models import DevelopmentHost, Rule
from rules.tasks import match_batch
from tests.unit.forwarder.records import alert
from tests.unit.mutt_project.calls import RULE, get

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server", "fresh_rule_set")]

SENT = {"hostname": "Edge-1.", "timestamp": "2026-11-23T08:30:00Z", "message": "it went down", "severity": "err"}


def received(source: str = "") -> tuple[UUID, str]:
    batch = new_batch_id(datetime.now(UTC))
    entry: dict[str, Any] = {"id": str(event_id(batch, 0)), "event": SENT}
    if source:
        entry["source"] = source
    journal().open(batch, [entry], api_key="sensor", address="192.0.2.9")
    return batch, str(event_id(batch, 0))


def decided(source: str = "") -> tuple[UUID, str]:
    batch, identifier = received(source)
    validate_batch.run(str(batch))
    match_batch.run(str(batch))
    return batch, identifier


def told(reader: Client, identifier: str) -> Any:
    return get(reader, f"events/{identifier}")


def test_an_event_that_has_just_come_tells_who_sent_what_and_what_it_waits_for(reader):
    _, identifier = received("syslog")
    event = told(reader, identifier)
    assert event["received"] == {
        "at": event["received_at"], "api_key": "sensor", "address": "192.0.2.9", "source": "syslog", "body": SENT,
        "correlation_id": None,
    }  # fmt: skip
    assert (event["verdict"], event["validated"], event["decision"], event["attempts"]) == ("in_flight", None, None, [])
    assert (event["waiting"]["stage"], event["waiting"]["why"]) == ("validate", "queued")
    assert event["waiting"]["since"] is not None


def test_what_was_normalised_is_told_before_the_event_is_decided(reader):
    batch, identifier = received()
    validate_batch.run(str(batch))
    event = told(reader, identifier)
    changed = {one["field"]: (one["sent"], one["became"]) for one in event["validated"]["fields"] if one["changed"]}
    assert changed["hostname"] == ("Edge-1.", "Edge-1")
    assert changed["syslog_severity"] == ("err", "Error")
    assert event["received"]["source"] is None


def test_the_winner_the_losers_and_their_reasons_are_those_of_the_rules_of_that_time(reader):
    winner = Rule.objects.create(**RULE, priority=5)
    loser = Rule.objects.create(**{**RULE, "name": "Any", "match_string": "went"}, priority=9)
    nearly = Rule.objects.create(**{**RULE, "name": "Loud", "syslog_severity": "Alert"}, priority=1)
    _, identifier = decided("native")
    Record.objects.update(outcome="delivered")
    decision = told(reader, identifier)["decision"]
    assert (decision["rule_id"], decision["is_explained"], decision["caveat"]) == (winner.pk, True, None)
    assert [(one["id"], one["wins"]) for one in decision["candidates"]] == [(winner.pk, True), (loser.pk, False)]
    assert "its priority 9 comes after 5 of “Down”" in decision["candidates"][1]["why"]
    assert [one["id"] for one in decision["near_misses"]] == [nearly.pk]
    assert "not on the list of development hosts" in decision["environment_why"]
    assert decision["team_why"] == "It is the team of the rule “Down”."


def test_rules_that_were_changed_since_do_not_change_what_is_told(reader, next_transaction):
    rule = Rule.objects.create(**RULE)
    _, identifier = decided()
    Record.objects.update(outcome="delivered")
    before = told(reader, identifier)
    next_transaction()
    Rule.objects.filter(pk=rule.pk).update(match_string="another", name="Renamed")
    DevelopmentHost.objects.create(hostname="edge-1")
    assert told(reader, identifier) == before
    assert before["decision"]["candidates"][0]["name"] == "Down"


def test_where_the_rules_of_that_time_are_unknown_the_record_speaks_and_it_is_said(reader):
    record = alert(outcome="delivered", rule_set_version=10**9)
    record.save(force_insert=True)
    decision = told(reader, str(record.pk))["decision"]
    assert (decision["is_explained"], decision["rule_name"], decision["candidates"]) == (False, "Interface down", [])
    assert "not known any more" in decision["caveat"]
    assert "What the record says stands." in decision["caveat"]


def test_where_the_record_says_otherwise_than_the_rules_would_both_are_told(reader):
    Rule.objects.create(**RULE)
    _, identifier = decided()
    Record.objects.update(team="ELSEWHERE", outcome="delivered")
    decision = told(reader, identifier)["decision"]
    assert decision["team"] == "ELSEWHERE"
    assert "team ELSEWHERE instead of NETO" in decision["caveat"]


def test_each_attempt_is_told_with_its_answer_and_how_long_it_took(reader):
    record = alert(outcome="pending")
    record.save(force_insert=True)
    fields = {"batch_id": UUID(int=record.pk.int - 1), "event_ids": [record.pk, UUID(int=5)]}
    started = datetime.now(UTC)
    Attempt.objects.create(
        **fields, number=1, started_at=started, duration_ms=12.5, status=503, reason="server_error", excerpt="busy"
    )
    Attempt.objects.create(**fields, number=2, started_at=started, duration_ms=9, status=200)
    first, second = told(reader, str(record.pk))["attempts"]
    assert (first["status"], first["reason"], first["excerpt"], first["latency_ms"]) == (
        503,
        "server_error",
        "busy",
        12.5,
    )
    assert (second["reason"], second["events"], second["number"]) == (None, 2, 2)


def test_what_is_parked_says_why_and_that_it_is_no_alert_yet(reader):
    Rule.objects.create(**RULE)
    batch, identifier = decided()
    with journal().claimed(batch, Stage.FORWARD) as claim:
        claim.park("paused", 1)
    event = told(reader, identifier)
    assert (event["verdict"], event["waiting"]["why"], event["waiting"]["next_try_at"]) == ("parked", "paused", None)
    assert event["text"].startswith("No alert yet. It is parked: Moogsoft refuses the key")


def test_what_is_tried_again_says_when(reader):
    Rule.objects.create(**RULE)
    batch, identifier = decided()
    with journal().claimed(batch, Stage.FORWARD) as claim:
        claim.release(30)
    waiting = told(reader, identifier)["waiting"]
    assert waiting["why"] == "retry"
    assert datetime.fromisoformat(waiting["next_try_at"]) > datetime.now(UTC)


def test_what_a_worker_is_at_says_so(reader):
    Rule.objects.create(**RULE)
    batch, identifier = decided()
    with journal().claimed(batch, Stage.FORWARD):
        assert told(reader, identifier)["waiting"]["why"] == "working"


def test_what_died_tells_its_dead_letter_and_what_became_of_that(reader):
    Rule.objects.create(**RULE)
    batch, identifier = decided()
    journal().bury(batch, Burial(DeadStage.MOOG, "refused", "HTTP 400: no such field"), Stage.FORWARD)
    store_dead_letters.run(str(batch))
    DeadLetter.objects.update(state="discarded", settled_by="ada")
    event = told(reader, identifier)
    letter = event["dead_letter"]
    assert (letter["reason"], letter["state"], letter["settled_by"]) == ("refused", "discarded", "ada")
    assert event["text"] == (
        f"No alert: it was given up (refused). HTTP 400: no such field. Dead letter {letter['id']} is discarded."
    )


def test_what_no_rule_matched_names_the_rule_that_nearly_did(reader):
    Rule.objects.create(**{**RULE, "syslog_severity": "Alert"})
    _, identifier = decided()
    event = told(reader, identifier)
    assert (event["verdict"], event["waiting"]) == ("unmatched", None)
    assert "Nearest is “Down”: All but the severity matches: it wants Alert, the event is Error." in event["text"]


def test_an_event_is_told_with_its_own_batch_and_attempts_and_no_others(reader):
    Rule.objects.create(**RULE)
    (batch, identifier), (other, another) = decided(), decided()
    with journal().claimed(batch, Stage.FORWARD) as claim:
        claim.advance(Stage.DLQ)
    for number, (of, event) in enumerate([(batch, identifier), (other, another)], 1):
        fields = {"batch_id": of, "event_ids": [UUID(event)], "started_at": datetime.now(UTC), "duration_ms": 1}
        Attempt.objects.create(number=number, **fields)
    event = told(reader, identifier)
    assert [step["stage"] for step in event["steps"]] == ["received", "validated", "decided", "attempt", "waiting"]
    assert ([one["number"] for one in event["attempts"]], event["times_sent"]) == ([1], 1)
    assert event["waiting"]["stage"] == "dlq"
