"""The inbox of the quarantine: a bounded list in Redis, which takes refused events while PostgreSQL is not asked."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from redis import Redis
from redis.exceptions import LockError

from audit.connections import redis_client

INBOX = "mutt:quarantine"
KICK = f"{INBOX}:kick"
LOCK = f"{INBOX}:lock"
STORED = f"{INBOX}:stored"
PURGED = f"{INBOX}:purged"

KICK_MS = 500
LOCK_S = 60


@dataclass(frozen=True, slots=True)
class Entry:
    """One refused event as it lies in the inbox; the fields are those of `Quarantined`."""

    id: UUID
    received_at: datetime
    source: str
    reason: str
    error: str
    errors: list[dict[str, str]]
    body: bytes
    size: int
    truncated: bool
    redacted: bool
    content_type: str
    api_key: str
    address: str

    def as_bytes(self) -> bytes:
        """JSON in one line, and the body, which need not be text, behind it."""
        head = {name: getattr(self, name) for name in _HEAD}
        return orjson.dumps(head) + b"\n" + self.body

    @classmethod
    def read(cls, raw: bytes) -> "Entry":
        """Raises ValueError, KeyError or TypeError for what is none of ours."""
        head, _, body = raw.partition(b"\n")
        found = orjson.loads(head)
        times = {"id": UUID(str(found["id"])), "received_at": datetime.fromisoformat(found["received_at"])}
        return cls(**{**found, **times, "body": body})


_HEAD = [field.name for field in fields(Entry) if field.name != "body"]


class Inbox:
    """At most `most` entries: the oldest make room. Every method raises RedisError while Redis is away."""

    def __init__(self, redis: Redis, *, most: int) -> None:
        self._redis: Any = redis  # its types allow for both str and bytes; ours are bytes
        self._most = most

    def put(self, entries: Sequence[Entry]) -> tuple[int, bool]:
        """Add entries; returns how many old ones made room, and whether the task is to be kicked now."""
        if self._most < 1:
            return len(entries), False
        left_out = max(len(entries) - self._most, 0)
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.rpush(INBOX, *(entry.as_bytes() for entry in entries[left_out:]))
            pipe.ltrim(INBOX, -self._most, -1)
            pipe.set(KICK, 1, nx=True, px=KICK_MS)
            length, _, kick = pipe.execute()
        return left_out + max(length - self._most, 0), bool(kick)

    def head(self, most: int) -> list[bytes]:
        """The oldest entries, which stay where they are."""
        return list(self._redis.lrange(INBOX, 0, most - 1))

    def remove(self, entries: Iterable[bytes]) -> None:
        """Take out exactly these; those that are gone already do not matter."""
        with self._redis.pipeline(transaction=False) as pipe:
            for raw in entries:
                pipe.lrem(INBOX, 1, raw)
            pipe.execute()

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Whether nobody else empties the inbox just now. Two who do so do no harm: they only work twice."""
        lock = self._redis.lock(LOCK, timeout=LOCK_S)
        if not lock.acquire(blocking=False):
            yield False
            return
        try:
            yield True
        finally:
            with suppress(LockError):  # it took longer than LOCK_S
                lock.release()

    def purge_is_due(self, stored: int, *, every_s: int, every_rows: int) -> bool:
        """Whether to purge, after `stored` rows more: every so often, and sooner where many came."""
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.incrby(STORED, stored)
            pipe.set(PURGED, 1, nx=True, ex=every_s)
            rows, is_time = pipe.execute()
        if not is_time and rows < every_rows:
            return False
        self._redis.delete(STORED)
        return True


def inbox() -> Inbox:
    """The inbox, by the settings."""
    return Inbox(redis_client(), most=settings.MUTT_QUARANTINE_INBOX)
