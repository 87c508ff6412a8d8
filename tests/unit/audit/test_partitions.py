"""Monthly partitions."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from audit.ids import event_id, new_batch_id
from audit.models import Record
from audit.partitions import DEFAULT_PARTITION, Month, create_partitions, partitions
from audit.record import write_records
from tests.unit.audit.batches import row

pytestmark = pytest.mark.django_db


def home_of(identifier) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM audit_record WHERE event_id = %s", [identifier])
        return cursor.fetchone()[0]


def recorded_at(moment: datetime):
    identifier = event_id(new_batch_id(moment), 0)
    write_records([row(identifier)])
    return identifier


def test_this_month_and_the_next_three_are_created_once():
    now = datetime(2031, 11, 23, tzinfo=UTC)
    names = [f"audit_record_{month}" for month in ("2031_11", "2031_12", "2032_01", "2032_02")]
    assert create_partitions(now) == names
    assert create_partitions(now) == []
    assert set(names) < set(partitions())


def test_a_record_lies_in_the_month_of_its_receipt_to_the_millisecond():
    create_partitions(datetime(2031, 11, 1, tzinfo=UTC))
    turn = datetime(2031, 12, 1, tzinfo=UTC)
    assert home_of(recorded_at(turn - timedelta(milliseconds=1))) == "audit_record_2031_11"
    assert home_of(recorded_at(turn)) == "audit_record_2031_12"


def test_a_record_whose_month_has_no_partition_is_kept_and_moved_when_it_gets_one():
    moment = datetime(2041, 5, 5, tzinfo=UTC)
    identifier = recorded_at(moment)
    assert home_of(identifier) == DEFAULT_PARTITION
    create_partitions(moment)
    assert home_of(identifier) == "audit_record_2041_05"
    assert Record.objects.filter(pk=identifier).count() == 1


def test_an_event_has_one_record_even_where_a_partition_came_in_between():
    moment = datetime(2041, 5, 5, tzinfo=UTC)
    identifier = recorded_at(moment)
    create_partitions(moment)
    assert not write_records([row(identifier)])
    assert Record.objects.count() == 1


def test_december_is_followed_by_january():
    assert Month(2026, 12).next == Month(2027, 1)
    assert Month.of(datetime(2026, 12, 31, 23, 30, tzinfo=UTC)).partition == "audit_record_2026_12"
