"""The scheduled canary: an event of MUTT's own goes the way of all others, and its end is looked out for.

How long ago the newest one was received that came through is the metric `mutt_canary_age_seconds`: it grows when
beat, Redis, a worker or PostgreSQL stands still, and, where canaries are delivered, when Moogsoft does.
"""

import logging
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from celery import shared_task
from django.conf import settings

from audit.canary import NAME, canary_event
from audit.connections import redis_client
from audit.ids import received_at
from audit.models import Record
from audit.outcomes import Outcome
from ingest import receiving
from ingest.admission import gate
from ingest.receiving import Sender

logger = logging.getLogger(__name__)

AWAITED = "mutt:canary:awaited"  # ids of canaries that have not come through yet, by the time of their receipt
STATE = "mutt:canary"  # `since`: when the first was sent; `ended`: when the newest that came through was received
MOST_AWAITED = 20  # while nothing comes through, more of them tell nothing new
SENDER = Sender(api_key=NAME, address="beat")


@shared_task(name="ingest.send_canary")
def send_canary() -> None:
    """Send one, and look what became of the earlier ones."""
    now = datetime.now(UTC)
    _redis().hsetnx(STATE, "since", now.timestamp())
    # A full journal is closed for canaries, too: that none comes through then is what there is to be told.
    if not gate().is_closed() and _redis().zcard(AWAITED) < MOST_AWAITED:
        _send(now)
    look()


def _send(now: datetime) -> None:
    event = canary_event(now.isoformat(), deliver=settings.MUTT_CANARY_DELIVERS)
    (result,) = receiving.receive(orjson.dumps(event), receiving.PLAIN, SENDER).results
    _redis().zadd(AWAITED, {result["id"]: now.timestamp()})


def look() -> None:
    """Note which of the awaited ones came to an end. Raises django.db.Error, RedisError."""
    awaited = [UUID(raw.decode()) for raw in _redis().zrange(AWAITED, 0, -1)]
    if not awaited:
        return
    found = Record.objects.filter(event_id__in=awaited).values_list("event_id", "outcome")
    ended = {event: outcome for event, outcome in found if outcome != Outcome.PENDING}
    through = [event for event, outcome in ended.items() if outcome != Outcome.DEAD]
    if len(through) < len(ended):
        logger.error("%s canaries died: see the dead letters of host %s", len(ended) - len(through), NAME)
    if through:
        newest = received_at(max(through)).timestamp()
        _redis().hset(STATE, "ended", max(newest, float(_redis().hget(STATE, "ended") or 0)))
    if ended:
        _redis().zrem(AWAITED, *map(str, ended))


def age_s(now: datetime) -> float | None:
    """Seconds since the receipt of the newest canary that came through; None where none was ever sent.

    Until the first one has come through, they count from when it was sent. Raises RedisError.
    """
    since, ended = _redis().hmget(STATE, ["since", "ended"])
    begin = ended or since
    return max(0.0, now.timestamp() - float(begin)) if begin else None


def _redis() -> Any:
    """Its types allow for both str and bytes; ours are bytes."""
    return redis_client()
