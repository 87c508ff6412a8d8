"""How the objectives stand: the traffic at the door and the tallies of outcomes, counted over their windows."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from audit.outcomes import Outcome
from audit.tallies import LATENCY_BOUNDS_S, latencies
from ingest.answers import OUR_FAULT
from mutt_project.slo.budget import WINDOWS, Budget, Burn, Count, State, budget_of, burns, state_of
from mutt_project.slo.objectives import BUILT_IN, Measure, Objective, ObjectivesError, read_objectives

Counts = dict[timedelta, Count]
ENDS = (Outcome.DELIVERED, Outcome.IGNORED, Outcome.UNMATCHED, Outcome.SUPPRESSED)


@dataclass(frozen=True, slots=True)
class Standing:
    """One objective: counts over its window, its budget, its pace, and the word for all that."""

    objective: Objective
    count: Count
    budget: Budget | None
    burns: tuple[Burn, ...]
    state: State | None


def objectives() -> tuple[Objective, ...]:
    """The objectives of MUTT_SLO_FILE, or those that come with MUTT. Raises ImproperlyConfigured."""
    return _objectives_in(settings.MUTT_SLO_FILE or str(BUILT_IN))


@cache
def _objectives_in(path: str) -> tuple[Objective, ...]:
    try:
        return read_objectives(Path(path), LATENCY_BOUNDS_S)
    except (OSError, ObjectivesError) as error:
        raise ImproperlyConfigured(f"The file of MUTT_SLO_FILE cannot be used: {path}\n{error}") from error


def standings(now: datetime) -> list[Standing]:
    """How each objective stands. Raises django.db.Error."""
    return [_standing(objective, now) for objective in objectives()]


def _standing(objective: Objective, now: datetime) -> Standing:
    windows = sorted({*WINDOWS, objective.window})
    counts = _COUNTING[objective.measure](objective, now, windows)
    budget = budget_of(counts[objective.window], objective.target)
    paces = burns(counts, objective.target)
    return Standing(objective, counts[objective.window], budget, paces, state_of(budget, paces))


_REQUESTS = """
SELECT coalesce(sum(requests) FILTER (WHERE NOT answer = ANY(%s)), 0)::bigint, coalesce(sum(requests), 0)::bigint
  FROM ingest_traffic WHERE minute >= %s AND minute <= %s
"""


def _availability(_: Objective, now: datetime, windows: Iterable[timedelta]) -> Counts:
    faults = [why.value for why in OUR_FAULT]
    with connection.cursor() as cursor:
        found = {}
        for window in windows:
            cursor.execute(_REQUESTS, [faults, now - window, now])
            found[window] = Count(*cursor.fetchone())
    return found


# Those that came to wait lately are not overdue yet, though they be among those that wait.
_OVERDUE = """
SELECT greatest(0, coalesce(sum(entered - gone), 0)
                   - coalesce(sum(entered) FILTER (WHERE minute >= date_trunc('minute', %s)), 0))::bigint
  FROM audit_tally WHERE outcome = %s
"""


def _latency(objective: Objective, now: datetime, windows: Iterable[timedelta]) -> Counts:
    """Events by how long they took to their end. What waits longer than that is late now, and not only at its end."""
    within_s = objective.within_s or 0.0
    good = LATENCY_BOUNDS_S.index(within_s) + 1
    with connection.cursor() as cursor:
        cursor.execute(_OVERDUE, [now - timedelta(seconds=within_s), Outcome.PENDING.value])
        (overdue,) = cursor.fetchone()
    found = {}
    for window in windows:
        by_latency = latencies(now - window, _soon(now), ENDS)
        found[window] = Count(sum(by_latency[:good]), sum(by_latency) + overdue)
    return found


_ENDED = """
SELECT coalesce(sum(entered) FILTER (WHERE outcome = %s), 0)::bigint, coalesce(sum(entered), 0)::bigint
  FROM audit_tally WHERE minute >= %s AND minute < %s AND outcome = ANY(%s)
"""


def _delivery(_: Objective, now: datetime, windows: Iterable[timedelta]) -> Counts:
    """Deliveries and dead letters: whichever half of the pipeline gave an event up, Moogsoft did not get it."""
    good, both = Outcome.DELIVERED.value, [Outcome.DELIVERED.value, Outcome.DEAD.value]
    with connection.cursor() as cursor:
        found = {}
        for window in windows:
            cursor.execute(_ENDED, [good, now - window, _soon(now), both])
            found[window] = Count(*cursor.fetchone())
    return found


def _soon(now: datetime) -> datetime:
    """So that the minute that has begun is in it, though the database's clock be ahead of ours."""
    return now + timedelta(minutes=1)


_COUNTING: Mapping[Measure, Callable[[Objective, datetime, Iterable[timedelta]], Counts]] = {
    Measure.INGEST_AVAILABILITY: _availability,
    Measure.PROCESSING_LATENCY: _latency,
    Measure.DELIVERY_SUCCESS: _delivery,
}
