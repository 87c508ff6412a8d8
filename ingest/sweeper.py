"""Batches that have been open for too long are sent on their way again: a message was lost, or a worker died.

Every worker sweeps, and beat has it done besides: however many do, a batch is handed to one of them only, and the
first of them keeps the others away for a while.
"""

import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from uuid import UUID

import orjson
from celery import shared_task
from django.conf import settings
from redis import Redis
from redis.exceptions import ResponseError

from audit.connections import redis_client
from audit.grouping import in_groups
from audit.journal import Journal, Overdue, journal
from audit.outcomes import Stage
from ingest import pipeline
from ingest.metrics import BATCHES_SWEPT, SWEEPS

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 1000
_QUEUES = {Stage.VALIDATE: "pipeline", Stage.MATCH: "pipeline", Stage.FORWARD: "forward", Stage.DLQ: "dlq"}
_LOOK_AT = 20
_BYTES_OF_AN_EVENT = 4096  # larger ones count for several
_TRIES = 4  # then half as many go together
_BATCH_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


@shared_task(name="ingest.sweep_open_batches")
def sweep_open_batches() -> int:
    """Chain overdue batches again; returns how many."""
    return sweep_if_due(settings.MUTT_SWEEP_EVERY_S)


def sweep_if_due(every_s: float) -> int:
    """Sweep, unless somebody did less than `every_s` seconds ago."""
    books = journal()
    return sweep(books, redis_client()) if books.takes_turn(every_s * 0.9) else 0


def sweep(journal: Journal, broker: Redis) -> int:
    """Chain those overdue batches again whose message is gone; those that wait in a deep queue are left there."""
    SWEEPS.inc()
    if stranded := journal.reconcile(MOST_AT_ONCE):
        logger.error("%s parked batches were in no list; they are swept", stranded)
    heads = {queue: _head_queued_at(journal, broker, queue) for queue in set(_QUEUES.values())}
    lost = [batch for batch in journal.sweep(MOST_AT_ONCE) if _is_lost(batch, heads)]
    for overdue in lost:
        BATCHES_SWEPT.labels(overdue.stage).inc()
        told = {"batch_id": overdue.batch}
        logger.warning("batch %s was overdue at %s and is queued again", overdue.batch, overdue.stage, extra=told)
    for stage, group in _groups(lost):
        journal.requeued(group)
        pipeline.resume_together(group, stage)
    return len(lost)


def _groups(lost: Iterable[Overdue]) -> Iterator[tuple[Stage, list[UUID]]]:
    """Those that go on together. What may be the end of a worker, and what is dead, goes by itself.

    The more often they came in vain, the fewer they are: should a store refuse one of them, it is alone in the end.
    """
    together: dict[tuple[Stage, int], list[tuple[UUID, int]]] = defaultdict(list)
    for overdue in lost:
        if overdue.abandoned or overdue.stage is Stage.DLQ or not settings.MUTT_GATHER_S:
            yield overdue.stage, [overdue.batch]
        else:
            weight = max(overdue.events, overdue.size // _BYTES_OF_AN_EVENT)
            together[overdue.stage, overdue.attempts // _TRIES].append((overdue.batch, weight))
    for (stage, vain), sized in together.items():
        for group in in_groups(sized, pipeline.MOST_TOGETHER >> vain):
            yield stage, group


def _is_lost(overdue: Overdue, heads: dict[str, float | None]) -> bool:
    """Queues are first in, first out: what was queued before the head of its queue is not in it any more.

    But for a moment: of batches that leave together, the first was opened before others that left before them.
    """
    head = heads[_QUEUES[overdue.stage]]
    return head is None or overdue.queued_at < head - 4 * settings.MUTT_GATHER_S


def _head_queued_at(journal: Journal, broker: Redis, queue: str) -> float | None:
    """When the first of what waits in a queue was queued, by Redis' clock; None where nothing does.

    Of several at its head the earliest: one may have been queued again since, or be a message too many. Where none of
    them tells, nothing is taken for lost until they are gone.
    """
    try:
        waiting = broker.lrange(queue, -_LOOK_AT, -1)
    except ResponseError:  # no queue of Celery's
        return None
    if not waiting:
        return None
    found = (_BATCH_ID.search(_arguments(message)) for message in waiting)
    places = [journal.stage_of(UUID(batch.group())) for batch in found if batch]
    return min((place[1] for place in places if place and _QUEUES[place[0]] == queue), default=0.0)


def _arguments(message: bytes | str) -> str:
    """What a task's message says of its arguments; nothing for a message that is none of ours."""
    try:
        return str(orjson.loads(message)["headers"]["argsrepr"])
    except (ValueError, KeyError, TypeError):
        return ""
