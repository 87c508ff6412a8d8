"""The match stage and backtests as Celery tasks."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from audit.following import at_work
from audit.journal import journal
from audit.outcomes import UNMATCHED_THRESHOLD, Outcome, Stage
from audit.record import RecordRow, decided_before, recorded_outcomes, revive, write_records
from audit.tasks import store_dead_letters
from rules import backtesting
from rules.deciding import decide_batch
from rules.loaded import tell_loaded
from rules.metrics import DECISION_LATENCY, UNMATCHED_THRESHOLDS
from rules.ruleset import current_rule_set
from rules.unmatched import unmatched_counter

logger = logging.getLogger(__name__)


@shared_task(name="rules.match_batch")
def match_batch(batch_id: str) -> str | None:
    """Decide every event of a batch and write its records; None if nothing of it is to be forwarded."""
    with journal().claimed(UUID(batch_id), Stage.MATCH) as claim, at_work("match_batch", [claim]):
        settled = decided_before(claim.batch) if claim.replay else frozenset[UUID]()
        matcher = current_rule_set.get()
        rows = decide_batch(claim, matcher, unmatched_counter().count, timezone.now(), settled)
        claim.renew()
        if claim.replay:
            revive([row.event_id for row in rows], timezone.now())
        outcomes = {row.event_id: row.outcome for row in rows}
        if write_records(rows):
            _count(rows, is_replay=claim.replay)
        else:
            outcomes = recorded_outcomes(claim.batch)
        pending = {event for event, outcome in outcomes.items() if outcome is Outcome.PENDING}
        dead = journal().dead(claim.batch).keys()
        _log_decisions(outcomes, len(dead), matcher.version)
        if pending - dead:
            claim.advance(Stage.FORWARD)
            return batch_id
        if pending:
            claim.advance(Stage.DLQ)
            store_dead_letters.delay(batch_id)
        else:
            claim.finish()
    return None


def _count(rows: Sequence[RecordRow], *, is_replay: bool) -> None:
    """Tell what was decided, and how long after its receipt; a replay comes when somebody wants it to."""
    UNMATCHED_THRESHOLDS.inc(sum(row.reason == UNMATCHED_THRESHOLD for row in rows))
    if is_replay:
        return
    now = timezone.now()
    for row in rows:
        DECISION_LATENCY.observe((now - row.received_at).total_seconds())


def _log_decisions(outcomes: Mapping[UUID, Outcome], dead: int, version: int) -> None:
    """One line for a batch."""
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
