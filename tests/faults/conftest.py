"""Faults come in two sizes: a few with each `make test`, and many with `make faults` (MUTT_FAULTS=many)."""

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from ops.drills.clock import Clock
from tests.faults.harness import Faults
from tests.faults.machine import Redis
from tests.faults.proxy import Proxy, proxy
from tests.mutt import Mutt, running

MANY = os.environ.get("MUTT_FAULTS") == "many"


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Printed where a test fails, and always by `make faults`; MUTT_FAULTS_SEED repeats a run."""
    chosen = int(os.environ.get("MUTT_FAULTS_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"{request.node.name}: MUTT_FAULTS_SEED={chosen}")
    return chosen


@pytest.fixture
def faults(mutt: Mutt, seed: int) -> Iterator[Faults]:
    """The stack that all tests share, settled before, and whole again afterwards."""
    found = Faults(mutt, seed)
    yield found
    mutt.misbehave("ok")
    found.drained()


@dataclass(frozen=True)
class Cable:
    """A stack whose Redis, and the way to it, are in our hands."""

    mutt: Mutt
    proxy: Proxy
    redis: Redis
    clock: Clock


@pytest.fixture(scope="session")
def cable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cable]:
    """A stack of its own, beside the one that the other tests share."""
    folder = tmp_path_factory.mktemp("cable")
    clock = Clock(folder)
    redis = Redis(folder / "redis", clock)
    try:
        with proxy(redis.port) as between:
            extra = {"MUTT_STALL_S": "10", "MUTT_CANARY_EVERY_S": "0"}
            url = redis.url.replace(f":{redis.port}", f":{between.port}")
            with running(folder, extra, given={"REDIS_URL": url}) as mutt:
                yield Cable(mutt, between, redis, clock)
    finally:
        redis.stop()
