"""What the tests of forwarder share, and what they share with those of ingest."""

from collections.abc import Iterator

import pytest

from forwarder.breaker import breaker_for
from forwarder.draining import drainer_behind
from forwarder.moogsoft import moogsoft_with
from tests.unit.forwarder.moogsoft_double import MoogsoftDouble, serve
from tests.unit.ingest.fixtures import make_key, postgresql_leaves, redis_away

__all__ = ["make_key", "postgresql_leaves", "redis_away"]


@pytest.fixture
def double() -> Iterator[MoogsoftDouble]:
    with serve() as running:
        yield running


@pytest.fixture
def destination(double: MoogsoftDouble, settings) -> Iterator[None]:
    """Make the double the destination of this process."""
    settings.MOOGSOFT_URL = double.url
    for of_this_process in (moogsoft_with, breaker_for, drainer_behind):
        of_this_process.cache_clear()
    yield
    for of_this_process in (moogsoft_with, breaker_for, drainer_behind):
        of_this_process.cache_clear()
