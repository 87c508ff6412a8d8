"""Measures the reference: how many events a second a bare Celery app takes through a chain of three empty tasks."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import redis

from ops.bench.processes import cpu_s, family, pss_mib
from ops.bench.reference_app import QUEUE
from ops.local.supervisor import end_with_parent

PROCESSES = 2
_TASKS = 3
_WARM_UP = 20  # events
_DATABASE = "/1"  # MUTT's is 0
_QUIET = 5  # looks in a row that find nothing: between two of Redis' commands a message is nowhere
_LOOK_EVERY_S = 0.01
_PATIENCE_S = 600


@dataclass(frozen=True, slots=True)
class Reference:
    """`seconds` from the first publish to the last end; CPU is of publisher, worker and Redis."""

    events: int
    seconds: float
    cpu_us: float
    memory_mib: float

    @property
    def per_second(self) -> float:
        return self.events / self.seconds


def measure(redis_url: str, redis_pid: int, events: int) -> Reference:
    """Run it on this Redis, in a database of its own."""
    url = urlsplit(redis_url)._replace(path=_DATABASE).geturl()
    environment = {**os.environ, "BENCH_BROKER_URL": url}
    with redis.Redis.from_url(url) as server, _worker(environment) as pid:
        _publish(environment, _WARM_UP)
        _until_empty(server)
        before = sum(map(cpu_s, [*family(pid), redis_pid]))
        begin, publishing_s = _publish(environment, events)
        seconds = _until_empty(server) - begin
        used = sum(map(cpu_s, [*family(pid), redis_pid])) - before + publishing_s
        memory = sum(map(pss_mib, family(pid)))
        if (run := int(_app(environment, "ended"))) != (wanted := _TASKS * (_WARM_UP + events)):
            raise RuntimeError(f"the reference ran {run} tasks in place of {wanted}: it is no reference")
        server.flushdb()
    return Reference(events, seconds, used / events * 1e6, memory)


@contextmanager
def _worker(environment: dict[str, str]) -> Iterator[int]:
    """A worker; yields its pid."""
    command = ["worker", "--pool=prefork", f"--concurrency={PROCESSES}", "--loglevel=error", "--without-mingle"]
    worker = subprocess.Popen(  # nosec B603 # no input of a user is in it
        [sys.executable, "-m", "celery", "--quiet", "-A", "ops.bench.reference_app", *command],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=end_with_parent,  # noqa: PLW1509 - no threads
    )
    try:
        yield worker.pid
    finally:
        worker.terminate()
        worker.wait()


def _publish(environment: dict[str, str], events: int) -> tuple[float, float]:
    """When it began, as Unix time, and the seconds of CPU that it took."""
    begin, spent = map(float, _app(environment, str(events)).split())
    return begin, spent


def _app(environment: dict[str, str], argument: str) -> str:
    command = [sys.executable, "-m", "ops.bench.reference_app", argument]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout  # nosec B603 # no input of a user is in it


def _until_empty(server: "redis.Redis") -> float:
    """When the queue was found empty, with nothing out to the worker (a message is acknowledged after its task)."""
    quiet, found = 0, time.time()
    deadline = found + _PATIENCE_S
    while quiet < _QUIET:
        if time.time() > deadline:
            raise RuntimeError(f"the reference has not come to an end within {_PATIENCE_S} s")
        if server.llen(QUEUE) or server.hlen("unacked"):
            quiet = 0
        elif quiet == 0:
            quiet, found = 1, time.time()
        else:
            quiet += 1
        time.sleep(_LOOK_EVERY_S)
    return found
