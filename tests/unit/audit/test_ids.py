"""Identifiers: UUIDv7 that lead from an event to its batch."""

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import ids

# Hypothesis wants naive bounds.
MOMENTS = st.datetimes(
    min_value=datetime(1990, 1, 1),  # noqa: DTZ001
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(MOMENTS, st.integers(0, ids.MAX_EVENTS_PER_BATCH - 1))
def test_an_event_id_is_a_uuid_of_version_7_that_leads_to_its_batch_and_time(now, position):
    batch = ids.new_batch_id(now)
    event = ids.event_id(batch, position)
    assert (event.version, event.variant) == (7, RFC_4122)
    assert ids.batch_of(event) == batch
    assert batch < event <= ids.last_id_of(batch)
    assert abs(ids.received_at(event) - now) <= timedelta(milliseconds=1)


def test_ids_sort_in_the_order_of_receipt():
    start = datetime(2026, 11, 23, tzinfo=UTC)
    batches = [ids.new_batch_id(start + timedelta(milliseconds=step)) for step in range(50)]
    made = [ids.event_id(batch, position) for batch in batches for position in range(3)]
    assert made == sorted(made)


@given(MOMENTS)
def test_the_first_id_of_a_moment_bounds_all_that_is_received_from_then_on(now):
    bound = ids.first_id_at(now)
    assert bound <= ids.new_batch_id(now)
    assert bound > ids.last_id_of(ids.new_batch_id(now - timedelta(milliseconds=2)))


@given(MOMENTS, st.integers(0, 300))
def test_the_texts_of_ids_are_those_of_the_events_in_their_order(now, size):
    batch = ids.new_batch_id(now)
    assert ids.texts_of_ids(batch, size) == [str(ids.event_id(batch, position)) for position in range(size)]


def test_the_last_event_that_a_batch_can_hold_has_a_text():
    batch = ids.new_batch_id(datetime.now(UTC))
    assert ids.texts_of_ids(batch, ids.MAX_EVENTS_PER_BATCH)[-1] == str(ids.last_id_of(batch))
    with pytest.raises(ValueError, match="at most"):
        ids.texts_of_ids(batch, ids.MAX_EVENTS_PER_BATCH + 1)


def test_a_batch_refuses_a_position_that_would_run_into_the_next_batch():
    with pytest.raises(ValueError, match="at most"):
        ids.event_id(ids.new_batch_id(datetime.now(UTC)), ids.MAX_EVENTS_PER_BATCH)


def test_a_thousand_batches_of_one_millisecond_have_a_thousand_ids():
    now = datetime.now(UTC)
    assert len({ids.new_batch_id(now) for _ in range(1000)}) == 1000


def test_an_id_from_elsewhere_has_a_time_too():
    assert ids.received_at(UUID("00000000-0000-7000-8000-000000000001")) == datetime(1970, 1, 1, tzinfo=UTC)
    assert ids.received_at(UUID(int=2**128 - 1)).year == 9999
