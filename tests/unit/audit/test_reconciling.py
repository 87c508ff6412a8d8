"""Where the ledger does not balance, the batches involved are named."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection

from audit.connections import redis_client
from audit.ids import event_id
from audit.journal import TOTALS, UNRECORDED, Journal
from audit.models import Record
from audit.outcomes import Outcome, Stage
from audit.reconciling import CHECKED, check_ledger, remembered
from audit.record import write_records
from audit.tasks import check_ledger as check_ledger_task
from tests.unit.audit.batches import claim, journal, opened, rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]

NOW = datetime.now(UTC)


def recorded(books: Journal, size: int = 3, ago: timedelta = timedelta(minutes=5)) -> UUID:
    held = claim(books, opened(books, size, NOW - ago), Stage.VALIDATE)
    write_records(rows(held, *[Outcome.UNMATCHED] * size))
    held.finish()
    return held.batch


def named(books: Journal) -> list[tuple[UUID, UUID, int, int]]:
    return [(one.batch, one.before, one.expected, one.found) for one in check_ledger(books, NOW).suspects]


def test_a_ledger_that_balances_has_no_suspects():
    books = journal()
    recorded(books)
    opened(books)
    assert (check_ledger(books, NOW).imbalance, named(books)) == (0, [])


@pytest.mark.parametrize("ago", [timedelta(minutes=5), timedelta(hours=5), timedelta(days=9), timedelta(days=400)])
def test_a_batch_that_lacks_a_record_is_named_however_long_ago_it_was(ago: timedelta):
    books = journal()
    before = recorded(books, ago=ago + timedelta(minutes=1))
    batch = recorded(books, ago=ago)
    recorded(books)
    Record.objects.filter(pk=event_id(batch, 1)).delete()
    assert check_ledger(books, NOW).imbalance == 1
    assert named(books) == [(batch, before, 3, 2)]


def test_the_batch_behind_one_that_is_gone_altogether_is_named():
    books = journal()
    before = recorded(books)
    gone = opened(books, 5, NOW - timedelta(minutes=5))
    claim(books, gone, Stage.VALIDATE).finish()
    after = recorded(books)
    assert check_ledger(books, NOW).imbalance == 5
    assert named(books) == [(after, before, 8, 3)]


def test_what_waits_in_the_journal_is_no_gap():
    books = journal()
    recorded(books)
    opened(books, 7, NOW - timedelta(minutes=4))
    batch = recorded(books, ago=timedelta(minutes=3))
    Record.objects.filter(pk=event_id(batch, 2)).delete()
    assert [one[0] for one in named(books)] == [batch]


def test_records_that_were_never_accepted_are_named_too():
    books = journal()
    before = recorded(books)
    batch = recorded(books)
    redis_client().hincrby(TOTALS, "accepted", -3)  # Redis came back without its last second
    recorded(books, ago=timedelta(minutes=3))
    assert check_ledger(books, NOW).imbalance == -3
    assert named(books) == [(batch, before, 3, 6)]  # both of them bear the same number


def test_a_batch_that_was_forgotten_before_it_was_recorded_leaves_a_gap():
    books = journal()
    before = recorded(books)
    lost = opened(books, 4, NOW - timedelta(minutes=4))
    redis_client().hdel(UNRECORDED, str(lost))
    after = recorded(books, ago=timedelta(minutes=3))
    assert named(books) == [(after, before, 7, 3)]


def test_the_task_remembers_what_it_found_and_says_the_names(caplog):
    books = journal()
    assert remembered() is None
    recorded(books)
    batch = recorded(books)
    assert check_ledger_task.run() == 0
    found = remembered()
    assert found is not None
    assert (found.imbalance, found.suspects, found.looked_back_to) == (0, [], None)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_record WHERE event_id = %s", [str(event_id(batch, 0))])
    assert check_ledger_task.run() == 1
    assert str(batch) in caplog.text
    found = remembered()
    assert found is not None
    assert found == check_ledger(books, found.at)
    assert redis_client().exists(CHECKED)
