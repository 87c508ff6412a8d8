"""The forward stage as a Celery task, and the release of what had to wait."""

import logging
import random
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

from celery import Task, shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from audit import claims
from audit.following import at_work
from audit.grouping import in_groups
from audit.journal import Failing, journal
from audit.outcomes import Stage
from audit.tasks import store_dead_letters
from audit.tuning.present import tuned
from forwarder.breaker import Held, breaker
from forwarder.delivery import Delivery
from forwarder.draining import drainer
from forwarder.metrics import PARKED, RELEASED, RETRIES
from forwarder.moogsoft import moogsoft
from forwarder.rate_limit import rate_limit
from forwarder.request import Failed, Means
from forwarder.retry import Concern, DeliveryError, Standing, Step, next_step, wait_before_next
from forwarder.together import Together

logger = logging.getLogger(__name__)

_chance = random.SystemRandom()


@shared_task(bind=True, name="forwarder.forward_batch", max_retries=None)
def forward_batch(self: Task[Any, Any], batch_id: str) -> str | None:
    """Deliver the alerts of a batch. What has to wait for Moogsoft is parked; a failure is dealt with by `retry.py`."""
    with journal().claimed(UUID(batch_id), Stage.FORWARD) as claim, at_work("forward_batch", [claim]):
        delivery = Delivery(claim, _means())
        try:
            delivery.run()
        except Held as held:
            _park(delivery, held.why)
            return None
        except Failed as failed:
            wait = _after(failed, delivery)
            if wait is None:
                return None
            raise self.retry(countdown=wait, exc=failed.error) from failed
        _end([delivery])
    return batch_id


@shared_task(name="forwarder.forward_together")
def forward_together(batch_ids: Sequence[str]) -> None:
    """Deliver the alerts of several batches in common requests; those that cannot go so are queued by themselves."""
    batches = [UUID(batch) for batch in batch_ids]
    with journal().claimed_together(batches, Stage.FORWARD) as some, at_work("forward_together", some):
        if not some:
            return
        means = _means()
        together = Together([Delivery(claim, means) for claim in some], means)
        try:
            together.run()
        except Held as held:
            _park_the_rest(together, held.why)
        except Failed as failed:
            _halt(next_step(failed.error, Standing(0, divided=False, closed=failed.closed)), failed.error)
            # Who failed while the breaker stays closed goes alone the next time.
            is_theirs = failed.closed and failed.error.concern is Concern.DESTINATION
            _park_the_rest(together, failed.error.reason, failed.batches if is_theirs else frozenset())
        else:
            _end([delivery for delivery in together.deliveries if delivery not in together.alone])
            claims.release([delivery.claim for delivery in together.alone])
            for delivery in together.alone:
                _send_on([delivery.claim.batch])


def _end(deliveries: Sequence[Delivery]) -> None:
    """Let batches go on whose ready events were sent. That one is somebody else's by now does not stop the others."""
    done = []
    for delivery in deliveries:
        if delivery.ahead:
            _park(delivery, "order", behind=delivery.ahead)
        elif not delivery.claim.dead:
            done.append(delivery.claim)
        elif claims.advance([delivery.claim], Stage.DLQ):
            store_dead_letters.delay(str(delivery.claim.batch))
    for group in in_groups(sorted(claims.finish(done, hand_on=True)), tuned.MOOGSOFT_BATCH_SIZE):
        _send_on(group)


def _after(failed: Failed, delivery: Delivery) -> float | None:
    """Do what follows from a failed request; returns the seconds until the next try, None where it is parked."""
    error, before, verdict = failed.error, delivery.failing, failed.verdict
    (records,) = (part.records for part in failed.parts)
    now = Failing(before.failures + 1, before.suspicions + verdict.suspect, verdict.balance)
    standing = Standing(now.suspicions, divided=delivery.is_divided(records), closed=failed.closed)
    match next_step(error, standing):
        case Step.RETRY:
            wait = wait_before_next(error, now.failures, _chance)
            RETRIES.labels(error.reason).inc()
            delivery.claim.release(wait, now)
            return wait
        case Step.DIVIDE:
            delivery.divide(records, error)
            wait = wait_before_next(error, 1, _chance)
            delivery.claim.release(wait, Failing(balance=now.balance))
            return wait
        case step:
            _halt(step, error)
    # What it failed during an outage tells nothing about it, so the next wait is a short one; suspicion stays.
    _park(delivery, error.reason, failing=Failing(0, before.suspicions, now.balance))
    return None


def _park_the_rest(together: Together, why: str, failed: AbstractSet[UUID] = frozenset()) -> None:
    """Park what is still owed; those that failed, or were refused among others, go alone the next time."""
    for delivery in together.deliveries:
        if delivery.ready:
            is_suspect = delivery.claim.batch in together.refused | failed
            _park(delivery, why, failing=replace(delivery.failing, failures=1) if is_suspect else None)
    _end([delivery for delivery in together.deliveries if not delivery.ready])


def _halt(step: Step, error: DeliveryError) -> None:
    """Have nobody send, where that is what follows."""
    if step is Step.HOLD:
        rate_limit().hold(error.retry_after_s)
    elif step is Step.PAUSE:
        breaker().pause(error.detail)


def _park(delivery: Delivery, why: str, *, behind: UUID | None = None, failing: Failing | None = None) -> None:
    PARKED.labels(why).inc()
    logger.debug("batch parked", extra={"batch_id": delivery.claim.batch, "why": why, "events": delivery.owed})
    delivery.claim.park(why, delivery.owed, behind=behind, failing=failing)
    if behind:
        breaker().untried()  # if it was to try an open breaker, another one may


def drain() -> int:
    """Send parked batches on their way, as many as may go now; returns how many."""
    groups = drainer().release()
    for group in groups:
        RELEASED.inc(len(group))
        _send_on(group)
    return sum(map(len, groups))


def _send_on(batches: Sequence[UUID]) -> None:
    """Queue batches for delivery, several together. If the broker refuses, the sweeper does it later."""
    identifiers = [str(batch) for batch in batches]
    with suppress(OperationalError, RedisError):
        if len(identifiers) == 1:
            shown, message = f"batch {identifiers[0]}", forward_batch.s(identifiers[0])
        else:
            shown = f"{len(identifiers)} batches, from {identifiers[0]} to {identifiers[-1]}"
            message = forward_together.s(identifiers)
        options: dict[str, Any] = {"argsrepr": shown}  # its types know no such option
        message.set(**options).apply_async(retry=False)


def _means() -> Means:
    return Means(
        destination=moogsoft(),
        breaker=breaker(),
        rate_limit=rate_limit(),
        clock=timezone.now,
        size=tuned.MOOGSOFT_BATCH_SIZE,
        unmatched_threshold=tuned.MUTT_UNMATCHED_THRESHOLD,
    )
