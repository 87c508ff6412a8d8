"""Keeping what was refused: counted per source and reason, and put into the inbox for a task to store.

The way of a refused event: `keep` → `quarantine_inbox.py` (Redis) → `quarantine_store.py` (PostgreSQL) →
`resending.py`, once the sender or the schema was mended. None of it is promised: what was not accepted may be lost.
"""

import codecs
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from django.conf import settings
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from audit.connections import redis_client
from audit.ids import event_id, new_batch_id
from audit.storable import storable
from ingest.metrics import EVENTS_REJECTED, NOT_KEPT
from ingest.quarantine_inbox import Entry, inbox
from ingest.redaction import redact_secrets
from ingest.tasks import store_quarantine

logger = logging.getLogger(__name__)

MOST_ERRORS = 20
ERROR_LENGTH = 2000
# A secret that begins before the cut ends behind it: so much is looked at beyond what is kept.
_BEYOND = 1024


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused event. `code` is of a bounded set: it is a label of a metric.

    `error` and `errors` are what the sender was told; `body` is the one event, or the whole body where nothing can
    be told apart.
    """

    code: str
    error: str
    errors: tuple[dict[str, str], ...]
    body: bytes


class Patience:
    """Leaves Redis alone for `pause_s` after it did not answer: no request waits for it twice."""

    def __init__(
        self, pause_s: float = 5, say_every_s: float = 60, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._pause_s, self._say_every_s, self._clock = pause_s, say_every_s, clock
        self._until = self._silent_until = float("-inf")

    @property
    def is_over(self) -> bool:
        return self._clock() >= self._until

    def lose(self) -> bool:
        """Begin a pause; returns whether it is time to say so."""
        now = self._clock()
        self._until = now + self._pause_s
        if now < self._silent_until:
            return False
        self._silent_until = now + self._say_every_s
        return True


@cache
def _patience_with(redis: Redis) -> Patience:  # noqa: ARG001 - it is the key
    return Patience()


def keep(
    refusals: Sequence[Refusal], *, source: str, api_key: str, address: str, content_type: str, received_at: datetime
) -> None:
    """Count refused events and put them into the inbox. It never raises; what cannot be kept is counted as lost."""
    if not refusals:
        return
    for code, number in Counter(refusal.code for refusal in refusals).items():
        EVENTS_REJECTED.labels(source, code).inc(number)
    if not _patience_with(redis_client()).is_over:
        NOT_KEPT.labels("redis_away").inc(len(refusals))
        return
    batch = new_batch_id(received_at)
    entries = []
    for place, refusal in enumerate(refusals):
        kept = kept_body(refusal.body, settings.MUTT_QUARANTINE_MAX_BYTES)
        entries.append(
            Entry(
                id=event_id(batch, place),
                received_at=received_at,
                source=source,
                reason=refusal.code,
                error=told(refusal.error),
                errors=told_errors(refusal.errors),
                body=kept.content,
                size=len(refusal.body),
                truncated=kept.truncated,
                redacted=kept.redacted,
                content_type=storable(content_type),
                api_key=storable(api_key),
                address=storable(address),
            )
        )
    _put(entries)


@dataclass(frozen=True, slots=True)
class KeptBody:
    """What is kept of a body."""

    content: bytes
    truncated: bool
    redacted: bool


def kept_body(body: bytes, most: int) -> KeptBody:
    """At most `most` bytes of a body, without its secrets; apart from these it stays as it is, byte by byte."""
    piece = body[: most + _BEYOND]
    is_whole = len(piece) == len(body)
    try:
        text, codec = codecs.getincrementaldecoder("utf-8")().decode(piece, final=is_whole), "utf-8"
    except UnicodeDecodeError:
        text, codec = piece.decode("latin-1"), "latin-1"  # any byte is a character in it, and comes back the same
    clean = redact_secrets(text)
    content = clean.encode(codec, "replace")
    if len(content) > most:
        is_whole = False
        content = content[:most].decode(codec, "ignore").encode(codec)
    return KeptBody(content, truncated=not is_whole, redacted=clean != text)


def told(text: str) -> str:
    """What a sender was told, as it is kept: it may show a value of the event, hence a secret."""
    return redact_secrets(storable(text))[:ERROR_LENGTH]


def told_errors(errors: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """The first of the single errors, as they are kept."""
    return [{name: told(text) for name, text in error.items()} for error in errors[:MOST_ERRORS]]


def _put(entries: list[Entry]) -> None:
    try:
        made_room, kick = inbox().put(entries)
    except RedisError as error:
        NOT_KEPT.labels("redis_away").inc(len(entries))
        if _patience_with(redis_client()).lose():
            logger.warning("%s refused events not kept: %s", len(entries), type(error).__name__)
        return
    NOT_KEPT.labels("inbox_full").inc(made_room)
    if kick:
        _kick()


def _kick() -> None:
    """Have the inbox emptied now. If that fails, beat does so a little later."""
    try:
        store_quarantine.apply_async(retry=False)
    except (OperationalError, RedisError) as error:
        logger.info("the quarantine's inbox is left to beat: %s", type(error).__name__)
