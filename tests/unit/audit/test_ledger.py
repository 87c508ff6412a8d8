"""The ledger: balanced at every moment, and never when something is lost or doubled."""

import threading

import pytest
from django.db import connection

from audit.connections import redis_client
from audit.ids import event_id
from audit.journal import UNRECORDED, Journal
from audit.ledger import read_ledger
from audit.models import Record
from audit.outcomes import Outcome, Stage
from audit.record import mark_delivered, write_records
from tests.unit.audit.batches import claim, journal, opened, row, rows

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]

from tests.unit.audit.batches import NOW  # noqa: E402 - beside its use


def balanced(books: Journal) -> dict[str, int]:
    """The terms that are not 0; the equation must hold."""
    ledger = read_ledger(books)
    assert ledger.balanced, ledger
    terms = ("accepted", "delivered", "ignored", "unmatched", "dead", "pending", "rejected")
    return {term: getattr(ledger, term) for term in terms if getattr(ledger, term)}


def test_the_equation_holds_through_every_step_of_a_batch():
    books = journal()
    assert balanced(books) == {}
    batch = opened(books)
    assert balanced(books) == {"accepted": 3, "pending": 3}
    claim(books, batch, Stage.VALIDATE).advance(Stage.MATCH)
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


def test_a_batch_that_is_recorded_after_redis_was_read_is_not_counted_twice():
    books = journal()
    before = books.totals()
    held = claim(books, opened(books), Stage.VALIDATE)
    write_records(rows(held, Outcome.UNMATCHED, Outcome.UNMATCHED, Outcome.UNMATCHED))

    class Frozen:
        def totals(self):
            return before

    ledger = read_ledger(Frozen())  # type: ignore[arg-type]
    assert (ledger.accepted, ledger.unmatched, ledger.imbalance) == (0, 0, 0)


def test_refused_events_stand_beside_the_equation():
    books = journal()
    books.count_rejected(4)
    assert balanced(books) == {"rejected": 4}


def test_a_lost_record_shows_as_an_imbalance():
    books = journal()
    held = claim(books, opened(books), Stage.VALIDATE)
    write_records(rows(held, Outcome.UNMATCHED, Outcome.UNMATCHED, Outcome.UNMATCHED))
    held.finish()
    Record.objects.filter(event_id=event_id(held.batch, 1)).delete()
    assert read_ledger(books).imbalance == 1


def test_a_batch_that_vanished_from_the_journal_shows_as_an_imbalance():
    books = journal()
    batch = opened(books)
    redis_client().hdel(UNRECORDED, str(batch))
    assert read_ledger(books).imbalance == 3


def test_a_record_too_many_shows_as_an_imbalance():
    books = journal()
    held = claim(books, opened(books), Stage.VALIDATE)
    write_records(rows(held, Outcome.UNMATCHED, Outcome.UNMATCHED, Outcome.UNMATCHED))
    write_records([row(event_id(held.batch, 7), seq=held.seq)])
    held.finish()
    assert read_ledger(books).imbalance == -1


def test_the_equation_holds_at_every_look_while_batches_come_and_go():
    books = journal()
    stop = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            while not stop.is_set():
                batch = opened(books)
                claim(books, batch, Stage.VALIDATE).advance(Stage.MATCH)
                held = claim(books, batch, Stage.MATCH)
                write_records(rows(held, Outcome.IGNORED, Outcome.UNMATCHED, Outcome.PENDING))
                held.advance(Stage.FORWARD)
                mark_delivered([event_id(batch, 2)], NOW)
                claim(books, batch, Stage.FORWARD).finish()
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failures.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    try:
        looks = [read_ledger(books) for _ in range(150)]
    finally:
        stop.set()
        for worker in workers:
            worker.join()
    assert failures == []
    assert [ledger.imbalance for ledger in looks] == [0] * 150
    assert looks[-1].accepted > looks[0].accepted
