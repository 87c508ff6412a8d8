"""The story of an event in sentences."""

from datetime import timedelta
from uuid import UUID

import pytest

from audit.ids import event_id, new_batch_id
from audit.models import Attempt, Record
from audit.outcomes import Outcome, Stage
from audit.story import story
from tests.unit.audit.batches import NOW

BATCH = new_batch_id(NOW)


def record(outcome: str, **fields: object) -> Record:
    values = {
        "event_id": event_id(BATCH, 0),
        "received_at": NOW,
        "api_key": "sensor",
        "address": "192.0.2.9",
        "hostname": "edge-1",
        "syslog_severity": "Error",
        "rule_set_version": 4,
        "rule_id": 7,
        "rule_name": "Down",
        "handling": "Page_only",
        "environment": "dev",
        "team": "ROUTING",
        "outcome_at": NOW + timedelta(seconds=1),
    }
    return Record(outcome=outcome, **{**values, **fields})


def attempt(number: int, reason: str = "", status: int | None = 200, events: tuple[UUID, ...] = ()) -> Attempt:
    return Attempt(
        batch_id=BATCH,
        event_ids=list(events or [event_id(BATCH, 0)]),
        number=number,
        started_at=NOW + timedelta(seconds=number),
        duration_ms=12.4,
        status=status,
        reason=reason,
        excerpt="HTTP 503: busy" if reason else "",
    )


def test_a_delivered_event_tells_of_receipt_decision_and_each_of_its_own_attempts():
    others = attempt(9, events=(event_id(BATCH, 5),))
    both = attempt(2, events=(event_id(BATCH, 5), event_id(BATCH, 0)))
    steps = story(record("delivered", trap_oid="1.3.6"), [attempt(1, "server_error", 503), others, both], None)
    assert [step.as_json() for step in steps] == [
        {"at": NOW, "stage": "received", "text": "Received with API key “sensor” from 192.0.2.9."},
        {"at": None, "stage": "validated", "text": "Valid: host edge-1, severity Error, trap 1.3.6."},
        {
            "at": None,
            "stage": "decided",
            "text": "Rule 7 “Down” won by rule set 4; from a dev host, so: Page_only, team ROUTING.",
        },
        {
            "at": NOW + timedelta(seconds=1),
            "stage": "attempt",
            "text": "Attempt 1, 1 events in 12 ms: server_error. HTTP 503: busy",
        },
        {
            "at": NOW + timedelta(seconds=2),
            "stage": "attempt",
            "text": "Attempt 2, 2 events in 12 ms: Moogsoft took it (HTTP 200).",
        },
        {"at": NOW + timedelta(seconds=1), "stage": "outcome", "text": "Delivered to Moogsoft."},
    ]


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        (Outcome.DELIVERED, "Delivered to Moogsoft."),
        (Outcome.IGNORED, "Ignored, as the rule says for dev hosts."),
        (Outcome.UNMATCHED, "Counted as unmatched; no alert."),
        (Outcome.SUPPRESSED, "Suppressed: refused."),
        (Outcome.DEAD, "Given up: refused. See the dead letters."),
    ],
)
def test_every_end_is_told_with_its_time(outcome: Outcome, text: str):
    last = story(record(outcome.value, reason="refused"), [], Stage.FORWARD)[-1]
    assert (last.stage, last.at, last.text) == ("outcome", NOW + timedelta(seconds=1), text)


@pytest.mark.parametrize(
    ("stage", "part"),
    [
        (Stage.VALIDATE, "normalise"),
        (Stage.MATCH, "decide"),
        (Stage.FORWARD, "delivered"),
        (Stage.DLQ, "dead letters"),
        (None, "delivered"),
    ],
)
def test_what_is_pending_says_what_it_waits_for(stage: Stage | None, part: str):
    last = story(record("pending", outcome_at=None), [], stage)[-1]
    assert (last.stage, last.at) == ("waiting", None)
    assert "wait" in last.text
    assert part in last.text


@pytest.mark.parametrize(
    ("parked", "part"),
    [("open", "breaker is open"), ("paused", "refuses the key"), ("order", "an earlier alert"), ("timeout", "failed")],
)
def test_what_is_parked_says_why(parked: str, part: str):
    last = story(record("pending", outcome_at=None), [], Stage.FORWARD, parked)[-1]
    assert last.stage == "waiting"
    assert part in last.text


def test_an_unmatched_event_and_a_meta_alert_say_so():
    plain = story(record("unmatched", rule_id=None), [], None)
    meta = story(record("delivered", rule_id=None, reason="unmatched_threshold"), [], None)
    assert plain[2].text == "No rule matched by rule set 4; its kind is counted for team ROUTING."
    assert "one meta-alert for all of them goes to team ROUTING" in meta[2].text


def test_an_event_that_died_before_it_was_decided_has_no_decision():
    steps = story(record("dead", rule_set_version=None, reason="internal_error"), [], None)
    assert [step.stage for step in steps] == ["received", "outcome"]


def test_a_canary_tells_that_it_is_one():
    canary = {"hostname": "mutt-canary", "source_type": "mutt-canary", "rule_id": None, "reason": "canary"}
    steps = story(record("suppressed", **canary), [], None)
    assert steps[2].text.startswith("It is a canary: no rule decides it")
    assert steps[-1].text.startswith("Suppressed, as every canary that does not ask for delivery")
