"""Records: exactly one for each event, whatever runs twice."""

from uuid import UUID

import pytest

from audit.dead_letters import bury_batch
from audit.ids import event_id, new_batch_id
from audit.journal import Burial
from audit.models import DeadLetter, Record
from audit.outcomes import DeadStage, Outcome, Stage
from audit.record import mark_delivered, pending_records, recorded_outcomes, write_records
from tests.unit.audit.batches import NOW, claim, journal, opened, row, rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]

REASON = Burial(DeadStage.MOOG, "server_error", "HTTP 500")


def in_order(batch: UUID) -> list[str]:
    return [outcome.value for _, outcome in sorted(recorded_outcomes(batch).items())]


def test_writing_records_twice_leaves_one_for_each_event_and_the_first_decision_stands():
    batch = new_batch_id(NOW)
    first = [row(event_id(batch, number), Outcome.IGNORED) for number in range(3)]
    second = [row(event_id(batch, number), Outcome.PENDING) for number in range(4)]
    assert write_records(first)
    assert not write_records(second)
    found = recorded_outcomes(batch)
    assert [found[event_id(batch, number)].value for number in range(4)] == ["ignored"] * 3 + ["pending"]


def test_more_records_than_one_statement_takes_are_written():
    batch = new_batch_id(NOW)
    assert write_records([row(event_id(batch, number)) for number in range(2345)])
    assert len(recorded_outcomes(batch)) == 2345


def test_the_records_of_a_batch_are_its_own():
    batch, other = new_batch_id(NOW), new_batch_id(NOW)
    write_records([row(event_id(batch, 0), Outcome.PENDING), row(event_id(other, 0), Outcome.PENDING)])
    assert [record.event_id for record in pending_records(batch)] == [event_id(batch, 0)]


def test_only_what_is_pending_becomes_delivered():
    batch = new_batch_id(NOW)
    identifiers = [event_id(batch, number) for number in range(3)]
    write_records([row(identifiers[0], Outcome.PENDING), row(identifiers[1], Outcome.IGNORED), row(identifiers[2])])
    mark_delivered(identifiers, NOW)
    assert in_order(batch) == ["delivered", "ignored", "unmatched"]
    assert Record.objects.get(pk=identifiers[0]).outcome_at == NOW


def test_a_batch_that_died_before_it_was_decided_has_dead_records_and_letters_once():
    books = journal()
    batch = opened(books)
    books.bury(batch, Burial(DeadStage.ALERTER, "internal_error", "it broke"))
    held = claim(books, batch, Stage.DLQ)
    assert bury_batch(held, NOW) == 3
    assert bury_batch(held, NOW) == 0
    assert set(recorded_outcomes(batch).values()) == {Outcome.DEAD}
    letters = DeadLetter.objects.all()
    assert {(letter.stage, letter.reason, letter.detail) for letter in letters} == {
        ("alerter", "internal_error", "it broke")
    }
    assert [letter.payload["hostname"] for letter in reversed(letters)] == ["h0", "h1", "h2"]


def test_of_a_batch_that_is_given_up_only_what_is_still_owed_dies_and_what_was_sent_is_delivered():
    books = journal()
    batch = opened(books)
    write_records(rows(claim(books, batch, Stage.VALIDATE), Outcome.IGNORED, Outcome.PENDING, Outcome.PENDING))
    books.mark_sent(batch, [event_id(batch, 1)])
    books.bury(batch, REASON)
    assert bury_batch(claim(books, batch, Stage.DLQ), NOW) == 1
    assert in_order(batch) == ["ignored", "delivered", "dead"]
    assert DeadLetter.objects.get().event_id == event_id(batch, 2)


def test_single_events_that_moogsoft_refused_die_alone():
    books = journal()
    batch = opened(books)
    held = claim(books, batch, Stage.VALIDATE)
    write_records(rows(held, Outcome.PENDING, Outcome.PENDING, Outcome.PENDING))
    books.mark_sent(batch, [event_id(batch, 0), event_id(batch, 2)])
    books.mark_dead(batch, {event_id(batch, 1): ("refused", "HTTP 400")})
    held.advance(Stage.DLQ)
    assert bury_batch(claim(books, batch, Stage.DLQ), NOW) == 1
    assert in_order(batch) == ["delivered", "dead", "delivered"]
    assert DeadLetter.objects.get().detail == "HTTP 400"
