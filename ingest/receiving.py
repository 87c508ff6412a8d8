"""What happens to a body behind the door: read, validated, journalled, sent on its way; the refused are kept aside."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import orjson
from django.conf import settings
from django.utils import timezone
from redis.exceptions import RedisError

from audit.entry import Entry
from audit.following import correlation_fields
from audit.ids import MAX_EVENTS_PER_BATCH, new_batch_id, texts_of_ids
from audit.journal import Answer, journal
from audit.tuning.present import tuned
from ingest import quarantine
from ingest.committing import Group
from ingest.departing import departures
from ingest.metrics import EVENTS_RECEIVED
from ingest.quarantine import Refusal
from ingest.reading import SOURCES, read_events
from ingest.sources.source import Context, Item, Unusable
from ingest.validation import EventError, faults_of

logger = logging.getLogger(__name__)

Result = dict[str, Any]
PLAIN = "native"
GATHER_S = 0.002  # under load alone: what a group costs is shared by more of them


@dataclass(frozen=True, slots=True)
class Sender:
    """The name of the API key that events came with, the address that they came from, and what leads to the request."""

    api_key: str
    address: str
    correlation_id: str = ""
    traceparent: str = ""

    @property
    def kept(self) -> dict[str, Any]:
        """What the journal keeps of it."""
        return {
            "api_key": self.api_key,
            "address": self.address,
            "correlation_id": self.correlation_id,
            "traceparent": self.traceparent,
        }

    def differing(self, first: "Sender") -> dict[str, str]:
        """What an entry must say of its sender, where the batch tells of the first one."""
        if self == first:
            return {}
        return {name: value for name, value in self.kept.items() if value != getattr(first, name)}


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """What tells a repeated request from a new one: a hash of the sender's word for it, and one of its body."""

    digest: str
    body: str
    kept_s: int

    @classmethod
    def of(cls, owner: str, text: str, body: bytes, kept_s: int) -> "IdempotencyKey":
        key = f"{owner}\n{text}".encode("utf-8", "surrogateescape")
        return cls(hashlib.sha256(key).hexdigest(), hashlib.sha256(body).hexdigest(), kept_s)


class KeyReused(Exception):  # noqa: N818 - it carries an answer, not a fault of ours
    """A request with this idempotency key came before, with another body."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is answered: for each event of the request, in its order, its id or why it was refused."""

    batch: UUID | None
    results: list[Result]
    lone: bool
    again: bool = False  # it is the answer of an earlier request

    @property
    def accepted(self) -> int:
        return sum("id" in result for result in self.results)

    @property
    def rejected(self) -> int:
        return len(self.results) - self.accepted


@dataclass(slots=True)
class _Single:
    """One event that is journalled together with those of other requests."""

    event: dict[str, Any]
    sender: Sender
    batch: UUID | None = None
    identifier: str = ""


def receive(
    raw: bytes,
    source: str | None,
    sender: Sender,
    *,
    content_type: str = "",
    key: IdempotencyKey | None = None,
    keep_refused: bool = True,
) -> Receipt:
    """Take the events of a body. When this returns, those with an id are durable and on their way.

    The refused are counted and kept in quarantine, unless that is where they come from.

    Without a source each event is read by what it looks like. A request whose `key` was answered before gets that
    answer again, and nothing is taken. Raises BodyError, TooManyError, KeyReused, RedisError.
    """
    now = timezone.now()
    context = Context(now, settings.MUTT_ASSUMED_TIME_ZONE, sender.address)
    most = min(tuned.MUTT_MAX_EVENTS, MAX_EVENTS_PER_BATCH)
    read = read_events(raw, content_type, SOURCES[source] if source else None, context, most)
    judged = [_judged(item, source, raw if read.lone else None) for item in read.items]
    events = [found for found in judged if not isinstance(found, Refusal)]
    if key and (events or not read.lone):  # a lone bad event may be mended and sent with the same key
        receipt, again = _open_once(judged, events, sender, key, now)
        if again:
            return Receipt(receipt.batch, receipt.results, read.lone, again=True)
    elif read.lone and events:
        receipt = _open_together(events[0], sender)
    else:
        receipt = _open(judged, events, sender, now)
    refusals = [found for found in judged if isinstance(found, Refusal)] if keep_refused else []
    _count(source or PLAIN, len(events), len(refusals))
    if refusals:
        quarantine.keep(
            refusals,
            source=source or PLAIN,
            api_key=sender.api_key,
            address=sender.address,
            content_type=content_type,
            received_at=now,
        )
    return Receipt(receipt.batch, receipt.results, read.lone)


def refuse_body(raw: bytes, why: str, source: str | None, sender: Sender, content_type: str) -> None:
    """Count and keep a body in which no event can be told from another."""
    _count(source or PLAIN, 0, 1)
    refusal = _refusal([EventError("", why, "body_unreadable")], raw)
    quarantine.keep(
        [refusal],
        source=source or PLAIN,
        api_key=sender.api_key,
        address=sender.address,
        content_type=content_type,
        received_at=timezone.now(),
    )


def _judged(item: Item, source: str | None, whole: bytes | None) -> dict[str, Any] | Refusal:
    """The event as an entry of the journal that has no id yet; or why it is none."""
    if isinstance(item, Unusable):
        fault = EventError(item.pointer, item.why, item.code)
        return _refusal([fault], item.original if whole is None else whole)
    faults = faults_of(item.event)
    if faults:
        return _refusal(faults, item.original if whole is None else whole)
    entry: dict[str, Any] = {"event": item.original}
    if item.event is not item.original:
        entry["adapted"] = item.event
    if item.notes:
        entry["notes"] = list(item.notes)
    if source:
        entry["source"] = source
    return entry


def _refusal(faults: Sequence[EventError], original: Any) -> Refusal:
    return Refusal(
        code=faults[0].code,
        error=" ".join(str(fault) for fault in faults),
        errors=tuple(fault.as_json() for fault in faults),
        body=original if isinstance(original, bytes) else orjson.dumps(original),
    )


def _result(refusal: Refusal) -> Result:
    return {"reason": refusal.code, "error": refusal.error, "errors": list(refusal.errors)}


def _open(judged: Sequence[Any], events: Sequence[dict[str, Any]], sender: Sender, now: datetime) -> Receipt:
    batch = new_batch_id(now)
    identifiers = texts_of_ids(batch, len(events))
    if events:
        journal().open(batch, _entries(identifiers, events), **sender.kept)
        _send_on(batch, len(events), [sender])
    return Receipt(batch, _results(identifiers, len(judged), _refused(judged)), lone=False)


def _open_once(
    judged: Sequence[Any], events: Sequence[dict[str, Any]], sender: Sender, key: IdempotencyKey, now: datetime
) -> tuple[Receipt, bool]:
    """The receipt, and whether it is that of an earlier request with this key."""
    batch = new_batch_id(now)
    identifiers = texts_of_ids(batch, len(events))
    content = _remembered(batch, judged, key)
    answer = Answer(key.digest, content, key.kept_s)
    if events:
        entries = _entries(identifiers, events)
        given = journal().open(batch, entries, **sender.kept, answer=answer)
    else:
        given = journal().answered(answer)
    if given is not None and given != content:
        return _recalled(given, key), True
    if events:
        _send_on(batch, len(events), [sender])
    return Receipt(batch, _results(identifiers, len(judged), _refused(judged)), lone=False), False


def _entries(identifiers: Sequence[str], events: Sequence[dict[str, Any]]) -> list[Entry]:
    return [cast("Entry", {"id": one, **event}) for one, event in zip(identifiers, events, strict=True)]


def _refused(judged: Sequence[dict[str, Any] | Refusal]) -> dict[int, Result]:
    """The refused by their place in the request."""
    return {number: _result(found) for number, found in enumerate(judged) if isinstance(found, Refusal)}


def _results(identifiers: Sequence[str], size: int, refused: dict[int, Result]) -> list[Result]:
    """The refused as they are, the others with the ids of a batch in their order."""
    rest = iter(identifiers)
    return [refused[number] if number in refused else {"id": next(rest)} for number in range(size)]


def _remembered(batch: UUID, judged: Sequence[dict[str, Any] | Refusal], key: IdempotencyKey) -> bytes:
    """A receipt in brief: ids follow from the batch."""
    refused = {str(number): result for number, result in _refused(judged).items()}
    return orjson.dumps({"body": key.body, "batch": str(batch), "size": len(judged), "refused": refused})


def _recalled(content: bytes, key: IdempotencyKey) -> Receipt:
    given = orjson.loads(content)
    if given["body"] != key.body:
        raise KeyReused
    batch = UUID(given["batch"])
    refused = {int(number): result for number, result in given["refused"].items()}
    identifiers = texts_of_ids(batch, given["size"] - len(refused))
    return Receipt(batch, _results(identifiers, given["size"], refused), lone=False)


def _open_together(event: dict[str, Any], sender: Sender) -> Receipt:
    single = _Single(event, sender)
    _group.add(single)
    return Receipt(single.batch, [{"id": single.identifier}], lone=True)


def _commit(singles: Sequence[_Single]) -> Callable[[], None]:
    """One batch for the single events of several requests; it bears the first one's sender, the others their own."""
    batch = new_batch_id(timezone.now())
    first = singles[0].sender
    identifiers = texts_of_ids(batch, len(singles))
    for single, identifier in zip(singles, identifiers, strict=True):
        single.batch, single.identifier = batch, identifier
    events = [{**single.event, **single.sender.differing(first)} for single in singles]
    journal().open(batch, _entries(identifiers, events), **first.kept)
    return lambda: _send_on(batch, len(singles), [single.sender for single in singles])


def _send_on(batch: UUID, events: int, senders: Sequence[Sender]) -> None:
    """Let a batch go its way, and tell of it in one line, however many requests it is of."""
    requests = correlation_fields(sender.correlation_id for sender in senders)
    logger.info("batch accepted", extra={"batch_id": batch, "events": events, **requests})
    departures.leave(batch, events)


_group: Group[_Single] = Group(_commit, gather_s=GATHER_S)


# A counter that begins with its first event hides that one from `increase()`.
_ACCEPTED = {source: EVENTS_RECEIVED.labels(source, "accepted") for source in SOURCES}
_REJECTED = {source: EVENTS_RECEIVED.labels(source, "rejected") for source in SOURCES}


def _count(source: str, accepted: int, rejected: int) -> None:
    if accepted:
        _ACCEPTED[source].inc(accepted)
    if rejected:
        _REJECTED[source].inc(rejected)
        try:
            journal().count_rejected(rejected)
        except RedisError as error:
            logger.warning("%s rejected events not counted: %s", rejected, type(error).__name__)
