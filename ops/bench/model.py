"""How many events a second there can be: what each kind of process spends on an event, and how many of them there are.

A process of ours runs on one core at most (Python's lock), and so does Redis; PostgreSQL has a process for each of its
clients. All together have the cores of the machine, which sender and sink share where they are on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

CORES = "the cores"
_ON_ONE_CORE = ("web", "worker-pipeline", "worker-forward", "redis")


@dataclass(frozen=True, slots=True)
class Predicted:
    """Events a second, and what keeps them from being more."""

    per_s: float
    limit: str


def predict(cpu_us: Mapping[str, float], processes: Mapping[str, int], cores: int) -> Predicted:
    """The throughput with so many processes of each kind (one, where none is named) on one machine."""
    limits = {CORES: cores * 1e6 / sum(cpu_us.values())}
    for kind in _ON_ONE_CORE:
        if cpu_us.get(kind):
            limits[kind] = processes.get(kind, 1) * 1e6 / cpu_us[kind]
    limit = min(limits, key=lambda name: limits[name])
    return Predicted(limits[limit], limit)


def per_core(cpu_us: Mapping[str, float]) -> dict[str, float]:
    """Events a second for each core of each kind of process: what a machine of its own would be good for."""
    return {kind: 1e6 / spent for kind, spent in cpu_us.items() if spent > 0}
