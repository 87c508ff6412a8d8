"""The ledger: balanced at every moment, and never when something is lost or doubled."""

import threading
from collections.abc import Callable
from uuid import UUID

import pytest
from django.db import connection

from audit.connections import redis_client
from audit.dead_letters import bury_batch
from audit.ids import event_id
from audit.journal import TOTALS, UNRECORDED, Burial, Journal
from audit.ledger import Ledger, read_ledger
from audit.models import Record
from audit.outcomes import DeadStage, Outcome, Stage
from audit.record import mark_delivered, write_records
from tests.unit.audit.batches import NOW, bury, claim, journal, opened, row, rows

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]

UNMATCHED = [Outcome.UNMATCHED] * 3
LOOKS = 200


def balanced(books: Journal) -> dict[str, int]:
    """The terms that are not 0; the equation must hold."""
    ledger = read_ledger(books)
    assert ledger.balanced, ledger
    terms = ("accepted", "delivered", "ignored", "unmatched", "suppressed", "dead", "pending", "rejected")
    return {term: getattr(ledger, term) for term in terms if getattr(ledger, term)}


def recorded(books: Journal) -> UUID:
    """A batch that is closed."""
    held = claim(books, opened(books), Stage.VALIDATE)
    write_records(rows(held, *UNMATCHED))
    held.finish()
    return held.batch


def test_the_equation_holds_through_every_step_of_a_batch():
    books = journal()
    assert balanced(books) == {}
    batch = opened(books)
    assert balanced(books) == {"accepted": 3, "pending": 3}
    claim(books, batch, Stage.VALIDATE).advance(Stage.MATCH)
    assert balanced(books) == {"accepted": 3, "pending": 3}
    held = claim(books, batch, Stage.MATCH)
    write_records(rows(held, Outcome.IGNORED, Outcome.UNMATCHED, Outcome.PENDING))
    # PostgreSQL has committed; the journal does not know it yet.
    assert balanced(books) == {"accepted": 3, "ignored": 1, "unmatched": 1, "pending": 1}
    held.advance(Stage.FORWARD)
    assert balanced(books) == {"accepted": 3, "ignored": 1, "unmatched": 1, "pending": 1}
    mark_delivered([event_id(batch, 2)], NOW)
    assert balanced(books) == {"accepted": 3, "ignored": 1, "unmatched": 1, "delivered": 1}
    claim(books, batch, Stage.FORWARD).finish()
    assert balanced(books) == {"accepted": 3, "ignored": 1, "unmatched": 1, "delivered": 1}


@pytest.mark.parametrize("stage", [Stage.VALIDATE, Stage.MATCH, Stage.FORWARD])
def test_the_equation_holds_through_every_step_of_a_batch_that_is_given_up(stage: Stage):
    books = journal()
    batch = opened(books)
    if stage is not Stage.VALIDATE:
        held = claim(books, batch, Stage.VALIDATE)
        if stage is Stage.FORWARD:
            write_records(rows(held, *[Outcome.PENDING] * 3))
        held.advance(stage)
    bury(books, batch, Burial(DeadStage.ALERTER, "internal_error", "it broke"))
    assert balanced(books) == {"accepted": 3, "pending": 3}
    last = claim(books, batch, Stage.DLQ)
    bury_batch(last, NOW)
    assert balanced(books) == {"accepted": 3, "dead": 3}
    last.finish()
    assert balanced(books) == {"accepted": 3, "dead": 3}


def test_every_outcome_is_a_term():
    books = journal()
    batch = opened(books, size=len(Outcome))
    held = claim(books, batch, Stage.VALIDATE)
    write_records(rows(held, *Outcome))
    held.advance(Stage.FORWARD)
    assert balanced(books) == {"accepted": 6, **{outcome.value: 1 for outcome in Outcome}}


class Later(Journal):
    """A journal where something happens between the reading of Redis and of PostgreSQL."""

    def __init__(self, happens: Callable[[], object]) -> None:
        super().__init__(redis_client(), lease_s=30, grace_s=15)
        self.happens = happens

    def totals(self):
        found = super().totals()
        self.happens()
        return found


def test_a_batch_that_comes_and_is_recorded_between_the_two_readings_is_not_counted():
    books = journal()
    recorded(books)
    ledger = read_ledger(Later(lambda: recorded(books)))
    assert (ledger.accepted, ledger.unmatched, ledger.imbalance) == (3, 3, 0)
    assert balanced(books) == {"accepted": 6, "unmatched": 6}


def test_a_batch_that_is_recorded_and_closed_between_the_two_readings_is_counted_once():
    books = journal()
    held = claim(books, opened(books), Stage.VALIDATE)

    def close() -> None:
        write_records(rows(held, *UNMATCHED))
        held.finish()

    ledger = read_ledger(Later(close))
    assert (ledger.accepted, ledger.unmatched, ledger.pending, ledger.imbalance) == (3, 3, 0, 0)


def test_refused_events_stand_beside_the_equation():
    books = journal()
    books.count_rejected(4)
    books.count_rejected(1)
    assert balanced(books) == {"rejected": 5}


def test_a_lost_record_shows_as_an_imbalance():
    books = journal()
    batch = recorded(books)
    Record.objects.filter(event_id=event_id(batch, 1)).delete()
    assert read_ledger(books).imbalance == 1
    assert not read_ledger(books).balanced


def test_a_batch_that_vanished_from_the_journal_shows_as_an_imbalance():
    books = journal()
    batch = opened(books)
    redis_client().hdel(UNRECORDED, str(batch))
    assert read_ledger(books).imbalance == 3


def test_a_batch_that_was_closed_without_its_records_shows_as_an_imbalance():
    books = journal()
    claim(books, opened(books), Stage.VALIDATE).finish()
    assert read_ledger(books).imbalance == 3


def test_a_record_too_many_shows_as_an_imbalance():
    books = journal()
    batch = recorded(books)
    write_records([row(event_id(batch, 7), seq=3)])
    assert read_ledger(books).imbalance == -1


def test_a_batch_that_was_counted_twice_shows_as_an_imbalance():
    books = journal()
    recorded(books)
    redis_client().hincrby(TOTALS, "accepted", 3)
    assert read_ledger(books).imbalance == 3


def go_all_ways(books: Journal) -> None:
    """One batch that is delivered, one that is closed at once, one that dies undecided."""
    batch = opened(books)
    claim(books, batch, Stage.VALIDATE).advance(Stage.MATCH)
    held = claim(books, batch, Stage.MATCH)
    write_records(rows(held, Outcome.IGNORED, Outcome.UNMATCHED, Outcome.PENDING))
    held.advance(Stage.FORWARD)
    mark_delivered([event_id(batch, 2)], NOW)
    claim(books, batch, Stage.FORWARD).finish()
    recorded(books)
    batch = opened(books)
    bury(books, batch, Burial(DeadStage.ALERTER, "internal_error", ""))
    held = claim(books, batch, Stage.DLQ)
    bury_batch(held, NOW)
    held.finish()


def test_the_equation_holds_at_every_look_while_batches_come_and_go():
    books = journal()
    stop = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            while not stop.is_set():
                go_all_ways(books)
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failures.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    try:
        looks: list[Ledger] = [read_ledger(books) for _ in range(LOOKS)]
    finally:
        stop.set()
        for worker in workers:
            worker.join()
    assert failures == []
    assert [ledger.imbalance for ledger in looks] == [0] * LOOKS
    assert any(ledger.pending for ledger in looks)
    last = balanced(books)
    assert last["accepted"] > looks[0].accepted
    assert "pending" not in last
