"""One request to Moogsoft: the right to make it, the attempts that are recorded of it, and what was taken."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from time import perf_counter
from typing import Protocol
from uuid import UUID

from opentelemetry.trace import SpanKind

from audit.alert import Alert
from audit.following import span_of
from audit.ids import batch_of, received_at
from audit.journal import Claim
from audit.record import Post, add_attempts, record_delivery
from forwarder.breaker import Breaker, Permit, Verdict
from forwarder.metrics import DELIVERY_LATENCY, REQUEST_SECONDS, REQUESTS
from forwarder.moogsoft import Answer
from forwarder.rate_limit import RateLimit
from forwarder.retry import Concern, DeliveryError

logger = logging.getLogger(__name__)

_TAKEN = REQUESTS.labels("taken")


class Destination(Protocol):
    """Where alerts go; `forwarder.moogsoft.Moogsoft` is the real one."""

    @property
    def takes_many(self) -> bool: ...

    def body(self, alerts: Sequence[Alert], unmatched_threshold: int) -> bytes: ...

    def post(self, body: bytes) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Means:
    """What a delivery works with. `clock` tells the time (aware); `size` is the most events of a request."""

    destination: Destination
    breaker: Breaker
    rate_limit: RateLimit
    clock: Callable[[], datetime]
    size: int
    unmatched_threshold: int


@dataclass(frozen=True, slots=True)
class Part:
    """What one claimed batch has in a request."""

    claim: Claim
    records: Sequence[Alert]

    @property
    def events(self) -> list[UUID]:
        return [record.event_id for record in self.records]


class Refused(Exception):  # noqa: N818 - it carries a failure and is none of ours
    """A request was not taken, or cannot be made, for what is in it."""

    def __init__(self, error: DeliveryError) -> None:
        super().__init__(str(error))
        self.error = error


class Failed(Exception):  # noqa: N818 - as above
    """A request was not taken for whatever else. `closed`: the breaker still is."""

    def __init__(self, error: DeliveryError, parts: Sequence[Part], *, closed: bool, verdict: Verdict) -> None:
        super().__init__(str(error))
        self.error = error
        self.parts = parts
        self.batches = frozenset(part.claim.batch for part in parts)
        self.closed = closed
        self.verdict = verdict


def send(parts: Sequence[Part], means: Means, balance: int | None = None) -> None:
    """Make one request of all these events, and note what became of it.

    `balance` is what the breaker said when this batch, if it is only one, failed before. Raises Refused or Failed; Held
    where no request may go out now; StaleClaim.
    """
    records = [record for part in parts for record in part.records]
    try:
        body = means.destination.body(records, means.unmatched_threshold)
    except DeliveryError as error:
        raise Refused(error) from error
    alone = str(parts[0].claim.batch) if len(parts) == 1 else ""
    permit = means.breaker.admit(alone, balance, means.rate_limit.turn)
    post = _about_to_post(parts, permit, means)
    before = perf_counter()
    try:
        answer = permit.call(lambda: _post(means.destination, body, len(records)))
    except DeliveryError as error:
        REQUESTS.labels(error.reason).inc()
        add_attempts(_ended(post, perf_counter() - before, error.status, error.reason, error.detail))
        told = {"events": len(records), "reason": error.reason.value, "status": error.status}
        logger.warning("Moogsoft did not take a request", extra=told)
        if error.concern is Concern.EVENT:
            raise Refused(error) from error
        raise Failed(error, parts, closed=permit.still_closed, verdict=permit.verdict) from error
    seconds = perf_counter() - before
    parts[0].claim.journal.mark_sent(post.events)
    permit.succeeded()
    _TAKEN.inc()
    REQUEST_SECONDS.observe(seconds)
    now = means.clock()
    delivered = record_delivery(_ended(post, seconds, answer.status, "", answer.excerpt), now)
    _observe_latency(post, delivered, parts, now)
    waited_s = (now - min(record.received_at for record in records)).total_seconds()
    told = {"events": len(records), "status": answer.status}
    logger.info("delivered", extra={**told, "post_ms": round(seconds * 1000, 1), "after_s": round(waited_s, 3)})


def _observe_latency(post: Post, delivered: Sequence[UUID], parts: Sequence[Part], now: datetime) -> None:
    sizes = {batch: len(events) for batch, events in post.events.items()}
    if len(delivered) < sum(sizes.values()):  # of some it was known before
        sizes = Counter(map(batch_of, delivered))
    replayed = {part.claim.batch for part in parts if part.claim.replay}  # they died, and waited for a person
    DELIVERY_LATENCY.observe_all(
        ((now - received_at(batch)).total_seconds(), size) for batch, size in sizes.items() if batch not in replayed
    )


def _post(destination: Destination, body: bytes, events: int) -> Answer:
    """The POST as a span; what Moogsoft is sent says nothing of it."""
    with span_of("POST Moogsoft", SpanKind.CLIENT, attributes={"mutt.events": events}) as span:
        try:
            answer = destination.post(body)
        except DeliveryError as error:
            span.set_attribute("mutt.reason", error.reason.value)
            if error.status is not None:
                span.set_attribute("http.response.status_code", error.status)
            raise
        span.set_attribute("http.response.status_code", answer.status)
    return answer


def _about_to_post(parts: Sequence[Part], permit: Permit, means: Means) -> Post:
    """What is known of the POST before it is made; each batch gets a full lease for it. Raises StaleClaim."""
    begin = means.clock()
    claims = [part.claim for part in parts]
    try:
        numbers = claims[0].journal.number_posts(claims)
        for part in parts:
            if part.claim.careful:
                part.claim.suspect(part.records[0].event_id)
    except BaseException:
        permit.give_back()
        raise
    return Post({part.claim.batch: part.events for part in parts}, numbers, begin)


def _ended(post: Post, seconds: float, status: int | None, reason: str, excerpt: str) -> Post:
    return replace(post, duration_ms=seconds * 1000, status=status, reason=reason, excerpt=excerpt)
