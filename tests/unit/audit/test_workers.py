"""Workers and beat tell that they live; who does not tell any more can still be named for a while."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from audit.connections import redis_client
from audit.workers import (
    ALIVE_FOR,
    KEPT_FOR,
    WORKERS,
    Worker,
    beat_seen_at,
    beat_ticks,
    say_alive,
    workers,
)

pytestmark = pytest.mark.usefixtures("redis_server")

STARTED = datetime(2026, 11, 1, tzinfo=UTC)


def names(found: Any) -> list[str]:
    return [worker.name for worker in found]


def workers_alive() -> list[Worker]:
    return [worker for worker in workers() if worker.alive]


def workers_gone() -> list[Worker]:
    return [worker for worker in workers() if worker.state == "gone"]


def silent_for(name: str, time: timedelta) -> None:
    """As if the worker had told of itself that long ago."""
    redis: Any = redis_client()
    said = orjson.loads(redis.hget(WORKERS, name))
    said["seen_at"] = datetime.fromisoformat(said["seen_at"]) - time
    redis.hset(WORKERS, name, orjson.dumps(said))


def test_a_worker_is_alive_as_it_tells():
    say_alive("b@host", ["forward", "dlq"], STARTED, 3)
    say_alive("a@host", ["pipeline"], STARTED, 0)
    say_alive("b@host", ["forward", "dlq"], STARTED, 5)
    first, second = workers()
    assert (first.name, second.name) == ("a@host", "b@host")
    assert (second.queues, second.started_at, second.tasks) == (("forward", "dlq"), STARTED, 5)
    assert workers_alive() == [first, second]
    assert (first.state, second.state) == ("alive", "alive")
    assert workers_gone() == []
    assert abs(datetime.now(UTC) - second.seen_at) < timedelta(minutes=1)


@pytest.mark.parametrize("put_back", [1, -1], ids=["silent", "a clock that was put back"])
def test_one_that_falls_silent_is_gone_and_can_be_named(put_back):
    say_alive("a@host", ["pipeline"], STARTED, 0)
    silent_for("a@host", put_back * (ALIVE_FOR + timedelta(seconds=1)))
    assert workers_alive() == []
    assert [(worker.name, worker.state) for worker in workers_gone()] == [("a@host", "gone")]


def test_one_that_said_good_bye_is_neither_alive_nor_gone():
    say_alive("a@host", ["pipeline"], STARTED, 0, stopped=True)
    assert (workers_alive(), workers_gone()) == ([], [])
    (told,) = workers()
    assert told.state == "stopped"


def test_one_that_has_been_gone_for_long_is_forgotten_when_another_tells():
    say_alive("a@host", ["pipeline"], STARTED, 0)
    silent_for("a@host", KEPT_FOR + timedelta(seconds=1))
    say_alive("b@host", ["pipeline"], STARTED, 0)
    assert names(workers()) == ["b@host"]


def test_beat_is_seen_when_it_sends_what_is_due():
    assert beat_seen_at() is None
    beat_ticks()
    seen = beat_seen_at()
    assert seen is not None
    assert abs(datetime.now(UTC) - seen) < timedelta(minutes=1)
