"""The model takes the least of what the parts can do."""

import pytest

from ops.bench.model import CORES, per_core, predict

CPU_US = {"web": 100.0, "worker-pipeline": 400.0, "worker-forward": 50.0, "postgresql": 300.0, "redis": 50.0}


def test_one_machine_is_limited_by_its_cores():
    predicted = predict(CPU_US, {"web": 2, "worker-pipeline": 2}, cores=2)
    assert (round(predicted.per_s), predicted.limit) == (2222, CORES)


@pytest.mark.parametrize(
    ("processes", "per_s", "limit"),
    [
        ({"web": 2, "worker-pipeline": 2}, 5_000, "worker-pipeline"),
        ({"web": 1, "worker-pipeline": 10}, 10_000, "web"),
        ({"web": 9, "worker-pipeline": 90}, 20_000, "worker-forward"),
        ({"web": 9, "worker-pipeline": 90, "worker-forward": 2}, 20_000, "redis"),
    ],
)
def test_with_cores_enough_the_fewest_processes_are_the_limit(processes: dict[str, int], per_s: int, limit: str):
    predicted = predict(CPU_US, processes, cores=1000)
    assert (round(predicted.per_s), predicted.limit) == (per_s, limit)


def test_what_spends_nothing_limits_nothing():
    assert per_core({"web": 100.0, "beat": 0.0}) == {"web": 10_000}
