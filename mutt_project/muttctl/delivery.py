"""Batches to the webhook, and the count of what became of them."""

import http.client
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from mutt_project.muttctl.client import Client, JsonObject, OnWait, reason_in
from mutt_project.muttctl.errors import ApiRefusedError, ApiUnreachableError
from mutt_project.muttctl.output import one_line
from mutt_project.muttctl.sources import Record

SHOWN_REASONS = 10
# A body that is refused whole: its halves tell which event is to blame.
_BLAMES_BODY = frozenset({http.client.BAD_REQUEST, http.client.REQUEST_ENTITY_TOO_LARGE})


@dataclass
class Tally:
    """What was sent and answered so far; `answered_to` is the last position with an answer."""

    sent: int = 0
    accepted: int = 0
    rejected: int = 0
    answered_to: int = 0
    reasons: list[tuple[int, str]] = field(default_factory=list)

    def count(self, batch: Sequence[Record], answer: JsonObject) -> None:
        """Add the webhook's 202 for this batch."""
        accepted, rejected, events = (answer.get(key) for key in ("accepted", "rejected", "events"))
        if not isinstance(accepted, int) or not isinstance(rejected, int) or not isinstance(events, list):
            raise ApiUnreachableError("The answer to a batch was not MUTT's. Is MUTT_URL right?")
        self._answered(batch)
        self.accepted += accepted
        self.rejected += rejected
        for record, event in zip(batch, events, strict=False):
            if isinstance(event, dict) and "error" in event:
                self._note(record, reason_in(event["error"]))

    def reject(self, record: Record, reason: str) -> None:
        """Add an event that was refused by itself."""
        self._answered([record])
        self.rejected += 1
        self._note(record, reason)

    def _answered(self, batch: Sequence[Record]) -> None:
        self.sent += len(batch)
        self.answered_to = batch[-1].position

    def _note(self, record: Record, reason: str) -> None:
        if len(self.reasons) < SHOWN_REASONS:
            self.reasons.append((record.position, one_line(reason) or "no reason given"))


def batches(records: Iterator[Record], size: int) -> Iterator[list[Record]]:
    while batch := list(islice(records, size)):
        yield batch


def send_batch(client: Client, batch: Sequence[Record], tally: Tally, on_wait: OnWait) -> None:
    """Send one batch and count it; a body that is refused whole is sent again in halves."""
    try:
        answer = client.post_events(b"\n".join(record.body for record in batch), on_wait)
    except ApiRefusedError as refusal:
        if refusal.status not in _BLAMES_BODY:
            raise
        if len(batch) == 1:
            tally.reject(batch[0], refusal.reason)
            return
        middle = len(batch) // 2
        send_batch(client, batch[:middle], tally, on_wait)
        send_batch(client, batch[middle:], tally, on_wait)
        return
    tally.count(batch, answer)
