"""What the home page shows: each part by itself, so that a store which is away takes only its own parts along."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import Error
from django.utils import timezone
from redis.exceptions import RedisError

from audit.journal import QUEUES, journal
from audit.ledger import read_ledger
from audit.models import DeadLetter
from audit.outcomes import Outcome
from audit.reconciling import remembered
from audit.tallies import Tally, latencies, quantile_s, tallies
from audit.workers import workers
from forwarder.looking import delivering
from ingest import canary
from ingest.traffic_looking import TrafficRow, recent_refusals, rejections_by_source, traffic_by_minute
from mutt_project.home.charts import stacked
from mutt_project.slo.standing import standings
from mutt_project.status.check import State
from mutt_project.status.gathering import status
from rules.unmatched_kinds import unmatched_kinds

T = TypeVar("T")

MINUTES = 60
RATE_OVER = timedelta(minutes=2)
LATENCY_OVER = timedelta(minutes=15)
REFUSED_OVER = timedelta(hours=1)
MOST_ROWS = 8
MOST_COUNTED = 10_000
KEPT_S = 30  # for what is dear to find out; many may look at once
STATUS_KEPT_S = 5  # less than a page waits before it asks again: what one of many sees is as fresh as before
_ENDS = (Outcome.DELIVERED, Outcome.IGNORED, Outcome.UNMATCHED, Outcome.SUPPRESSED, Outcome.DEAD)


class Kept:
    """The last answer of a costly look, for some seconds. While one looks anew, others wait for what it finds."""

    def __init__(self, look: Callable[[], T], kept_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._look = look
        self._kept_s = kept_s
        self._clock = clock
        self._lock = threading.Lock()
        self._until = float("-inf")
        self._answer: Any = None

    def __call__(self) -> Any:
        with self._lock:
            if self._clock() >= self._until:
                self._answer = self._look()
                self._until = self._clock() + self._kept_s
            return self._answer


_kinds = Kept(lambda: unmatched_kinds(MOST_ROWS), KEPT_S)
_standings = Kept(lambda: standings(timezone.now()), KEPT_S)
_status = Kept(status, STATUS_KEPT_S)


def gather(now: datetime) -> dict[str, Any]:
    """The parts by name; None for one whose store is away."""
    looks: Mapping[str, Callable[[], Any]] = {
        "problems": _problems,
        "flow": lambda: _flow(now),
        "charts": lambda: _charts(now),
        "ledger": _ledger,
        "waiting": _waiting,
        "delivering": delivering,
        "latency": lambda: _latency(now),
        "dead": _dead,
        "rejected": lambda: rejections_by_source(now - REFUSED_OVER, now)[:MOST_ROWS],
        "refused": lambda: recent_refusals(now - REFUSED_OVER, most=MOST_ROWS),
        "kinds": _kinds,
        "canary": lambda: canary.age_s(now) if settings.MUTT_CANARY_EVERY_S else None,
        "workers": workers,
        "slos": _standings,
    }
    return {"now": now, **{name: _or_none(look) for name, look in looks.items()}}


def _or_none(look: Callable[[], T]) -> T | None:
    try:
        return look()
    except (RedisError, Error):
        return None


def _problems() -> list[Any]:
    """What is not well, the worst first."""
    found = [check for check in _status().checks if not check.is_well]
    return sorted(found, key=lambda check: check.state is not State.FAILED)


def _flow(now: datetime) -> dict[str, float]:
    """Events a second over the last minutes: taken at the door, decided, delivered."""
    begin = (now - RATE_OVER).replace(second=0, microsecond=0)
    seconds = (now - begin).total_seconds()
    came = traffic_by_minute(begin, now)
    moved = tallies(begin, now)
    numbers = {
        "accepted": sum(row.accepted for row in came),
        "refused": sum(row.rejected + row.refused + row.failed for row in came),
        "decided": sum(tally.entered - tally.gone for tally in moved),
        "delivered": sum(tally.entered for tally in moved if tally.outcome is Outcome.DELIVERED),
    }
    return {name: number / seconds for name, number in numbers.items()}


def _charts(now: datetime) -> dict[str, Any]:
    end = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    moments = [end - timedelta(minutes=minutes) for minutes in range(MINUTES, 0, -1)]
    came, moved = traffic_by_minute(moments[0], end), tallies(moments[0], end)
    return {
        "came": stacked(moments, _by_minute(moments, came), noun="Came in within the last hour"),
        "ended": stacked(moments, _ends_by_minute(moments, moved), noun="Came to an end within the last hour"),
    }


def _by_minute(moments: list[datetime], rows: list[TrafficRow]) -> dict[str, list[int]]:
    accepted: Counter[datetime] = Counter()
    refused: Counter[datetime] = Counter()
    for row in rows:
        accepted[row.minute] += row.accepted
        refused[row.minute] += row.rejected + row.refused + row.failed
    return {"accepted": [accepted[moment] for moment in moments], "refused": [refused[moment] for moment in moments]}


def _ends_by_minute(moments: list[datetime], moved: list[Tally]) -> dict[str, list[int]]:
    entered = {(tally.outcome, tally.at): tally.entered for tally in moved}
    return {outcome.value: [entered.get((outcome, moment), 0) for moment in moments] for outcome in _ENDS}


def _ledger() -> dict[str, Any]:
    """The account as it is; the batches involved are those that the last check has found, half a minute ago or so."""
    ledger, checked = read_ledger(journal()), remembered()
    suspects = checked.suspects if checked and not ledger.balanced else []
    return {**asdict(ledger), "balanced": ledger.balanced, "imbalance": ledger.imbalance, "suspects": suspects}


def _waiting() -> dict[str, Any]:
    waiting = journal().waiting()
    return {
        "queues": [(name, waiting.in_queue(name)) for name in QUEUES],
        "messages": sum(waiting.queues.values()),
        "parked": waiting.parked,
        "in_line": waiting.in_line,
        "oldest_s": journal().oldest_open_age_s(),
    }


def _latency(now: datetime) -> dict[str, Any]:
    counts = latencies(now - LATENCY_OVER, now, [Outcome.DELIVERED])
    return {"p50": quantile_s(counts, 0.5), "p95": quantile_s(counts, 0.95), "events": sum(counts)}


def _dead() -> dict[str, Any]:
    """Dead letters that wait, by reason: counted no further than somebody would look."""
    waiting = DeadLetter.objects.filter(state=DeadLetter.State.WAITING).order_by("-event_id")
    reasons = Counter(waiting.values_list("stage", "reason")[: MOST_COUNTED + 1])
    return {
        "reasons": [(stage, reason, count) for (stage, reason), count in reasons.most_common(MOST_ROWS)],
        "count": min(reasons.total(), MOST_COUNTED),
        "more": reasons.total() > MOST_COUNTED,
    }
