"""The match stage and backtests as Celery tasks."""

import logging
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from audit import claims
from audit.following import at_work
from audit.ids import batch_of
from audit.journal import Claim, journal
from audit.outcomes import UNMATCHED_THRESHOLD, Outcome, Stage
from audit.record import RecordRow, decided_before, recorded_outcomes, revive, write_records
from audit.tasks import store_dead_letters
from rules import backtesting
from rules.deciding import decide_batches
from rules.loaded import tell_loaded
from rules.metrics import DECISION_LATENCY, UNMATCHED_THRESHOLDS
from rules.ruleset import current_rule_set
from rules.unmatched import unmatched_counter

logger = logging.getLogger(__name__)


@shared_task(name="rules.match_batch")
def match_batch(batch_id: str) -> str | None:
    """Decide every event of a batch and write its records; None if nothing of it is to be forwarded."""
    with journal().claimed(UUID(batch_id), Stage.MATCH) as claim, at_work("match_batch", [claim]):
        return batch_id if _match([claim]) else None


@shared_task(name="rules.match_together")
def match_together(batch_ids: Sequence[str]) -> list[str] | None:
    """The same for those of several batches that can be had; their records are written in one go."""
    batches = [UUID(batch) for batch in batch_ids]
    with journal().claimed_together(batches, Stage.MATCH) as some, at_work("match_together", some):
        return [str(claim.batch) for claim in _match(some)] or None


def _match(some: Sequence[Claim]) -> list[Claim]:
    """Returns those that are to be forwarded."""
    matcher = current_rule_set.get()
    settled = {event for claim in some if claim.replay for event in decided_before(claim.batch)}
    decided = decide_batches(some, matcher, unmatched_counter().count, timezone.now(), settled)
    ours = claims.renew([claim for claim in some if claim.batch in decided])
    if not ours:
        return []
    outcomes = _recorded(ours, decided)
    _log_decisions(outcomes, sum(len(claim.dead) for claim in ours), matcher.version)
    return _handed_on(ours, outcomes)


def _recorded(ours: Sequence[Claim], decided: Mapping[UUID, Sequence[RecordRow]]) -> dict[UUID, Outcome]:
    """Write the records of these batches; returns what stands there now."""
    replayed = [row.event_id for claim in ours if claim.replay for row in decided[claim.batch]]
    if replayed:
        revive(replayed, timezone.now())
    rows = [row for claim in ours for row in decided[claim.batch]]
    if write_records(rows):
        _count(rows, frozenset(replayed))
        return {row.event_id: row.outcome for row in rows}
    return {event: outcome for claim in ours for event, outcome in recorded_outcomes(claim.batch).items()}


def _handed_on(ours: Sequence[Claim], outcomes: Mapping[UUID, Outcome]) -> list[Claim]:
    """Let each batch go on to where it has to; returns those that are to be forwarded."""
    pending: dict[UUID, set[UUID]] = defaultdict(set)
    for event, outcome in outcomes.items():
        if outcome is Outcome.PENDING:
            pending[batch_of(event)].add(event)
    claims.finish([claim for claim in ours if claim.batch not in pending])
    all_dead = [claim for claim in ours if claim.batch in pending and pending[claim.batch] <= claim.dead]
    for claim in claims.advance(all_dead, Stage.DLQ):
        store_dead_letters.delay(str(claim.batch))
    return claims.advance([claim for claim in ours if pending[claim.batch] - claim.dead], Stage.FORWARD)


def _count(rows: Sequence[RecordRow], replayed: AbstractSet[UUID]) -> None:
    """Tell what was decided, and how long after its receipt; a replay comes when somebody wants it to."""
    UNMATCHED_THRESHOLDS.inc(sum(row.reason == UNMATCHED_THRESHOLD for row in rows))
    now = timezone.now()
    received = Counter(row.received_at for row in rows if row.event_id not in replayed)
    DECISION_LATENCY.observe_all(((now - at).total_seconds(), events) for at, events in received.items())


def _log_decisions(outcomes: Mapping[UUID, Outcome], dead: int, version: int) -> None:
    """One line for what is decided together."""
    counts = Counter(outcome.value for outcome in outcomes.values())
    logger.info("batch decided", extra={"outcomes": dict(counts), "given_up": dead, "rule_set_version": version})


@shared_task(name="rules.check_rule_set")
def check_rule_set() -> None:
    """Load the rules if they changed: what is wrong with them is told before an event needs them."""
    rule_set = current_rule_set.get().rule_set
    tell_loaded(rule_set.version, len(rule_set.rules), rule_set.left_out)


@shared_task(name="rules.run_backtest")
def run_backtest(backtest_id: str) -> None:
    """Examine a slice of the past, and leave the next one to whichever worker is free."""
    if backtesting.do_slice(UUID(backtest_id), timezone.now()):
        queue_backtest(UUID(backtest_id))


@shared_task(name="rules.resume_backtests")
def resume_backtests() -> None:
    """Go on with backtests whose worker or message was lost."""
    for backtest_id in backtesting.unfinished(timezone.now() - timedelta(seconds=15)):
        queue_backtest(backtest_id)


def queue_backtest(backtest_id: UUID) -> None:
    """Have the next slice done. If the broker refuses, `resume_backtests` does it later."""
    with suppress(OperationalError, RedisError):
        run_backtest.apply_async((str(backtest_id),), retry=False)
