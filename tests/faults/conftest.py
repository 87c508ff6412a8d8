"""Faults come in two sizes: a few with each `make test`, and many with `make faults` (MUTT_FAULTS=many)."""

import os
import random
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from audit.connections import redis_client
from ops.local import samples
from ops.local.stack import Stack
from tests.faults.harness import Faults
from tests.faults.proxy import Proxy, proxy
from tests.mutt import Mutt

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


@pytest.fixture(scope="module")
def cable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Mutt, Proxy]]:
    """A stack of its own whose way to Redis is a proxy of the tests."""
    redis_client().flushall()
    address = urlsplit(os.environ["REDIS_URL"])
    with proxy(address.port or 6379) as between:
        url = address._replace(netloc=address.netloc.replace(f":{address.port}", f":{between.port}")).geturl()
        extra = {
            "MUTT_GRACE_S": "4",
            "MUTT_LEASE_S": "6",
            "MOOGSOFT_CONNECT_TIMEOUT_S": "1",
            "MOOGSOFT_READ_TIMEOUT_S": "2",
        }
        stack = Stack(tmp_path_factory.mktemp("cable") / "var", given={"REDIS_URL": url}, extra=extra)
        stack.start()
        try:
            samples.load_rules(stack.web, stack.secrets["api_key"])
            yield Mutt(stack), between
        finally:
            stack.stop()
    redis_client().flushall()
