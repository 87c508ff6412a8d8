"""The forward stage as a Celery task, and the release of what had to wait."""

import random
from typing import Any
from uuid import UUID

from celery import Task, shared_task
from django.conf import settings
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from audit.journal import Claim, Failing, journal
from audit.outcomes import Stage
from audit.tasks import store_dead_letters
from forwarder.breaker import Held, breaker
from forwarder.delivery import Delivery, Failed, Means
from forwarder.draining import drainer
from forwarder.metrics import PARKED, RELEASED
from forwarder.moogsoft import moogsoft
from forwarder.rate_limit import rate_limit
from forwarder.retry import Standing, Step, next_step, wait_before_next

_chance = random.SystemRandom()


@shared_task(bind=True, name="forwarder.forward_batch", max_retries=None)
def forward_batch(self: Task[Any, Any], batch_id: str) -> str | None:
    """Deliver the alerts of a batch. What has to wait for Moogsoft is parked; a failure is dealt with by `retry.py`."""
    with journal().claimed(UUID(batch_id), Stage.FORWARD) as claim:
        delivery = Delivery(claim, _means())
        try:
            ahead = delivery.run()
        except Held as held:
            _park(claim, delivery, held.why)
            return None
        except Failed as failed:
            wait = _after(failed, claim, delivery)
            if wait is None:
                return None
            raise self.retry(countdown=wait, exc=failed.error) from failed
        if ahead:
            _park(claim, delivery, "order", behind=ahead)
        elif claim.journal.dead(claim.batch):
            claim.advance(Stage.DLQ)
            store_dead_letters.delay(batch_id)
        else:
            send_on(claim.finish(hand_on=True))
    return batch_id


def _after(failed: Failed, claim: Claim, delivery: Delivery) -> float | None:
    """Do what follows from a failed request; returns the seconds until the next try, None where it is parked."""
    error, before, verdict = failed.error, delivery.failing, failed.verdict
    now = Failing(before.failures + 1, before.suspicions + verdict.suspect, verdict.balance)
    match next_step(error, Standing(now.suspicions, divided=failed.divided, closed=failed.closed)):
        case Step.RETRY:
            wait = wait_before_next(error, now.failures, _chance)
            claim.release(wait, now)
            return wait
        case Step.DIVIDE:
            delivery.divide(failed.records, error)
            wait = wait_before_next(error, 1, _chance)
            claim.release(wait, Failing(balance=now.balance))
            return wait
        case Step.HOLD:
            rate_limit().hold(error.retry_after_s)
        case Step.PAUSE:
            breaker().pause(error.detail)
        case Step.PARK:
            pass
    # What it failed during an outage tells nothing about it, so the next wait is a short one; suspicion stays.
    _park(claim, delivery, error.reason, failing=Failing(0, before.suspicions, now.balance))
    return None


def _park(
    claim: Claim, delivery: Delivery, why: str, *, behind: UUID | None = None, failing: Failing | None = None
) -> None:
    PARKED.labels(why).inc()
    claim.park(why, delivery.owed, behind=behind, failing=failing)
    if behind:
        breaker().untried()  # if it was to try an open breaker, another one may


def drain() -> int:
    """Send parked batches on their way, as many as may go now; returns how many."""
    released = drainer().release()
    if released:
        RELEASED.inc(len(released))
        send_on(released)
    return len(released)


def send_on(batches: list[UUID]) -> None:
    """Queue batches for delivery. If the broker refuses, the sweeper does it later."""
    for batch in batches:
        try:
            forward_batch.apply_async((str(batch),), retry=False)
        except (OperationalError, RedisError):
            return


def _means() -> Means:
    return Means(
        destination=moogsoft(),
        breaker=breaker(),
        rate_limit=rate_limit(),
        clock=timezone.now,
        size=settings.MOOGSOFT_BATCH_SIZE,
        unmatched_threshold=settings.MUTT_UNMATCHED_THRESHOLD,
    )
