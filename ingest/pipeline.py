"""The way of a batch: validate → match → forward. Read this file first.

A message carries the ids of batches; the batches themselves are in the journal (`audit/journal.py`). Each stage claims
them, does its work and hands them on; a message too many finds nothing to claim, a message too few is replaced by the
sweeper (`sweeper.py`). Batches that come together go the way together (`departing.py`), and each by itself where
something went wrong with one of them.
"""

import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from celery import Signature, chain
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from audit.grouping import in_groups
from audit.outcomes import Stage
from audit.tasks import store_dead_letters
from forwarder.tasks import forward_batch, forward_together
from ingest.tasks import validate_batch, validate_together
from rules.tasks import match_batch, match_together

logger = logging.getLogger(__name__)

MOST_TOGETHER = 2000  # events of a message; a larger batch goes alone

_STAGES = (Stage.VALIDATE, Stage.MATCH, Stage.FORWARD)
_BY_ITSELF: Sequence[Any] = (validate_batch, match_batch, forward_batch)
_TOGETHER: Sequence[Any] = (validate_together, match_together, forward_together)


def start(batch: UUID, events: int) -> None:
    """Send a batch that is in the journal on its way."""
    _send([batch], Stage.VALIDATE, f"batch {batch}, {events} {'event' if events == 1 else 'events'}")


def start_together(sized: Sequence[tuple[UUID, int]]) -> None:
    """Send batches, each with its number of events, on their way."""
    if len(sized) == 1:
        start(*sized[0])
        return
    for group in in_groups(sized, MOST_TOGETHER):
        resume_together(group, Stage.VALIDATE)


def resume(batch: UUID, stage: Stage) -> None:
    """Send a batch on its way from a stage."""
    _send([batch], stage, f"batch {batch}")


def resume_together(batches: Sequence[UUID], stage: Stage) -> None:
    """Send batches on their way from a stage, in one message; what is dead goes alone."""
    if len(batches) == 1:
        resume(batches[0], stage)
    else:
        _send(batches, stage, f"{len(batches)} batches, from {batches[0]} to {batches[-1]}")


def _send(batches: Sequence[UUID], stage: Stage, shown: str) -> None:
    """If the broker refuses, the sweeper tries again later. Flower shows `shown`, which names the first batch."""
    way = _way([str(batch) for batch in batches], stage)
    for task in getattr(way, "tasks", [way]):
        task.set(argsrepr=shown)
    try:
        way.apply_async(retry=False)
    except (OperationalError, RedisError) as error:
        told = {"batch_ids": list(batches)} if len(batches) > 1 else {"batch_id": batches[0]}
        logger.warning("%s not queued, left to the sweeper: %s", shown, type(error).__name__, extra=told)


def _way(batches: list[str], stage: Stage) -> Signature[Any]:
    if stage is Stage.DLQ:
        (batch,) = batches
        return store_dead_letters.s(batch)
    place = _STAGES.index(stage)
    if len(batches) == 1:
        first, *others = _BY_ITSELF[place:]
        return chain(first.s(batches[0]), *(task.s() for task in others))
    first, *others = _TOGETHER[place:]
    return chain(first.s(batches), *(task.s() for task in others))
