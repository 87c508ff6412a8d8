"""Identifiers: UUIDv7 (RFC 9562 §5.7) for batches and events, an event's id leading to its batch.

The low 20 bits count the events of a batch: 0 is the batch itself, 1 its first event (RFC 9562 §6.2
calls this a fixed bit-length dedicated counter). So a batch needs no column and no index of its own:
its events are a range of ids, and ids sort in the order of receipt.
"""

import secrets
from datetime import UTC, datetime
from uuid import UUID

COUNTER_BITS = 20
MAX_EVENTS_PER_BATCH = (1 << COUNTER_BITS) - 1

_RANDOM_BITS = 62 - COUNTER_BITS
_RANDOM_MASK = (1 << _RANDOM_BITS) - 1
_COUNTER_MASK = (1 << COUNTER_BITS) - 1
_VERSION_7 = 0x7 << 76
_VARIANT_RFC = 0b10 << 62
_LAST_MILLISECOND = (1 << 48) - 1
_END_OF_CALENDAR = 253_402_300_799_999  # milliseconds: the end of the year 9999, beyond which Python has no dates


def new_batch_id(now: datetime) -> UUID:
    """A new batch id whose time part is `now` (aware), in milliseconds."""
    random = secrets.randbits(12 + _RANDOM_BITS)
    high, low = random >> _RANDOM_BITS, random & _RANDOM_MASK
    return UUID(int=_time_bits(now) | _VERSION_7 | high << 64 | _VARIANT_RFC | low << COUNTER_BITS)


def event_id(batch: UUID, position: int) -> UUID:
    """The id of the event at `position` (from 0) of a batch.

    Raises ValueError beyond MAX_EVENTS_PER_BATCH.
    """
    if not 0 <= position < MAX_EVENTS_PER_BATCH:
        raise ValueError(f"a batch holds at most {MAX_EVENTS_PER_BATCH} events, not event {position}")
    return UUID(int=batch.int + position + 1)


def texts_of_ids(batch: UUID, size: int) -> list[str]:
    """The ids of the first `size` events of a batch, as texts: the last five digits of its own count.

    Raises ValueError beyond MAX_EVENTS_PER_BATCH.
    """
    if size:
        event_id(batch, size - 1)
    shared = str(batch)[: -COUNTER_BITS // 4]
    return [f"{shared}{number:05x}" for number in range(1, size + 1)]


def batch_of(event: UUID) -> UUID:
    """The batch that an event came in."""
    return UUID(int=event.int & ~_COUNTER_MASK)


def last_id_of(batch: UUID) -> UUID:
    """The highest id that an event of this batch can have."""
    return UUID(int=batch.int | _COUNTER_MASK)


def received_at(identifier: UUID) -> datetime:
    """When a batch or event was received, to the millisecond, in UTC; of an id that is none of ours, some moment."""
    return datetime.fromtimestamp(min(identifier.int >> 80, _END_OF_CALENDAR) / 1000, UTC)


def first_id_at(moment: datetime) -> UUID:
    """The lowest id of all that are received at `moment` or later: the bound for searches and partitions."""
    return UUID(int=_time_bits(moment) | _VERSION_7 | _VARIANT_RFC)


def _time_bits(moment: datetime) -> int:
    milliseconds = round(moment.timestamp() * 1000)
    return min(max(milliseconds, 0), _LAST_MILLISECOND) << 80
