"""The forward stage as a Celery task, and the release of what had to wait."""

import random
from typing import Any
from uuid import UUID

from celery import Task, shared_task
from django.conf import settings
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from audit.journal import Claim, journal
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
            claim.release(wait, failed=True)
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
    error, failures = failed.error, claim.failures + 1
    others_taken = bool(claim.failing_since) and breaker().last_success() > (claim.failing_since or 0)
    standing = Standing(failures, suspected=failed.suspected, others_taken=others_taken, closed=failed.closed)
    step = next_step(error, standing)
    match step:
        case Step.RETRY:
            return wait_before_next(error, failures, _chance)
        case Step.DIVIDE:
            delivery.divide(failed.records, error)
            return wait_before_next(error, 1, _chance)
        case Step.TRIP:
            breaker().trip(f"{failures} tries of one batch failed, and nothing was taken meanwhile: {error.detail}")
        case Step.HOLD:
            rate_limit().hold(error.retry_after_s)
        case Step.PAUSE:
            breaker().pause(error.detail)
        case Step.PARK:
            pass
    _park(claim, delivery, error.reason)
    return None


def _park(claim: Claim, delivery: Delivery, why: str, behind: UUID | None = None) -> None:
    PARKED.labels(why).inc()
    claim.park(why, delivery.owed, behind)


def drain() -> int:
    """Send parked batches on their way, as many as may go now; returns how many."""
    released = drainer().release()
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
