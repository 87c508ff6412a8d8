"""What a benchmark says: tables for people, a verdict on each figure that is wanted, a line of JSON for programs."""

import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from ops.bench.load import generator
from ops.bench.measuring import OURS, STORES
from ops.bench.reference import Reference
from ops.bench.running import Result
from ops.bench.scaling import Scaling
from ops.bench.tables import table_of

_BESIDE = ("sender", "sink")


def machine() -> dict[str, Any]:
    """Where it is measured: figures of two machines do not compare, ratios do."""
    cores, load = os.cpu_count(), os.getloadavg()[0]
    said = f"{platform.machine()}, {cores} cores, load {load:.1f} before it; the load comes from {generator()}"
    return {"cores": cores, "load": load, "generator": generator(), "said": said}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A figure beside the one that is wanted; a benchmark never fails for it."""

    what: str
    value: float
    wanted: str
    met: bool


@dataclass
class Report:
    """All that was measured. `faults` are events that are unaccounted for."""

    reference: Reference | None = None
    runs: dict[str, Result] = field(default_factory=dict)
    memory_mb: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    growth: dict[str, float] = field(default_factory=dict)  # cost of an event, as a ratio
    redis_bytes: dict[str, float] = field(default_factory=dict)  # of an open event
    backlog: dict[str, float] = field(default_factory=dict)
    scaling: Scaling | None = None
    faults: list[str] = field(default_factory=list)
    machine: dict[str, Any] = field(default_factory=machine)  # as it was before anything was measured

    def ratio(self, per_second: float) -> float | None:
        return per_second / self.reference.per_second if self.reference else None

    def cpu_ratio(self, run: Result) -> float | None:
        """How many events MUTT does for the CPU that the reference takes for one: it hardly minds a busy machine."""
        return self.reference.cpu_us / run.cost.mutt_us if self.reference else None

    def verdicts(self) -> list[Verdict]:
        """One for each figure that was measured in this run."""
        found = []
        for run, what, least in (("singles", "accepted", 6), ("singles", "settled", 6), ("hundreds", "settled", 40)):
            if run in self.runs and self.reference:
                per_second: float = getattr(self.runs[run], f"{what}_per_s")
                ratio = per_second / self.reference.per_second
                said = {"accepted": "accepted", "settled": "end to end"}[what]
                found.append(Verdict(f"{run}, {said}, times the reference", ratio, f"≥ {least}", ratio >= least))
        if half := self.runs.get("half"):
            found.append(_at_most("half load, POST p99, ms", half.sent.p99, 25))
            found.append(_at_most("half load, receipt to delivery p95, ms", half.delivery["p95"], 250))
        found += [
            Verdict(f"cost of an event, {name}, times", ratio, "< 1.1", ratio < 1.1)  # noqa: PLR2004 - as it says
            for name, ratio in self.growth.items()
        ]
        if self.memory_mb:
            all_mb = sum(self.memory_mb[kind][0] for kind in OURS if kind in self.memory_mb)
            found.append(_at_most("web, workers, beat and Flower, MB", all_mb, 600))
        if self.backlog and "hundreds" in self.runs:
            ratio = self.backlog["per_s"] / self.runs["hundreds"].settled_per_s
            found.append(Verdict("backlog drains, times end to end", ratio, "≥ 1", ratio >= 1))
            found.append(_at_most("a worker's memory while it drains, times", self.backlog["memory"], 1.1))
        return found

    def as_json(self) -> dict[str, Any]:
        """All of it, as one object."""
        return {
            "machine": self.machine,
            "reference": self.reference and {**asdict(self.reference), "per_s": self.reference.per_second},
            "runs": {name: self._of_run(run) for name, run in self.runs.items()},
            "memory_mb": {kind: {"pss": pss, "rss": rss} for kind, (pss, rss) in self.memory_mb.items()},
            "growth": self.growth,
            "redis_bytes": self.redis_bytes,
            "backlog": self.backlog,
            "scaling": self.scaling.as_json() if self.scaling else [],
            "verdicts": [asdict(verdict) for verdict in self.verdicts()],
            "faults": self.faults,
        }

    def _of_run(self, run: Result) -> dict[str, Any]:
        return {
            "events": run.corpus.events,
            "batch": run.corpus.batch,
            "accepted_per_s": run.accepted_per_s,
            "settled_per_s": run.settled_per_s,
            "ratio_accepted": self.ratio(run.accepted_per_s),
            "ratio_settled": self.ratio(run.settled_per_s),
            "ratio_cpu": self.cpu_ratio(run),
            "post_ms": {"p50": run.sent.p50, "p95": run.sent.p95, "p99": run.sent.p99},
            "delivery_ms": run.delivery,
            "cost": {**asdict(run.cost), "mutt_us": run.cost.mutt_us},
        }

    def print(self, console: Console) -> None:
        """The tables."""
        console.print(self.machine["said"], highlight=False)
        if self.reference:
            console.print(self._said_of_reference(self.reference), highlight=False)
        if self.runs:
            console.print(self._rates(), self._cpu(), self._stores())
        if self.memory_mb:
            console.print(self._memory())
        if self.scaling:
            console.print(*self.scaling.tables())
        console.print(self._of_verdicts())
        for fault in self.faults:
            console.print(f"UNACCOUNTED FOR: {fault}", style="bold red", highlight=False)

    def _said_of_reference(self, reference: Reference) -> str:
        return (
            f"reference: {reference.per_second:,.0f} events a second through a bare Celery chain of three empty tasks, "
            f"{reference.cpu_us:,.0f} µs of CPU each with Redis, {reference.memory_mib:.0f} MiB"
        )

    def _rates(self) -> Table:
        table = table_of(
            "events a second, and milliseconds: 50, 95, 99 % of them take no longer",
            *("run", "events", "accepted/s", "times ref.", "end to end/s", "times ref.", "by CPU"),
            *("POST", "receipt to delivery"),
        )
        for name, run in self.runs.items():
            ratios = [*map(self.ratio, (run.accepted_per_s, run.settled_per_s)), self.cpu_ratio(run)]
            accepted, settled, by_cpu = ("" if ratio is None else f"{ratio:.1f}" for ratio in ratios)
            sent = {"p50": run.sent.p50, "p95": run.sent.p95, "p99": run.sent.p99}
            rates = [f"{run.accepted_per_s:,.0f}", accepted, f"{run.settled_per_s:,.0f}", settled, by_cpu]
            table.add_row(name, f"{run.corpus.events:,}", *rates, _three(sent), _three(run.delivery))
        return table

    def _cpu(self) -> Table:
        table = table_of("µs of CPU an event", "process", *self.runs)
        for kind in (*OURS, *STORES):
            if any(kind in run.cost.cpu_us for run in self.runs.values()):
                table.add_row(kind, *(f"{run.cost.cpu_us.get(kind, 0):,.0f}" for run in self.runs.values()))
        table.add_row("MUTT and stores", *(f"{run.cost.mutt_us:,.0f}" for run in self.runs.values()), style="bold")
        for kind in _BESIDE:
            table.add_row(f"({kind})", *(f"{run.cost.cpu_us.get(kind, 0):,.0f}" for run in self.runs.values()))
        return table

    def _stores(self) -> Table:
        table = table_of("stores, an event", "what", *self.runs)
        rows = {
            "PostgreSQL: tables and indexes, bytes": "table_bytes",
            "PostgreSQL: WAL, bytes": "wal_bytes",
            "Redis: what it is sent, bytes": "redis_bytes",
            "Redis: commands": "commands",
        }
        for what, name in rows.items():
            digits = 1 if name == "commands" else 0
            table.add_row(what, *(f"{getattr(run.cost, name):,.{digits}f}" for run in self.runs.values()))
        for batch, taken in self.redis_bytes.items():
            table.add_row(f"Redis: memory while open, {batch} a request, bytes", f"{taken:,.0f}")
        return table

    def _memory(self) -> Table:
        table = table_of("memory after all runs, MB", "process", "PSS", "RSS")
        for kind in (*OURS, *STORES):
            if kind in self.memory_mb:
                table.add_row(kind, *(f"{mb:.0f}" for mb in self.memory_mb[kind]))
        return table

    def _of_verdicts(self) -> Table:
        table = table_of("what is wanted", "what", "measured", "wanted", "")
        for verdict in self.verdicts():
            met = "yes" if verdict.met else "NO"
            table.add_row(verdict.what, f"{verdict.value:,.2f}", verdict.wanted, met)
        return table


def _at_most(what: str, value: float, most: float) -> Verdict:
    return Verdict(what, value, f"≤ {most:g}", value <= most)


def _three(found: Mapping[str, float]) -> str:
    return " / ".join(f"{found[name]:,.0f}" for name in ("p50", "p95", "p99"))
