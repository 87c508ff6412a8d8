"""By how much metrics of this process grow."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import REGISTRY


def sample(name: str, **labels: str) -> float:
    """A sample's value; 0 where there is none yet."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


class Growth:
    """What a sample has grown by, once it is looked at."""

    def __init__(self) -> None:
        self.by = 0.0


@contextmanager
def growth(name: str, **labels: str) -> Iterator[Growth]:
    """By how much a sample grows in the body."""
    before, growth = sample(name, **labels), Growth()
    yield growth
    growth.by = sample(name, **labels) - before
