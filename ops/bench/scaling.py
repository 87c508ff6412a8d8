"""The part `scaling`: what each kind of process is good for, and whether a model of that says what is measured."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from ops.bench.measuring import OURS, STORES, kinds
from ops.bench.mix import Profile
from ops.bench.model import per_core, predict
from ops.bench.processes import connections_of, pss_mib
from ops.bench.running import Bench, Result
from ops.bench.tables import table_of

BATCHES = (1, 20, 100)
VARIATIONS = ((2, 2), (1, 2), (2, 1), (1, 1))  # the first is what `make run` has, and what the model takes costs from
_WEB, _PIPELINE = "web", "worker-pipeline"
_CHANGED_S = 3  # until a process that was told to end has ended, and another one has begun


@dataclass(frozen=True, slots=True)
class Varied:
    """A run with so many processes of a kind."""

    web: int
    pipeline: int
    result: Result

    @property
    def processes(self) -> dict[str, int]:
        return {_WEB: self.web, _PIPELINE: self.pipeline}


@dataclass(frozen=True, slots=True)
class Scaling:
    """All runs, and each process's memory (PSS, MiB) and connections to PostgreSQL and Redis after them."""

    runs: Sequence[Varied]
    processes: Mapping[str, tuple[float, int, int]]

    def tables(self) -> list[Table]:
        return [
            _of_costs(self.runs),
            _of_capacity(self.runs),
            _of_model(self.runs, os.cpu_count() or 1),
            _of_processes(self.processes),
        ]

    def as_json(self) -> list[dict[str, Any]]:
        return [
            {
                "web": run.web,
                "pipeline": run.pipeline,
                "batch": run.result.corpus.batch,
                "accepted_per_s": run.result.accepted_per_s,
                "settled_per_s": run.result.settled_per_s,
                "cpu_us": run.result.cost.cpu_us,
            }
            for run in self.runs
        ]


def measure(bench: Bench, events: int) -> Scaling:
    """Vary the processes, so many events a run (a tenth where they come singly). Raises Unaccounted."""
    runs = list(_runs(bench, events))
    ports = bench.stack.ports
    processes = {
        kind: (
            sum(map(pss_mib, pids)),
            sum(connections_of(pid, ports.postgresql) for pid in pids),
            sum(connections_of(pid, ports.redis) for pid in pids),
        )
        for kind, pids in kinds(bench.stack.supervisor.pids()).items()
    }
    return Scaling(runs, processes)


def _runs(bench: Bench, events: int) -> Iterator[Varied]:
    for web, pipeline in VARIATIONS:
        with _fewer(web < 2, lambda: _one_web(bench)), _fewer(pipeline < 2, lambda: _one_pipeline(bench)):  # noqa: PLR2004 - as many as there are
            for batch in BATCHES:
                yield Varied(web, pipeline, _run(bench, events // 10 if batch == 1 else events, batch))


def _run(bench: Bench, events: int, batch: int) -> Result:
    return bench.run(bench.write(Profile.MIX, events, batch))


@contextmanager
def _fewer(wanted: bool, change: Callable[[], Callable[[], object]]) -> Iterator[None]:  # noqa: FBT001 - it reads well above
    """With fewer processes of a kind, if that is wanted; then as many as before."""
    undo = change() if wanted else None
    if undo:
        time.sleep(_CHANGED_S)
    try:
        yield
    finally:
        if undo:
            undo()
            time.sleep(_CHANGED_S)


def _one_web(bench: Bench) -> Callable[[], object]:
    """Gunicorn takes one process away at SIGTTOU, and adds one at SIGTTIN."""
    pid = bench.pids()[_WEB]
    os.kill(pid, signal.SIGTTOU)
    return lambda: os.kill(pid, signal.SIGTTIN)


def _one_pipeline(bench: Bench) -> Callable[[], object]:
    last = max(name for name in bench.pids() if name.startswith(_PIPELINE))
    bench.stack.supervisor.call("stopProcess", last)
    return lambda: bench.stack.supervisor.start(last)


def _of_costs(runs: Sequence[Varied]) -> Table:
    shown = [kind for kind in (*OURS, *STORES) if kind in runs[0].result.cost.cpu_us]
    table = table_of(
        "a tenth is forwarded, a fifth ignored by rule; µs of CPU an event, by process",
        *("web processes", "pipeline workers", "events a request", "accepted/s", "end to end/s", *shown, "all"),
    )
    for run in runs:
        result, spent = run.result, run.result.cost.cpu_us
        rates = [f"{rate:,.0f}" for rate in (result.accepted_per_s, result.settled_per_s)]
        costs = [f"{spent.get(kind, 0):,.0f}" for kind in shown]
        numbers = [str(number) for number in (run.web, run.pipeline, result.corpus.batch)]
        table.add_row(*numbers, *rates, *costs, f"{result.cost.mutt_us:,.0f}")
    return table


def _of_capacity(runs: Sequence[Varied]) -> Table:
    """By the first run of each batch size."""
    table = table_of("events a second that one core of each is good for", "events a request", *OURS, *STORES)
    for batch in BATCHES:
        good_for = per_core(_cost_of(runs, batch))
        shown = (f"{good_for[kind]:,.0f}" if kind in good_for else "" for kind in (*OURS, *STORES))
        table.add_row(str(batch), *shown)
    return table


def _of_model(runs: Sequence[Varied], cores: int) -> Table:
    headings = ("web processes", "pipeline workers", "events a request", "predicted/s", "limit", "measured/s", "of it")
    table = table_of("end to end: the model beside what was measured", *headings)
    for run in runs:
        batch = run.result.corpus.batch
        predicted = predict(_cost_of(runs, batch), run.processes, cores)
        measured = run.result.settled_per_s
        numbers = [str(number) for number in (run.web, run.pipeline, batch)]
        share = f"{measured / predicted.per_s:.0%}"
        table.add_row(*numbers, f"{predicted.per_s:,.0f}", predicted.limit, f"{measured:,.0f}", share)
    return table


def _cost_of(runs: Sequence[Varied], batch: int) -> Mapping[str, float]:
    return next(run.result.cost.cpu_us for run in runs if run.result.corpus.batch == batch)


def _of_processes(processes: Mapping[str, tuple[float, int, int]]) -> Table:
    table = table_of("each kind of process after that", "process", "PSS, MiB", "connections to PostgreSQL", "to Redis")
    for kind, (memory, *connections) in processes.items():
        shown = ["", ""] if kind in STORES else [str(number) for number in connections]
        table.add_row(kind, f"{memory:.0f}", *shown)
    return table
