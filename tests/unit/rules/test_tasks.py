"""The match stage: records before the hand-over, and the same end however often it runs."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from audit.connections import redis_client
from audit.ids import event_id, new_batch_id
from audit.journal import NotClaimed, journal
from audit.ledger import read_ledger
from audit.models import Record
from audit.outcomes import Outcome, Stage
from audit.record import recorded_outcomes, write_records
from ingest.normalisation import canonical_form
from rules.compiled import Matcher
from rules.deciding import decide_batches
from rules.loaded import loaded_rule_set
from rules.models import Rule
from rules.ruleset import load_rule_set
from rules.tasks import check_rule_set, match_batch
from rules.unmatched import UnmatchedCounter, unmatched_counter
from tests.counting import growth

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("redis_server", "rule_of_today")


@pytest.fixture
def rule_of_today(committed_rules, monkeypatch: pytest.MonkeyPatch) -> None:
    """One rule; the process looks at the table at once."""
    Rule.objects.create(name="Down", match_string="down", prod_handling="Page_only", dev_handling="Ignore")
    monkeypatch.setattr("rules.tasks.current_rule_set", FreshRuleSet())


class FreshRuleSet:
    def get(self):
        return Matcher(load_rule_set())


def waiting(*messages: str) -> UUID:
    """A batch that waits to be matched."""
    batch = new_batch_id(datetime.now(UTC))
    events = [{"hostname": "edge", "message": message, "timestamp": "2026-11-23T08:30:00Z"} for message in messages]
    items = [
        {"id": str(event_id(batch, number)), "event": event, "canonical": canonical_form(event, NOW)}
        for number, event in enumerate(events)
    ]
    journal().open(batch, items, api_key="k", address="a")
    with journal().claimed(batch, Stage.VALIDATE) as claim:
        claim.advance(Stage.MATCH)
    return batch


def outcomes(batch: UUID) -> list[str]:
    return [outcome.value for _, outcome in sorted(recorded_outcomes(batch).items())]


def test_a_batch_with_an_alert_is_recorded_and_handed_to_forward():
    batch = waiting("link down", "quiet")
    assert match_batch.run(str(batch)) == str(batch)
    assert outcomes(batch) == ["pending", "unmatched"]
    assert journal().stage_of(batch)[0] is Stage.FORWARD  # type: ignore[index]
    assert read_ledger(journal()).balanced


def test_a_batch_without_an_alert_is_recorded_and_closed():
    batch = waiting("quiet", "still quiet")
    assert match_batch.run(str(batch)) is None
    assert outcomes(batch) == ["unmatched", "unmatched"]
    assert journal().stage_of(batch) is None
    with pytest.raises(NotClaimed):
        match_batch.run(str(batch))
    assert read_ledger(journal()).balanced


@pytest.mark.parametrize("active", [True, False])
def test_a_worker_that_died_between_commit_and_hand_over_is_succeeded_by_one_that_keeps_its_decision(active):
    """Also where the rule that decided has been switched off since."""
    batch = waiting("link down", "quiet")
    with journal().claimed(batch, Stage.MATCH) as claim:
        decided = decide_batches([claim], Matcher(load_rule_set()), unmatched_counter().count, datetime.now(UTC))
        write_records(decided[batch])
        claim.release()
    Rule.objects.update(is_active=active)
    assert match_batch.run(str(batch)) == str(batch)
    assert outcomes(batch) == ["pending", "unmatched"]
    assert Record.objects.count() == 2
    ledger = read_ledger(journal())
    assert (ledger.pending, ledger.unmatched, ledger.balanced) == (1, 1, True)


def test_a_batch_that_is_matched_twice_is_counted_once_and_its_meta_alert_stands(monkeypatch: pytest.MonkeyPatch):
    counter = UnmatchedCounter(redis_client(), threshold=2, window_s=60)
    monkeypatch.setattr("rules.tasks.unmatched_counter", lambda: counter)
    batch = waiting("retry 1", "retry 2", "retry 3")
    with journal().claimed(batch, Stage.MATCH) as claim:
        decide_batches([claim], Matcher(load_rule_set()), counter.count, datetime.now(UTC))
        claim.release()
    assert match_batch.run(str(batch)) == str(batch)
    assert outcomes(batch) == ["unmatched", "pending", "unmatched"]
    assert [one.reason for one in Record.objects.filter(outcome=Outcome.PENDING)] == ["unmatched_threshold"]


def test_how_long_decisions_took_is_told_once_for_each_event():
    name = "mutt_decision_latency_seconds_count"
    batch = waiting("link down", "quiet", "quiet")
    with growth(name) as decided:
        match_batch.run(str(batch))
        with pytest.raises(NotClaimed):
            match_batch.run(str(batch))
    assert decided.by == 3


def test_the_look_at_the_rules_tells_what_is_loaded():
    check_rule_set.run()
    told = loaded_rule_set()
    assert told is not None
    assert (told.rules, told.left_out_count) == (1, 0)


def test_a_meta_alert_of_unmatched_events_is_counted(monkeypatch: pytest.MonkeyPatch):
    counter = UnmatchedCounter(redis_client(), threshold=2, window_s=60)
    monkeypatch.setattr("rules.tasks.unmatched_counter", lambda: counter)
    with growth("mutt_unmatched_thresholds_total") as thresholds:
        match_batch.run(str(waiting("quiet", "quiet", "quiet")))
    assert thresholds.by == 1
