"""The delivery of one batch: what is still owed goes out in requests, each attempt is recorded.

Moogsoft is told at least once; the identity of an alert (event id and deduplication key) never changes. Alerts of one
deduplication key are told in the order of their receipt: a batch waits for an earlier one that still owes the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from time import perf_counter
from typing import Protocol
from uuid import UUID

from audit.isolation import condemn_killer
from audit.journal import Burial, Claim, Failing
from audit.models import Attempt, Record
from audit.outcomes import DeadStage
from audit.record import add_attempt, mark_delivered, pending_ahead, pending_records
from forwarder.breaker import Breaker, Permit, Verdict
from forwarder.metrics import REQUEST_SECONDS, REQUESTS
from forwarder.moogsoft import Answer
from forwarder.rate_limit import RateLimit
from forwarder.retry import Concern, DeliveryError


class Destination(Protocol):
    """Where alerts go; `forwarder.moogsoft.Moogsoft` is the real one."""

    @property
    def takes_many(self) -> bool: ...

    def body(self, alerts: Sequence[Record], unmatched_threshold: int) -> bytes: ...

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


class Failed(Exception):  # noqa: N818 - it carries a failure and is none of ours
    """A request failed; `divided` says whether it had been before, `closed` whether the breaker still is."""

    def __init__(
        self, error: DeliveryError, records: Sequence[Record], *, divided: bool, closed: bool, verdict: Verdict
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.records = records
        self.divided = divided
        self.closed = closed
        self.verdict = verdict


class Delivery:
    """Delivers one claimed batch."""

    def __init__(self, claim: Claim, means: Means) -> None:
        self._claim = claim
        self._means = means
        self._size = means.size if means.destination.takes_many and not claim.careful else 1
        self._ready: list[Record] = []
        self._waiting: list[Record] = []
        self._halved: dict[UUID, int] = {}
        self.failing = claim.failing

    @property
    def owed(self) -> int:
        """How many events are still to be sent."""
        return len(self._ready) + len(self._waiting)

    def run(self) -> UUID | None:
        """Send what is owed; returns the batch that the rest has to wait for, if there is any.

        What was sent stays sent, whatever is raised: Held where nothing may go out now, Failed where a request failed.
        """
        condemn_killer(self._claim, DeadStage.MOOG)
        journal, batch = self._claim.journal, self._claim.batch
        records = pending_records(batch)
        sent, dead = journal.sent(batch), journal.dead(batch)
        self._halved = journal.halved(batch)
        # Sent before, but the worker died before it could record that.
        self._record_delivered([record for record in records if record.event_id in sent])
        owed = [record for record in records if record.event_id not in sent and record.event_id not in dead]
        ahead = self._batches_ahead(owed)
        self._ready = [record for record in owed if record.deduplication_key not in ahead]
        self._waiting = [record for record in owed if record.deduplication_key in ahead]
        while self._ready:
            self._send(self._next_request())
        return max(ahead.values(), default=None)

    def divide(self, records: Sequence[Record], error: DeliveryError) -> None:
        """Make requests with these events smaller; one that stands alone is the guilty one, and dies."""
        identifiers = [record.event_id for record in records]
        if len(records) == 1:
            self._claim.mark_dead({identifiers[0]: Burial(DeadStage.MOOG, error.reason, error.detail)})
            self._ready = [record for record in self._ready if record.event_id != identifiers[0]]
            return
        half = (len(records) + 1) // 2
        self._claim.halve(identifiers, half)
        self._halved.update(dict.fromkeys(identifiers, half))

    def _batches_ahead(self, records: Sequence[Record]) -> dict[str, UUID]:
        found = pending_ahead((record.deduplication_key for record in records), self._claim.batch)
        # One that is not in the journal will not move any more: nobody waits for it.
        still_open = {batch: self._claim.journal.stage_of(batch) is not None for batch in set(found.values())}
        return {key: batch for key, batch in found.items() if still_open[batch]}

    def _next_request(self) -> list[Record]:
        """The next events in order, as many as may go together."""
        most = self._most(self._ready[0])
        return list(takewhile(lambda record: self._most(record) == most, self._ready[:most]))

    def _most(self, record: Record) -> int:
        return min(self._halved.get(record.event_id, self._size), self._size)

    def _send(self, records: Sequence[Record]) -> None:
        try:
            body = self._means.destination.body(records, self._means.unmatched_threshold)
        except DeliveryError as error:  # nothing was sent, so nothing is known of Moogsoft
            self.divide(records, error)
            return
        permit = self._permit()
        try:
            attempt = self._attempt(records)
        except BaseException:
            permit.give_back()
            raise
        before = perf_counter()
        try:
            answer = permit.call(lambda: self._means.destination.post(body))
        except DeliveryError as error:
            attempt.duration_ms = (perf_counter() - before) * 1000
            attempt.status, attempt.reason, attempt.excerpt = error.status, error.reason, error.detail
            REQUESTS.labels(error.reason).inc()
            add_attempt(attempt)
            if error.concern is Concern.EVENT:
                self.divide(records, error)
                return
            divided = any(record.event_id in self._halved for record in records)
            closed, verdict = permit.still_closed, permit.verdict
            raise Failed(error, records, divided=divided, closed=closed, verdict=verdict) from error
        attempt.duration_ms = (perf_counter() - before) * 1000
        attempt.status, attempt.excerpt = answer.status, answer.excerpt
        self._claim.journal.mark_sent(self._claim.batch, [record.event_id for record in records])
        self.failing = Failing()
        permit.succeeded()
        REQUESTS.labels("taken").inc()
        REQUEST_SECONDS.observe(attempt.duration_ms / 1000)
        add_attempt(attempt)
        self._record_delivered(records)
        self._ready = self._ready[len(records) :]

    def _permit(self) -> Permit:
        """The right to one request, of the breaker and of the rate limit. Raises Held."""
        permit = self._means.breaker.admit(str(self._claim.batch), self.failing.balance)
        try:
            self._means.rate_limit.take()
        except BaseException:
            permit.give_back()
            raise
        return permit

    def _attempt(self, records: Sequence[Record]) -> Attempt:
        """The record of a request that is about to be made. Raises StaleClaim."""
        attempt = Attempt(
            batch_id=self._claim.batch,
            event_ids=[record.event_id for record in records],
            number=self._claim.posting(),
            started_at=self._means.clock(),
        )
        if self._claim.careful:
            self._claim.suspect(records[0].event_id)
        return attempt

    def _record_delivered(self, records: Sequence[Record]) -> None:
        if records:
            mark_delivered([record.event_id for record in records], self._means.clock())
