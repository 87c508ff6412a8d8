"""Which workers live, and whether beat does: each says so every few seconds, in Redis, by Redis' clock."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any

import orjson
from redis import Redis

from audit.connections import redis_client

WORKERS = "mutt:workers"
BEAT = "mutt:beat"
SAYS_SO_EVERY_S = 3
ALIVE_FOR = timedelta(seconds=12)
KEPT_FOR = timedelta(hours=1)  # so that one that is gone can be named


@dataclass(frozen=True, slots=True)
class Worker:
    """A Celery worker as it last told. `tasks` are those that it began since `started_at`."""

    name: str
    queues: tuple[str, ...]
    started_at: datetime
    seen_at: datetime
    tasks: int
    alive: bool
    stopped: bool  # it was told to stop, and said good-bye

    @property
    def state(self) -> str:
        """In a word: alive, gone or stopped."""
        return "alive" if self.alive else "stopped" if self.stopped else "gone"


def say_alive(name: str, queues: Iterable[str], started_at: datetime, tasks: int, *, stopped: bool = False) -> None:
    """Tell that this worker lives, or that it stops; who has been gone for long is forgotten. Raises RedisError."""
    redis: Any = redis_client()
    now = _now(redis)
    said = {"queues": list(queues), "started_at": started_at, "seen_at": now, "tasks": tasks, "stopped": stopped}
    redis.hset(WORKERS, name, orjson.dumps(said))
    if long_gone := [worker.name for worker in _read(redis, now) if abs(now - worker.seen_at) > KEPT_FOR]:
        redis.hdel(WORKERS, *long_gone)


def workers() -> list[Worker]:
    """All that were there within the last hour, by their names. Raises RedisError."""
    redis = redis_client()
    return _read(redis, _now(redis))


def beat_ticks() -> None:
    """Tell that beat has just sent a task that was due. Raises RedisError."""
    redis: Any = redis_client()
    redis.set(BEAT, _now(redis).timestamp())


def beat_seen_at() -> datetime | None:
    """When beat sent a task last; None if it never did. Raises RedisError."""
    told: Any = redis_client().get(BEAT)
    return datetime.fromtimestamp(float(told), UTC) if told else None


def _read(redis: Redis, now: datetime) -> list[Worker]:
    told: Any = redis.hgetall(WORKERS)
    return sorted(
        (_worker(name.decode(), orjson.loads(said), now) for name, said in told.items()), key=attrgetter("name")
    )


def _worker(name: str, said: dict[str, Any], now: datetime) -> Worker:
    seen_at = datetime.fromisoformat(said["seen_at"])
    return Worker(
        name=name,
        queues=tuple(said["queues"]),
        started_at=datetime.fromisoformat(said["started_at"]),
        seen_at=seen_at,
        tasks=said["tasks"],
        alive=not said["stopped"] and abs(now - seen_at) <= ALIVE_FOR,  # a clock may have been put back
        stopped=said["stopped"],
    )


def _now(redis: Redis) -> datetime:
    now: Any = redis.time()
    seconds, microseconds = now
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=microseconds)
