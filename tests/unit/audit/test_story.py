"""The story of an event in sentences."""

import re
from datetime import timedelta

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
        "environment": "prod",
        "team": "NETO",
        "outcome_at": NOW + timedelta(seconds=1),
    }
    return Record(outcome=outcome, **{**values, **fields})


def attempt(number: int, reason: str = "", status: int | None = 200, position: int = 0) -> Attempt:
    return Attempt(
        batch_id=BATCH,
        event_ids=[event_id(BATCH, position)],
        number=number,
        started_at=NOW,
        duration_ms=12.4,
        status=status,
        reason=reason,
        excerpt="HTTP 503: busy" if reason else "",
    )


def test_a_delivered_event_tells_of_receipt_decision_and_each_of_its_own_attempts():
    others = attempt(1, position=5)
    steps = story(record("delivered"), [attempt(1, "server_error", 503), others, attempt(2)], None)
    assert [step.stage for step in steps] == ["received", "validated", "decided", "attempt", "attempt", "outcome"]
    text = " ".join(step.text for step in steps)
    for part in ("“sensor”", "192.0.2.9", "edge-1", "Rule 7 “Down”", "rule set 4", "Page_only", "server_error", "503"):
        assert part in text
    assert steps[-1].text == "Delivered to Moogsoft."


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.PENDING])
def test_every_end_is_told_with_its_time(outcome: Outcome):
    last = story(record(outcome.value, reason="refused"), [], None)[-1]
    assert (last.stage, last.at) == ("outcome", NOW + timedelta(seconds=1))
    assert re.search(r"\w{5}", last.text)


@pytest.mark.parametrize("stage", list(Stage))
def test_what_is_pending_says_what_it_waits_for(stage: Stage):
    last = story(record("pending"), [], stage)[-1]
    assert (last.stage, last.at) == ("waiting", None)
    assert "wait" in last.text


def test_an_unmatched_event_and_a_meta_alert_say_so():
    plain = story(record("unmatched", rule_id=None), [], None)
    meta = story(record("delivered", rule_id=None, reason="unmatched_threshold"), [], None)
    assert "No rule matched by rule set 4" in plain[2].text
    assert "meta-alert" in meta[2].text


def test_an_event_that_died_before_it_was_decided_has_no_decision():
    steps = story(record("dead", rule_set_version=None, reason="internal_error"), [], None)
    assert [step.stage for step in steps] == ["received", "outcome"]
    assert "internal_error" in steps[-1].text
