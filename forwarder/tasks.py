"""The forward stage as a Celery task."""

import random
from typing import Any
from uuid import UUID

from celery import Task, shared_task
from django.conf import settings
from django.utils import timezone

from audit.journal import Burial, Claim, journal
from audit.outcomes import DeadStage, Stage
from audit.tasks import give_up, store_dead_letters
from forwarder.delivery import Delivery
from forwarder.moogsoft import moogsoft
from forwarder.retry import DeliveryError, wait_before_next

_chance = random.SystemRandom()


@shared_task(bind=True, name="forwarder.forward_batch", max_retries=None)
def forward_batch(self: Task[Any, Any], batch_id: str) -> str:
    """Deliver the alerts of a batch; failures are retried by the table in `retry.py`, then given up."""
    with journal().claimed(UUID(batch_id), Stage.FORWARD) as claim:
        try:
            dead = _delivery(claim).run()
        except DeliveryError as error:
            wait = wait_before_next(error, claim.failures + 1, _chance)
            if wait is not None:
                claim.release(wait, failed=True)
                raise self.retry(countdown=wait, exc=error) from error
            give_up(claim.batch, Burial(DeadStage.MOOG, error.reason, error.detail), Stage.FORWARD, claim.token)
            return batch_id
        if dead:
            claim.advance(Stage.DLQ)
            store_dead_letters.delay(batch_id)
        else:
            claim.finish()
    return batch_id


def _delivery(claim: Claim) -> Delivery:
    return Delivery(
        claim,
        moogsoft(),
        clock=timezone.now,
        size=settings.MOOGSOFT_BATCH_SIZE,
        unmatched_threshold=settings.MUTT_UNMATCHED_THRESHOLD,
    )
