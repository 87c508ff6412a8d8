"""How many events came to which outcome, minute by minute: kept by the database, summed up here.

A trigger adds rows for every statement that writes records. `fold` makes few rows of many, so that a sum stays cheap:
minutes for two days, hours for a hundred, after that one row for each outcome.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from audit.outcomes import Outcome

# Seconds from receipt to the outcome. A tally's latency is the number of those that are not above it: audit_latency().
LATENCY_BOUNDS_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)

_UNTOUCHED = timedelta(minutes=5)  # nobody reads the ledger for so long, so what was not in it at first is by then
_MINUTES_FOR = timedelta(days=2)
_HOURS_FOR = timedelta(days=100)
_LOCK = 7_166_001


@dataclass(frozen=True, slots=True)
class Tally:
    """So many events came to an outcome in the minute (later: hour) that begins at `at`, and so many left it again."""

    at: datetime
    outcome: Outcome
    entered: int
    gone: int


def tallies(begin: datetime, end: datetime) -> list[Tally]:
    """What came to which outcome from `begin` to before `end`, in the order of time."""
    rows = _rows(
        "SELECT minute, outcome, sum(entered)::bigint, sum(gone)::bigint FROM audit_tally"
        " WHERE minute >= %s AND minute < %s GROUP BY minute, outcome ORDER BY minute, outcome",
        [begin, end],
    )
    return [Tally(at, Outcome(outcome), entered, gone) for at, outcome, entered, gone in rows]


def latencies(begin: datetime, end: datetime, outcomes: Sequence[Outcome]) -> list[int]:
    """How many events came to one of these outcomes within each of the bounds but not the one before.

    One number more than there are bounds: the last is for those that took longer than all of them.
    """
    rows = _rows(
        "SELECT latency, sum(entered)::bigint FROM audit_tally"
        " WHERE minute >= %s AND minute < %s AND outcome = ANY(%s) AND latency IS NOT NULL GROUP BY latency",
        [begin, end, [outcome.value for outcome in outcomes]],
    )
    counts: dict[int, int] = dict(rows)
    return [counts.get(number, 0) for number in range(len(LATENCY_BOUNDS_S) + 1)]


def quantile_s(counts: Sequence[int], share: float) -> float | None:
    """The latency that this share of the events stayed within, read off between two bounds; None where there are none.

    What lies above the last bound counts as the last bound.
    """
    wanted = share * sum(counts)
    if not wanted:
        return None
    below, low = 0, 0.0
    for count, high in zip(counts, LATENCY_BOUNDS_S, strict=False):
        if count and below + count >= wanted:
            return low + (high - low) * (wanted - below) / count
        below, low = below + count, high
    return LATENCY_BOUNDS_S[-1]


def fold(now: datetime) -> int:
    """Make one row of all that are of the same time, outcome and latency; returns how many rows are fewer.

    The sums stay what they are at every moment. Somebody else who folds is left to it.
    """
    with transaction.atomic():
        if not _rows("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])[0][0]:
            return 0
        oldest = _folded("'epoch'::timestamptz", None, now - _HOURS_FOR)
        hours = _folded("date_trunc('hour', minute)", now - _HOURS_FOR, now - _MINUTES_FOR)
        minutes = _folded("minute", now - _MINUTES_FOR, now - _UNTOUCHED)
    return oldest + hours + minutes


_FOLD = """
WITH chosen AS (
    SELECT {at} AS at, outcome, {latency} AS latency FROM audit_tally WHERE minute >= %(begin)s AND minute < %(end)s
     GROUP BY 1, 2, 3 HAVING count(*) > 1
), taken AS (
    DELETE FROM audit_tally USING chosen
     WHERE audit_tally.minute >= %(begin)s AND audit_tally.minute < %(end)s
       AND {at} = chosen.at AND audit_tally.outcome = chosen.outcome
       AND {latency} IS NOT DISTINCT FROM chosen.latency
    RETURNING chosen.at, audit_tally.outcome, chosen.latency, journal_seq, entered, gone
), added AS (
    INSERT INTO audit_tally (minute, outcome, latency, journal_seq, entered, gone)
    SELECT at, outcome, latency, (SELECT max(journal_seq) FROM taken), sum(entered), sum(gone)
      FROM taken GROUP BY at, outcome, latency
    RETURNING 1
)
SELECT (SELECT count(*) FROM taken) - (SELECT count(*) FROM added)
"""
_BEGINNING = "epoch"


def _folded(at: str, begin: datetime | None, end: datetime) -> int:
    latency = "NULL::smallint" if begin is None else "audit_tally.latency"
    sql = _FOLD.format(at=at.replace("minute", "audit_tally.minute"), latency=latency)
    return int(_rows(sql, {"begin": begin or _BEGINNING, "end": end})[0][0])


def _rows(sql: str, arguments: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments)
        return list(cursor.fetchall())
