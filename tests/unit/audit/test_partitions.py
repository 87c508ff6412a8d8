"""Monthly partitions."""

import threading
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from audit.ids import event_id, new_batch_id
from audit.models import Record
from audit.outcomes import Outcome
from audit.partitions import DEFAULT_PARTITION, Month, create_partitions, partitions
from audit.record import mark_delivered, write_records
from tests.unit.audit.batches import NOW, row

pytestmark = pytest.mark.django_db


def home_of(identifier: UUID) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM audit_record WHERE event_id = %s", [identifier])
        return str(cursor.fetchone()[0])


def recorded_at(moment: datetime) -> UUID:
    identifier = event_id(new_batch_id(moment), 0)
    write_records([row(identifier, Outcome.PENDING)])
    return identifier


def drop(*names: str) -> None:
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"DROP TABLE IF EXISTS {name}")


def test_this_month_and_the_next_three_are_created_once():
    now = datetime(2031, 11, 23, tzinfo=UTC)
    names = [f"audit_record_{month}" for month in ("2031_11", "2031_12", "2032_01", "2032_02")]
    assert create_partitions(now) == names
    assert create_partitions(now) == []
    assert [name for name in partitions() if name in names] == names
    assert create_partitions(now + timedelta(days=30)) == ["audit_record_2032_03"]


def test_a_month_that_is_missing_in_between_is_filled_in():
    now = datetime(2031, 11, 23, tzinfo=UTC)
    create_partitions(now)
    drop("audit_record_2031_12")
    assert create_partitions(now, months_ahead=1) == ["audit_record_2031_12"]


def test_a_record_lies_in_the_month_of_its_receipt_to_the_millisecond():
    create_partitions(datetime(2031, 11, 1, tzinfo=UTC))
    turn = datetime(2031, 12, 1, tzinfo=UTC)
    assert home_of(recorded_at(turn - timedelta(milliseconds=1))) == "audit_record_2031_11"
    assert home_of(recorded_at(turn)) == "audit_record_2031_12"
    assert home_of(recorded_at(datetime(2032, 1, 1, tzinfo=UTC) - timedelta(milliseconds=1))) == "audit_record_2031_12"


def test_a_record_whose_month_has_no_partition_is_kept_and_moved_when_it_gets_one():
    moment = datetime(2041, 5, 5, tzinfo=UTC)
    identifier, later = recorded_at(moment), recorded_at(datetime(2042, 1, 1, tzinfo=UTC))
    assert home_of(identifier) == home_of(later) == DEFAULT_PARTITION
    before = Record.objects.values().get(pk=identifier)
    create_partitions(moment)
    assert home_of(identifier) == "audit_record_2041_05"
    assert home_of(later) == DEFAULT_PARTITION
    assert Record.objects.values().get(pk=identifier) == before
    assert Record.objects.count() == 2


def test_an_event_has_one_record_even_where_a_partition_came_in_between():
    moment = datetime(2041, 5, 5, tzinfo=UTC)
    identifier = recorded_at(moment)
    create_partitions(moment)
    assert not write_records([row(identifier)])
    assert Record.objects.count() == 1
    mark_delivered([identifier], NOW)
    assert Record.objects.get().outcome == "delivered"


def test_a_new_partition_has_the_indexes_that_searches_use():
    create_partitions(datetime(2041, 5, 5, tzinfo=UTC), months_ahead=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = 'audit_record_2041_05'")
        found = " ".join(definition for (definition,) in cursor.fetchall())
    for part in ("UNIQUE", "(event_id)", "lower(hostname), event_id DESC", "(outcome, event_id DESC)"):
        assert part in found


@pytest.mark.django_db(transaction=True)
def test_partitions_that_several_processes_create_at_once_while_events_come_in_lose_nothing():
    moment = datetime(2051, 5, 5, tzinfo=UTC)
    start, created = threading.Barrier(5), threading.Event()
    names: list[str] = []
    written: list[UUID] = []
    failures: list[BaseException] = []

    def create() -> None:
        start.wait()
        try:
            names.extend(create_partitions(moment))
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failures.append(error)
        finally:
            connection.close()

    def write() -> None:
        start.wait()
        try:
            while not created.is_set():
                written.append(recorded_at(moment))
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failures.append(error)
        finally:
            connection.close()

    creators = [threading.Thread(target=create) for _ in range(3)]
    writers = [threading.Thread(target=write) for _ in range(2)]
    for thread in (*creators, *writers):
        thread.start()
    for thread in creators:
        thread.join()
    created.set()
    for thread in writers:
        thread.join()
    try:
        assert failures == []
        assert sorted(names) == [f"audit_record_2051_0{month}" for month in (5, 6, 7, 8)]
        assert set(Record.objects.values_list("event_id", flat=True)) == set(written)
        assert {home_of(identifier) for identifier in written} <= {"audit_record_2051_05"}
    finally:
        drop(*(f"audit_record_2051_0{month}" for month in (5, 6, 7, 8)))


def test_december_is_followed_by_january():
    assert Month(2026, 12).next == Month(2027, 1)
    assert Month(2026, 11).next == Month(2026, 12)
    assert Month.of(datetime(2026, 12, 31, 23, 30, tzinfo=UTC)).partition == "audit_record_2026_12"


@given(st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1)), st.integers(-14, 14))  # noqa: DTZ001 - hypothesis wants it so
def test_a_moment_lies_in_its_month_by_utc_wherever_its_clock_stands(naive: datetime, hours: int):
    moment = naive.replace(tzinfo=timezone(timedelta(hours=hours)))
    month = Month.of(moment)
    assert month.start <= moment < month.next.start
