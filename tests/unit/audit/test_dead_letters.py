"""Dead letters: what a batch still owed when it was given up, and nothing else."""

from dataclasses import replace
from uuid import UUID

import pytest
from django.db import DataError

from audit.dead_letters import bury_batch
from audit.ids import event_id, new_batch_id
from audit.journal import Burial, Journal
from audit.ledger import read_ledger
from audit.models import Attempt, DeadLetter, Record
from audit.outcomes import DeadStage, Outcome, Stage
from audit.record import Death, bury_events, recorded_outcomes, write_records
from tests.unit.audit.batches import NOW, bury, claim, journal, opened, row, rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]

UNDECIDED = Burial(DeadStage.ALERTER, "internal_error", "it broke")
UNDELIVERED = Burial(DeadStage.MOOG, "server_error", "HTTP 500")


def decided(books: Journal, *outcomes: Outcome) -> UUID:
    """A batch whose records say this, on its way to Moogsoft."""
    batch = opened(books, size=len(outcomes))
    held = claim(books, batch, Stage.VALIDATE)
    write_records(rows(held, *outcomes))
    held.advance(Stage.FORWARD)
    return batch


def in_order(batch: UUID) -> list[str]:
    return [outcome.value for _, outcome in sorted(recorded_outcomes(batch).items())]


def death(identifier: UUID, reason: str = "refused") -> Death:
    return Death(identifier, DeadStage.MOOG, reason, "HTTP 400", {"hostname": "h"}, 1)


@pytest.mark.parametrize("stage", [Stage.VALIDATE, Stage.MATCH])
def test_a_batch_that_died_before_it_was_decided_has_dead_records_and_letters(stage: Stage):
    books = journal()
    batch = opened(books)
    if stage is Stage.MATCH:
        claim(books, batch, Stage.VALIDATE).advance(stage)
    bury(books, batch, UNDECIDED)
    assert bury_batch(claim(books, batch, Stage.DLQ), NOW) == 3
    letters = DeadLetter.objects.order_by("event_id")
    assert [letter.event_id for letter in letters] == [event_id(batch, number) for number in range(3)]
    assert [letter.payload for letter in letters] == [{"hostname": f"h{number}"} for number in range(3)]
    told = {(one.stage, one.reason, one.detail, one.created_at) for one in letters}
    assert told == {("alerter", "internal_error", "it broke", NOW)}
    for number, record in enumerate(Record.objects.order_by("event_id")):
        assert (record.outcome, record.reason, record.outcome_at) == ("dead", "internal_error", NOW)
        assert (record.hostname, record.rule_set_version, record.api_key) == (f"h{number}", None, "sensor")


def test_a_batch_that_died_in_delivery_keeps_its_decision_and_loses_what_it_owed():
    books = journal()
    batch = decided(books, Outcome.PENDING, Outcome.PENDING)
    bury(books, batch, UNDELIVERED)
    assert bury_batch(claim(books, batch, Stage.DLQ), NOW) == 2
    assert {(one.stage, one.reason) for one in DeadLetter.objects.all()} == {("moog", "server_error")}
    for record in Record.objects.all():
        assert (record.outcome, record.reason, record.rule_set_version) == ("dead", "server_error", 1)


@pytest.mark.parametrize("burial", [UNDECIDED, UNDELIVERED])
def test_what_has_come_to_its_end_is_not_touched(burial: Burial):
    books = journal()
    batch = decided(books, *Outcome)
    bury(books, batch, burial)
    assert bury_batch(claim(books, batch, Stage.DLQ), NOW) == 1
    assert in_order(batch) == ["dead", "delivered", "ignored", "unmatched", "suppressed", "dead"]
    assert [letter.event_id for letter in DeadLetter.objects.all()] == [event_id(batch, 0)]


def test_what_moogsoft_has_taken_is_delivered_whatever_became_of_the_rest():
    books = journal()
    batch = decided(books, Outcome.IGNORED, Outcome.PENDING, Outcome.PENDING)
    books.mark_sent({batch: [event_id(batch, 1)]})
    bury(books, batch, UNDELIVERED)
    assert bury_batch(claim(books, batch, Stage.DLQ), NOW) == 1
    assert in_order(batch) == ["ignored", "delivered", "dead"]
    assert Record.objects.get(pk=event_id(batch, 1)).outcome_at == NOW
    assert DeadLetter.objects.get().event_id == event_id(batch, 2)


def test_single_events_that_moogsoft_refused_die_alone_each_of_its_own_reason():
    books = journal()
    batch = decided(books, *[Outcome.PENDING] * 4)
    books.mark_sent({batch: [event_id(batch, 0), event_id(batch, 3)]})
    held = claim(books, batch, Stage.FORWARD)
    held.mark_dead(
        {
            event_id(batch, 1): Burial(DeadStage.MOOG, "refused", "HTTP 400"),
            event_id(batch, 2): Burial(DeadStage.MOOG, "too_large", "HTTP 413"),
        }
    )
    held.advance(Stage.DLQ)
    assert bury_batch(claim(books, batch, Stage.DLQ), NOW) == 2
    assert in_order(batch) == ["delivered", "dead", "dead", "delivered"]
    letters = DeadLetter.objects.order_by("event_id")
    assert [(one.stage, one.reason, one.detail) for one in letters] == [
        ("moog", "refused", "HTTP 400"),
        ("moog", "too_large", "HTTP 413"),
    ]
    assert [record.reason for record in Record.objects.order_by("event_id")] == ["", "refused", "too_large", ""]


def test_an_event_that_was_refused_keeps_its_own_reason_where_its_batch_is_given_up_later():
    books = journal()
    batch = decided(books, Outcome.PENDING, Outcome.PENDING)
    held = claim(books, batch, Stage.FORWARD)
    held.mark_dead({event_id(batch, 0): Burial(DeadStage.MOOG, "refused", "HTTP 400")})
    held.release()
    bury(books, batch, UNDELIVERED)
    bury_batch(claim(books, batch, Stage.DLQ), NOW)
    assert [one.reason for one in DeadLetter.objects.order_by("event_id")] == ["refused", "server_error"]


def test_a_batch_is_buried_once_however_often_its_burial_runs():
    books = journal()
    batch = decided(books, Outcome.PENDING, Outcome.IGNORED)
    bury(books, batch, UNDELIVERED)
    held = claim(books, batch, Stage.DLQ)
    assert [bury_batch(held, NOW) for _ in range(3)] == [1, 0, 0]
    assert DeadLetter.objects.count() == 1
    held.finish()
    ledger = read_ledger(books)
    assert (ledger.dead, ledger.ignored, ledger.balanced) == (1, 1, True)


@pytest.mark.parametrize("singly", [True, False])
def test_a_dead_letter_counts_how_often_its_event_was_posted(singly):
    books = journal()
    batch = decided(books, Outcome.PENDING)
    for number in (1, 2, 3):
        Attempt.objects.create(
            batch_id=batch, event_ids=[event_id(batch, 0)], number=number, started_at=NOW, duration_ms=1
        )
    if singly:
        held = claim(books, batch, Stage.FORWARD)
        held.mark_dead({event_id(batch, 0): Burial(DeadStage.MOOG, "refused", "HTTP 400")})
        held.advance(Stage.DLQ)
    else:
        bury(books, batch, UNDELIVERED)
    bury_batch(claim(books, batch, Stage.DLQ), NOW)
    assert DeadLetter.objects.get().attempts == 3


def test_an_event_that_a_slow_worker_brought_to_its_end_meanwhile_gets_no_dead_letter():
    batch = new_batch_id(NOW)
    ended, died = event_id(batch, 0), event_id(batch, 1)
    write_records([row(ended, Outcome.IGNORED)])
    missing = [row(identifier, Outcome.DEAD, reason="refused") for identifier in (ended, died)]
    bury_events([death(ended), death(died)], missing, NOW)
    assert in_order(batch) == ["ignored", "dead"]
    assert [letter.event_id for letter in DeadLetter.objects.all()] == [died]


def test_burying_events_twice_changes_nothing_the_second_time():
    batch = new_batch_id(NOW)
    identifiers = [event_id(batch, number) for number in range(3)]
    write_records([row(identifier, Outcome.PENDING) for identifier in identifiers])
    bury_events([death(identifier) for identifier in identifiers[:2]], [], NOW)
    bury_events([death(identifier, "server_error") for identifier in identifiers], [], NOW)
    assert [one.reason for one in DeadLetter.objects.order_by("event_id")] == ["refused", "refused", "server_error"]
    assert [one.reason for one in Record.objects.order_by("event_id")] == ["refused", "refused", "server_error"]


def test_an_event_that_postgresql_cannot_hold_is_buried_too():
    batch = new_batch_id(NOW)
    identifier = event_id(batch, 0)
    odd = {"hostname": "h\0", "message": "\ud800", "n": 1 << 70}
    bury_events(
        [replace(death(identifier), payload=odd)],
        [row(identifier, Outcome.DEAD, hostname="h\0", event=odd)],
        NOW,
    )
    held = {"hostname": "h␀", "message": "�", "n": "0x400000000000000000"}
    assert DeadLetter.objects.get().payload == Record.objects.get().event == held
    assert Record.objects.get().hostname == "h␀"


def test_a_burial_that_fails_half_way_leaves_everything_as_it_was():
    batch = new_batch_id(NOW)
    known, unknown = event_id(batch, 0), event_id(batch, 1)
    write_records([row(known, Outcome.PENDING)])
    unwritable = replace(death(unknown), attempts=1 << 40)
    with pytest.raises(DataError):
        bury_events([death(known), unwritable], [row(unknown, Outcome.DEAD)], NOW)
    assert recorded_outcomes(batch) == {known: Outcome.PENDING}
    assert DeadLetter.objects.count() == 0
