"""The way of a batch: validate → match → forward. Read this file first.

A message carries the batch id; the batch itself is in the journal (`audit/journal.py`). Each stage claims the batch,
does its work and hands it on; a message too many finds nothing to claim, a message too few is replaced by the
sweeper (`sweeper.py`).
"""

import logging
from typing import Any
from uuid import UUID

from celery import Signature, chain
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from audit.outcomes import Stage
from audit.tasks import store_dead_letters
from forwarder.tasks import forward_batch
from ingest.tasks import validate_batch
from rules.tasks import match_batch

logger = logging.getLogger(__name__)


def start(batch: UUID, events: int) -> None:
    """Send a batch that is in the journal on its way."""
    _send(batch, Stage.VALIDATE, f"batch {batch}, {events} {'event' if events == 1 else 'events'}")


def resume(batch: UUID, stage: Stage) -> None:
    """Send a batch on its way from a stage."""
    _send(batch, stage, f"batch {batch}")


def _send(batch: UUID, stage: Stage, shown: str) -> None:
    """If the broker refuses, the sweeper tries again later. Flower shows `shown`, which names the batch."""
    way: Signature[Any]
    match stage:
        case Stage.VALIDATE:
            way = chain(validate_batch.s(str(batch)), match_batch.s(), forward_batch.s())
        case Stage.MATCH:
            way = chain(match_batch.s(str(batch)), forward_batch.s())
        case Stage.FORWARD:
            way = forward_batch.s(str(batch))
        case Stage.DLQ:
            way = store_dead_letters.s(str(batch))
    for task in getattr(way, "tasks", [way]):
        task.set(argsrepr=shown)
    try:
        way.apply_async(retry=False)
    except (OperationalError, RedisError) as error:
        told = {"batch_id": batch}
        logger.warning("batch %s not queued, left to the sweeper: %s", batch, type(error).__name__, extra=told)
