"""Several batches in one message: each is worked on as it would be by itself, and none keeps the others back."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from audit.connections import redis_client
from audit.ids import event_id, new_batch_id
from audit.journal import BATCH, Burial, Claim, StaleClaim, journal
from audit.ledger import read_ledger
from audit.models import Record
from audit.outcomes import DeadStage, Stage
from audit.record import write_records
from ingest.tasks import validate_batch, validate_together
from rules.deciding import decide_batches
from rules.models import Rule
from rules.ruleset import current_rule_set
from rules.tasks import match_batch, match_together
from rules.unmatched import unmatched_counter

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]


@pytest.fixture
def rule(committed_rules: None) -> None:
    Rule.objects.create(name="Down", match_string="down", prod_handling="Page_only", dev_handling="Ignore")


def opened(*messages: str) -> UUID:
    batch = new_batch_id(datetime.now(UTC))
    entries = [
        {
            "id": str(event_id(batch, place)),
            "event": {"hostname": f"h-{batch}", "timestamp": "2026-11-23T08:30:00Z", "message": message},
        }
        for place, message in enumerate(messages)
    ]
    journal().open(batch, entries, api_key="k", address="a")
    return batch


def names(*batches: UUID) -> list[str]:
    return [str(batch) for batch in sorted(batches)]


def stage_of(batch: UUID) -> Stage | None:
    place = journal().stage_of(batch)
    return place[0] if place else None


def outcomes(batch: UUID) -> list[str]:
    found = Record.objects.filter(event_id__gte=batch, event_id__lte=event_id(batch, 1000)).order_by("event_id")
    return list(found.values_list("outcome", flat=True))


def lose(batch: UUID) -> None:
    """Another worker has the batch by now."""
    redis_client().hset(BATCH + str(batch), "token", "somebody else's")


def hold(batch: UUID, stage: Stage) -> Claim:
    return journal()._claim(batch, stage)  # noqa: SLF001 - the context manager would release it


def test_batches_are_brought_into_canonical_form_together():
    first, second = opened("one", "two"), opened("three")
    assert validate_together.run([str(first), str(second)]) == names(first, second)
    for batch, size in ((first, 2), (second, 1)):
        stage, entries = journal().look(batch)  # type: ignore[misc]
        assert (stage, len(entries)) == (Stage.MATCH, size)
        assert all("canonical" in entry for entry in entries)


def test_what_is_closed_or_held_or_elsewhere_is_left_out():
    free, held, elsewhere = opened("a"), opened("b"), opened("c")
    gone = new_batch_id(datetime.now(UTC))
    hold(held, Stage.VALIDATE)
    validate_batch.run(str(elsewhere))
    assert validate_together.run(names(free, held, elsewhere, gone)) == [str(free)]


def test_where_nothing_can_be_had_nothing_is_left_to_do():
    gone = new_batch_id(datetime.now(UTC))
    assert validate_together.run([str(gone)]) is None
    assert match_together.run([str(gone)]) is None


def test_one_whose_lease_runs_out_does_not_keep_the_others_back(monkeypatch: pytest.MonkeyPatch):
    first, slow, last = opened("a"), opened("b"), opened("c")

    def work(claim: Claim, *_: Any) -> list[Any]:
        if claim.batch == slow:
            raise StaleClaim
        return [None] * len(claim.events)

    monkeypatch.setattr("ingest.tasks.each_by_itself", work)
    assert validate_together.run(names(first, slow, last)) == names(first, last)


def test_one_that_was_taken_over_meanwhile_is_not_handed_on(monkeypatch: pytest.MonkeyPatch):
    first, taken = opened("a"), opened("b")

    def work(entry: Any) -> Any:
        lose(taken)
        return entry

    monkeypatch.setattr("ingest.tasks.normalised", work)
    assert validate_together.run(names(first, taken)) == [str(first)]
    assert stage_of(taken) is Stage.VALIDATE


@pytest.mark.usefixtures("rule")
def test_batches_are_decided_and_recorded_together_and_only_those_with_alerts_go_on():
    alerts, quiet, both = opened("link down"), opened("quiet", "still"), opened("quiet", "link down")
    validate_together.run(names(alerts, quiet, both))
    assert match_together.run(names(alerts, quiet, both)) == names(alerts, both)
    assert (outcomes(alerts), outcomes(quiet), outcomes(both)) == (
        ["pending"],
        ["unmatched"] * 2,
        ["unmatched", "pending"],
    )
    assert (stage_of(alerts), stage_of(quiet), stage_of(both)) == (Stage.FORWARD, None, Stage.FORWARD)
    assert read_ledger(journal()).balanced


@pytest.mark.usefixtures("rule")
def test_one_that_was_recorded_before_keeps_its_decision_among_others():
    known, new = opened("link down"), opened("link down", "quiet")
    validate_together.run(names(known, new))
    with journal().claimed(known, Stage.MATCH) as claim:
        decided = decide_batches([claim], current_rule_set.get(), unmatched_counter().count, datetime.now(UTC))
        write_records(decided[known])
        claim.release()
    Rule.objects.update(is_active=False)
    assert str(known) in (match_together.run(names(known, new)) or [])
    assert outcomes(known) == ["pending"]
    assert Record.objects.count() == 3
    assert read_ledger(journal()).balanced


@pytest.mark.usefixtures("rule")
def test_one_whose_alerts_are_all_dead_goes_to_the_dead_letters_and_the_others_go_on():
    doomed, fine = opened("link down"), opened("link down")
    validate_together.run(names(doomed, fine))
    with journal().claimed(doomed, Stage.MATCH) as claim:
        claim.mark_dead({event_id(doomed, 0): Burial(DeadStage.ALERTER, "internal_error", "why")})
        claim.release()
    assert match_together.run(names(doomed, fine)) == [str(fine)]
    assert (stage_of(doomed), stage_of(fine)) == (Stage.DLQ, Stage.FORWARD)
    assert redis_client().llen("dlq") == 1


@pytest.mark.usefixtures("rule")
def test_the_same_batches_in_two_messages_are_worked_on_once():
    some = names(*(opened("link down") for _ in range(4)))
    assert validate_together.run(some) == some
    assert validate_together.run(some) is None
    assert match_together.run(some) == some
    assert match_together.run(some) is None
    assert match_together.run(some[:1]) is None
    assert Record.objects.count() == 4


@pytest.mark.usefixtures("rule")
def test_together_comes_to_what_each_by_itself_comes_to():
    messages = [("link down", "quiet"), ("quiet",), ("link down",)]
    together, alone = [opened(*some) for some in messages], [opened(*some) for some in messages]
    match_together.run(validate_together.run(names(*together)) or [])
    for batch in alone:
        validate_batch.run(str(batch))
        match_batch.run(str(batch))
    assert [outcomes(batch) for batch in together] == [outcomes(batch) for batch in alone]
    assert [stage_of(batch) for batch in together] == [stage_of(batch) for batch in alone]


def test_batches_are_claimed_in_the_order_of_their_receipt_whatever_that_of_the_message():
    made = [opened("a") for _ in range(3)]
    with journal().claimed_together(list(reversed(made)), Stage.VALIDATE) as claims:
        assert [claim.batch for claim in claims] == sorted(made)
