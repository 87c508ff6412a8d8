"""After a store was put back: what the other one knows is had again, what nobody knows is booked as lost."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from audit import after_restore
from audit.after_restore import Findings
from audit.connections import redis_client
from audit.ids import event_id
from audit.journal import OPEN, PARKED, TOTALS, Journal
from audit.ledger import read_ledger
from audit.models import Loss, Record
from audit.outcomes import Outcome, Stage
from audit.record import mark_delivered, write_records
from tests.unit.audit import batches
from tests.unit.audit.batches import NOW, claim, journal, row, rows

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]

_milliseconds = itertools.count()
IGNORED = [Outcome.IGNORED] * 3
WELL = Findings(forgotten=0, owed=0, undecided=0, imbalance=0)


def opened(books: Journal) -> UUID:
    """A batch in the journal, later than all before."""
    return batches.opened(books, now=NOW + timedelta(milliseconds=next(_milliseconds)))


def recorded(books: Journal, *outcomes: Outcome, finish: bool = True) -> UUID:
    """A batch with records: closed, or on its way to Moogsoft."""
    batch = opened(books)
    record(books, batch, *outcomes, finish=finish)
    return batch


def record(books: Journal, batch: UUID, *outcomes: Outcome, finish: bool = True) -> None:
    claim(books, batch, Stage.VALIDATE).advance(Stage.MATCH)
    held = claim(books, batch, Stage.MATCH)
    write_records(rows(held, *outcomes))
    if finish:
        held.finish()
    else:
        held.advance(Stage.FORWARD)


class Backup:
    """Redis as it was."""

    def __init__(self) -> None:
        client: Any = redis_client()
        self._kept = {key: client.dump(key) for key in client.keys("*")}

    def restore(self) -> None:
        client: Any = redis_client()
        client.flushall()
        for key, value in self._kept.items():
            client.restore(key, 0, value)


def mended(books: Journal) -> Findings:
    """What was mended; a look beforehand says the same, and a second time there is nothing to do."""
    seen = after_restore.look(books)
    found = after_restore.mend(books)
    assert seen == found
    assert after_restore.mend(books) == Findings(0, 0, 0, found.imbalance)
    return found


def test_where_nothing_happened_nothing_is_done():
    books = journal()
    recorded(books, *IGNORED)
    recorded(books, *[Outcome.PENDING] * 3, finish=False)
    opened(books)
    assert mended(books) == WELL
    assert after_restore.book(books, "", "", NOW) == 0
    assert not Loss.objects.exists()


class Meanwhile(Journal):
    """A journal beside which something is done just before and just after one of the looks into it."""

    def __init__(self, look: str, do: Callable[[], object]) -> None:
        settings = journal()
        super().__init__(redis_client(), lease_s=settings._lease_s, grace_s=settings._grace_s)  # noqa: SLF001
        look_in = getattr(self, look)

        def between(*arguments: object) -> object:
            do()
            found = look_in(*arguments)
            do()
            return found

        setattr(self, look, between)


def test_what_is_accepted_and_recorded_between_two_looks_is_not_forgotten():
    books = journal()
    recorded(books, *IGNORED)
    busy = Meanwhile("totals", lambda: recorded(books, *IGNORED))
    assert after_restore.look(busy) == WELL
    assert after_restore.mend(busy) == WELL
    assert read_ledger(books).accepted == Record.objects.count()


def test_what_is_recorded_while_forgotten_events_are_counted_is_counted_once():
    books = journal()
    recorded(books, *IGNORED)
    backup = Backup()
    for _ in range(4):
        recorded(books, *IGNORED)
    backup.restore()
    waiting = [opened(books), opened(books)]

    def record_one() -> None:
        if waiting:
            record(books, waiting.pop(), *IGNORED)

    busy = Meanwhile("totals", record_one)
    assert after_restore.mend(busy) == Findings(forgotten=12, owed=0, undecided=0, imbalance=0)
    assert read_ledger(books).balanced


def test_an_alert_that_is_delivered_between_two_looks_is_not_owed_and_does_not_go_out_again():
    books = journal()
    waiting = [recorded(books, *[Outcome.PENDING] * 3, finish=False) for _ in range(4)]

    def deliver() -> None:
        batch = waiting.pop()
        mark_delivered([event_id(batch, number) for number in range(3)], NOW)
        claim(books, batch, Stage.FORWARD).finish()

    busy = Meanwhile("open_among", deliver)
    assert after_restore.look(busy) == WELL
    assert after_restore.mend(busy) == WELL
    assert not waiting
    assert read_ledger(books).delivered == 12
    assert books.totals().open_batches == 0


def test_a_redis_that_went_back_counts_on_from_what_is_recorded():
    books = journal()
    recorded(books, *IGNORED)
    backup = Backup()
    recorded(books, *IGNORED)
    recorded(books, *IGNORED)
    backup.restore()
    assert mended(books) == Findings(forgotten=6, owed=0, undecided=0, imbalance=0)
    assert read_ledger(books).accepted == 9
    recorded(books, *IGNORED)
    assert read_ledger(books).balanced


def test_alerts_that_only_postgresql_knows_of_are_parked_to_go_out_again():
    books = journal()
    backup = Backup()
    batch = recorded(books, Outcome.PENDING, Outcome.IGNORED, Outcome.PENDING, finish=False)
    mark_delivered([event_id(batch, 0)], NOW)
    backup.restore()
    assert mended(books) == Findings(forgotten=3, owed=1, undecided=0, imbalance=0)
    client: Any = redis_client()
    assert client.zscore(PARKED, str(batch)) == batch.int >> 80
    assert client.zscore(OPEN, str(batch)) == float("inf")
    held = claim(books, batch, Stage.FORWARD)
    assert [entry["id"] for entry in held.events] == [str(event_id(batch, 2))]
    assert (held.seq, held.api_key) == (3, "sensor")


def test_what_died_before_it_was_decided_is_decided_anew():
    books = journal()
    backup = Backup()
    batch = recorded(books, Outcome.PENDING, Outcome.IGNORED, Outcome.IGNORED, finish=False)
    Record.objects.filter(event_id=event_id(batch, 0)).update(rule_set_version=None)
    backup.restore()
    assert mended(books).owed == 1
    (overdue,) = books.sweep(10)
    assert (overdue.batch, overdue.stage) == (batch, Stage.VALIDATE)


def test_what_neither_store_knows_is_booked_as_lost():
    books = journal()
    backup = Backup()
    opened(books)
    recorded(books, *IGNORED)
    backup.restore()
    assert mended(books) == Findings(forgotten=6, owed=0, undecided=0, imbalance=3)
    assert after_restore.book(books, "CHG-1", "me", NOW) == 3
    assert (read_ledger(books).lost, read_ledger(books).balanced) == (3, True)
    assert str(Loss.objects.get()) == "3 lost: CHG-1"
    assert after_restore.book(books, "CHG-1", "me", NOW) == 0


def test_events_that_an_emptied_redis_has_taken_since_are_counted_as_well():
    books = journal()
    recorded(books, *IGNORED)
    opened(books)  # lost
    recorded(books, *IGNORED)
    redis_client().flushall()
    recorded(books, *IGNORED)
    opened(books)
    assert mended(books) == Findings(forgotten=9, owed=0, undecided=0, imbalance=3)
    assert read_ledger(books).accepted == 15


def test_an_emptied_redis_that_has_counted_further_than_before_only_counts_what_has_records():
    books = journal()
    recorded(books, *IGNORED)
    redis_client().flushall()
    recorded(books, *IGNORED)
    recorded(books, *IGNORED)
    assert mended(books) == Findings(forgotten=0, owed=0, undecided=0, imbalance=-3)
    assert after_restore.book(books, "CHG-1", "me", NOW) == 0
    assert (read_ledger(books).accepted, read_ledger(books).balanced) == (9, True)


def test_records_that_a_restored_postgresql_lacks_are_written_anew_where_the_batch_is_open():
    books = journal()
    recorded(books, *IGNORED)
    batch = recorded(books, *[Outcome.PENDING] * 3, finish=False)
    books.mark_sent({batch: [event_id(batch, 1)]})
    held = claim(books, batch, Stage.FORWARD)
    held.park("open", 2)
    Record.objects.filter(event_id__gte=batch).delete()
    assert mended(books) == Findings(forgotten=0, owed=0, undecided=3, imbalance=0)
    (overdue,) = books.sweep(10)
    assert (overdue.batch, overdue.stage) == (batch, Stage.VALIDATE)
    assert books.sent(batch) == {event_id(batch, 1)}
    assert books.waiting().parked == 0


def test_records_that_a_restored_postgresql_lacks_of_closed_batches_are_lost_until_they_are_found_again():
    books = journal()
    recorded(books, *IGNORED)
    batch = recorded(books, *IGNORED)
    Record.objects.filter(event_id__gte=batch).delete()
    assert mended(books) == Findings(forgotten=0, owed=0, undecided=0, imbalance=3)
    assert after_restore.book(books, "CHG-1", "me", NOW) == 3
    write_records([row(event_id(batch, number), Outcome.IGNORED, seq=6) for number in range(3)])
    assert after_restore.book(books, "CHG-2", "me", NOW) == -3
    assert (read_ledger(books).lost, read_ledger(books).balanced) == (0, True)


def test_an_alert_whose_delivery_a_restored_postgresql_has_forgotten_goes_out_again():
    books = journal()
    batch = recorded(books, Outcome.PENDING, Outcome.IGNORED, Outcome.IGNORED, finish=False)
    claim(books, batch, Stage.FORWARD).finish()
    assert mended(books) == Findings(forgotten=0, owed=1, undecided=0, imbalance=0)
    assert int(redis_client().hget(TOTALS, "accepted") or 0) == 3
