"""The delivery of one batch: what is still owed goes out in requests, each attempt is recorded.

Moogsoft is told at least once; the identity of an alert (event id and deduplication key) never changes. Alerts of one
deduplication key are told in the order of their receipt: a batch waits for an earlier one that still owes the same.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby, takewhile
from operator import attrgetter
from uuid import UUID

from audit.alert import Alert
from audit.ids import batch_of
from audit.isolation import condemn_killer
from audit.journal import Burial, Claim, Failing, Notes
from audit.outcomes import DeadStage
from audit.record import mark_delivered, pending_alerts
from forwarder.request import Means, Part, Refused, send
from forwarder.retry import DeliveryError


class Delivery:
    """Delivers one claimed batch."""

    def __init__(self, claim: Claim, means: Means) -> None:
        self.claim = claim
        self._means = means
        self._size = means.size if means.destination.takes_many and not claim.careful else 1
        self.ready: list[Alert] = []
        self._waiting: list[Alert] = []
        self._halved: dict[UUID, int] = {}
        self.ahead: UUID | None = None
        self.failing = claim.failing

    @property
    def owed(self) -> int:
        """How many events are still to be sent."""
        return len(self.ready) + len(self._waiting)

    @property
    def ready_keys(self) -> set[str]:
        """The deduplication keys of what is ready."""
        return {record.deduplication_key for record in self.ready} - {""}

    @property
    def is_plain(self) -> bool:
        """Whether nothing is known that would keep its events from going together with those of others."""
        return not (self.claim.careful or self._halved or self.failing.failures or self.failing.suspicions)

    def run(self) -> None:
        """Send what is owed, but for what has to wait for the batch that is `ahead`.

        What was sent stays sent, whatever is raised: Held where nothing may go out now, Failed where a request failed.
        """
        look_up([self], self._means)
        while self.ready:
            self._send(self._next_request())

    def take(self, pending: Sequence[Alert], notes: Notes) -> None:
        """Take over what is owed: these records, less what is noted to be sent or dead."""
        done = notes.sent | notes.dead
        self.ready = [one for one in pending if one.event_id not in done] if done else list(pending)
        self._halved = dict(notes.halved)

    def wait_for(self, ahead: Mapping[str, UUID]) -> None:
        """Hold back the events whose deduplication key has an earlier one in another batch."""
        self._waiting = [record for record in self.ready if record.deduplication_key in ahead]
        self.ready = [record for record in self.ready if record.deduplication_key not in ahead]
        self.ahead = max(ahead.values(), default=None)

    def sent(self, records: Sequence[Alert]) -> None:
        """Note that the first of those that are ready were sent."""
        self.ready = self.ready[len(records) :]
        self.failing = Failing()

    def is_divided(self, records: Sequence[Alert]) -> bool:
        """Whether a request with one of these events has been divided."""
        return any(record.event_id in self._halved for record in records)

    def divide(self, records: Sequence[Alert], error: DeliveryError) -> None:
        """Make requests with these events smaller; one that stands alone is the guilty one, and dies."""
        identifiers = [record.event_id for record in records]
        if len(records) == 1:
            self.claim.mark_dead({identifiers[0]: Burial(DeadStage.MOOG, error.reason, error.detail)})
            self.ready = [record for record in self.ready if record.event_id != identifiers[0]]
            return
        half = (len(records) + 1) // 2
        self.claim.halve(identifiers, half)
        self._halved.update(dict.fromkeys(identifiers, half))

    def _next_request(self) -> list[Alert]:
        """The next events in order, as many as may go together."""
        most = self._most(self.ready[0])
        if not self._halved:
            return self.ready[:most]
        return list(takewhile(lambda record: self._most(record) == most, self.ready[:most]))

    def _most(self, record: Alert) -> int:
        return min(self._halved.get(record.event_id, self._size), self._size)

    def _send(self, records: Sequence[Alert]) -> None:
        try:
            send([Part(self.claim, records)], self._means, self.failing.balance)
        except Refused as refused:
            self.divide(records, refused.error)
        else:
            self.sent(records)


def look_up(deliveries: Sequence[Delivery], means: Means) -> None:
    """Give each what it owes, and hold back what has to wait. They stand in the order of their receipt."""
    journal = deliveries[0].claim.journal
    for delivery in deliveries:
        condemn_killer(delivery.claim, DeadStage.MOOG)
    batches = [delivery.claim.batch for delivery in deliveries]
    noted = journal.notes_on(batches)
    pending = pending_alerts(batches)
    sent = {event for notes in noted for event in notes.sent}
    if taken := [alert.event_id for alert in pending if sent and alert.event_id in sent]:
        mark_delivered(taken, means.clock())  # before, but the worker died before it could record that
        pending = pending_alerts(batches)
    owed = {batch: list(alerts) for batch, alerts in groupby(pending, attrgetter("batch"))}
    for delivery, notes in zip(deliveries, noted, strict=True):
        delivery.take(owed.get(delivery.claim.batch, []), notes)
    _keep_in_order(deliveries)


def _keep_in_order(deliveries: Sequence[Delivery]) -> None:
    """An event waits for an earlier one of its key, unless that one is about to be sent here."""
    behind = {alert.event_id: batch_of(alert.ahead) for one in deliveries for alert in one.ready if alert.ahead}
    if not behind:
        return
    # One that is not in the journal will not move any more: nobody waits for it.
    still_open = deliveries[0].claim.journal.open_among(set(behind.values()))
    going: dict[UUID, set[str]] = {}
    for delivery in deliveries:
        ahead: dict[str, UUID] = {}
        for alert in delivery.ready:
            earlier = behind.get(alert.event_id)
            if earlier in still_open and alert.deduplication_key not in going.get(earlier, ()):
                ahead[alert.deduplication_key] = earlier
        delivery.wait_for(ahead)
        going[delivery.claim.batch] = delivery.ready_keys
