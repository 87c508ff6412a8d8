"""Counts of traffic in PostgreSQL: added to what is there, folded into hours, dropped when they are old."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from audit.storable import storable
from ingest.traffic import Counts

MINUTES_FOR = timedelta(days=2)
HOURS_FOR = timedelta(days=100)
REFUSED_FOR = timedelta(days=14)

# An advisory lock, shared by those who add: who folds takes minutes and then their hour, who adds the other way round.
_FOLDING = 0x6D757474_74726166

_ADD = """
INSERT INTO ingest_traffic AS known (minute, source, answer, requests, events)
SELECT to_timestamp(minute * 60), source, answer, requests, events
  FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::bigint[])
    AS counted(minute, source, answer, requests, events)
ON CONFLICT (minute, source, answer) DO UPDATE
  SET requests = known.requests + EXCLUDED.requests, events = known.events + EXCLUDED.events
"""

_ADD_REFUSED = """
INSERT INTO ingest_refusal AS known (hour, why, api_key, address, requests, last_at)
SELECT to_timestamp(hour * 3600), why, api_key, address, requests, to_timestamp(last_at)
  FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::float8[])
    AS counted(hour, why, api_key, address, requests, last_at)
ON CONFLICT (hour, why, api_key, address) DO UPDATE
  SET requests = known.requests + EXCLUDED.requests, last_at = greatest(known.last_at, EXCLUDED.last_at)
"""

# A row at the beginning of an hour takes in the rest of its hour; a second run finds nothing to take.
_FOLD = """
WITH old AS (
  DELETE FROM ingest_traffic WHERE minute < %s AND minute <> date_trunc('hour', minute, 'UTC') RETURNING *
)
INSERT INTO ingest_traffic AS known (minute, source, answer, requests, events)
SELECT date_trunc('hour', minute, 'UTC'), source, answer, sum(requests), sum(events) FROM old
 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
ON CONFLICT (minute, source, answer) DO UPDATE
  SET requests = known.requests + EXCLUDED.requests, events = known.events + EXCLUDED.events
"""


def add(counts: Counts) -> None:
    """Add the counts to those of other processes, all or none. Raises django.db.Error."""
    # In one order everywhere: who adds to the same rows at the same time waits, and never in a circle.
    minutes = [(*key, *numbers) for key, numbers in sorted(counts.minutes.items())]
    refused = [
        (hour, why, storable(api_key), storable(address), *numbers)
        for (hour, why, api_key, address), numbers in sorted(counts.refused.items())
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_FOLDING])
        if minutes:
            cursor.execute(_ADD, _columns(minutes))
        if refused:
            cursor.execute(_ADD_REFUSED, _columns(refused))


def _columns(rows: list[Any]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def fold(now: datetime) -> None:
    """Make hours of the minutes that are older than two days, and drop what is too old. May run twice, and at once."""
    whole_hours = (now - MINUTES_FOR).astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_FOLDING])
        cursor.execute(_FOLD, [whole_hours])
        cursor.execute("DELETE FROM ingest_traffic WHERE minute < %s", [now - HOURS_FOR])
        cursor.execute("DELETE FROM ingest_refusal WHERE hour < %s", [now - REFUSED_FOR])
