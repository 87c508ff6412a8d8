"""The delivery of one batch: what is still owed goes out in requests, each attempt is recorded.

Moogsoft is told at least once; the identity of an alert (event id and deduplication key) never changes.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from time import perf_counter
from typing import Protocol

from audit.journal import Claim
from audit.models import Attempt, Record
from audit.record import add_attempt, batched, mark_delivered, pending_records
from forwarder.moogsoft import Answer
from forwarder.retry import DeliveryError, Reason


class Destination(Protocol):
    """Where alerts go; `forwarder.moogsoft.Moogsoft` is the real one."""

    @property
    def takes_many(self) -> bool: ...

    def post(self, alerts: Sequence[Record], unmatched_threshold: int) -> Answer: ...


class Delivery:
    """Delivers one claimed batch. `clock` tells the time (aware); `size` is the most events of a request."""

    def __init__(
        self,
        claim: Claim,
        destination: Destination,
        *,
        clock: Callable[[], datetime],
        size: int,
        unmatched_threshold: int,
    ) -> None:
        self._claim = claim
        self._destination = destination
        self._clock = clock
        self._size = size if destination.takes_many else 1
        self._threshold = unmatched_threshold
        self._died = False

    def run(self) -> bool:
        """Send what is owed. Returns whether any event is to become a dead letter.

        Raises DeliveryError where the rest should be tried again later; what was sent stays sent.
        """
        journal, batch = self._claim.journal, self._claim.batch
        records = pending_records(batch)
        sent, dead = journal.sent(batch), journal.dead(batch)
        self._died = bool(dead)
        # Sent before, but the worker died before it could record that.
        self._record_delivered([record for record in records if record.event_id in sent])
        owed = [record for record in records if record.event_id not in sent and record.event_id not in dead]
        for request in batched(owed, self._size):
            self._send(request)
        return self._died

    def _send(self, records: Sequence[Record]) -> None:
        """One request; where Moogsoft refuses it, halves are sent until the guilty event stands alone."""
        self._claim.renew()
        attempt = self._attempt(records)
        before = perf_counter()
        try:
            answer = self._destination.post(records, self._threshold)
        except DeliveryError as error:
            attempt.duration_ms = (perf_counter() - before) * 1000
            attempt.status, attempt.reason, attempt.excerpt = error.status, error.reason, error.detail
            add_attempt(attempt)
            if error.reason is not Reason.REFUSED:
                raise
            self._divide(records, error)
            return
        attempt.duration_ms = (perf_counter() - before) * 1000
        attempt.status, attempt.excerpt = answer.status, answer.excerpt
        self._claim.journal.mark_sent(self._claim.batch, [record.event_id for record in records])
        add_attempt(attempt)
        self._record_delivered(records)

    def _divide(self, records: Sequence[Record], error: DeliveryError) -> None:
        if len(records) == 1:
            why = (error.reason.value, error.detail)
            self._claim.journal.mark_dead(self._claim.batch, {records[0].event_id: why})
            self._died = True
            return
        middle = len(records) // 2
        self._send(records[:middle])
        self._send(records[middle:])

    def _record_delivered(self, records: Sequence[Record]) -> None:
        if records:
            mark_delivered([record.event_id for record in records], self._clock())

    def _attempt(self, records: Sequence[Record]) -> Attempt:
        return Attempt(
            batch_id=self._claim.batch,
            event_ids=[record.event_id for record in records],
            number=self._claim.failures + 1,
            started_at=self._clock(),
        )
