"""`make bench`: how many events a second MUTT takes and settles on this machine, and what one costs."""

import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import click
from rich.console import Console

from ops.bench import growth, held, measuring, reference, scaling
from ops.bench.mix import Profile
from ops.bench.report import Report
from ops.bench.running import Bench, running

RULES = 1_000
HALF_LOAD_S = 15  # or until it has sent as much as `singles`
# Events a request, profile, and events for each thousand that were asked for.
RUNS = {
    "singles": (1, Profile.MIX, 100),
    "hundreds": (100, Profile.MIX, 1000),
    "thousands": (1000, Profile.MIX, 1000),
    "forwarded-singles": (1, Profile.FORWARDED, 30),
    "forwarded-hundreds": (100, Profile.FORWARDED, 300),
    "forwarded-thousands": (1000, Profile.FORWARDED, 300),
}
USUAL = ("reference", *RUNS, "half", "open")
LONG = ("scaling", "backlog", "rules", "records")
_BACKLOG = 5  # times the events that were asked for
_EXAMPLES = """
\b
Examples:
  python -m ops.bench
  python -m ops.bench --only reference,singles,hundreds
  python -m ops.bench --long --json var/bench.json
"""


def _parts(_: click.Context, __: click.Parameter, text: str | None) -> set[str] | None:
    if text is None:
        return None
    chosen, known = set(text.split(",")), (*USUAL, *LONG)
    if wrong := sorted(chosen - set(known)):
        raise click.BadParameter(f"there is no {', '.join(wrong)}; there are {', '.join(known)}")
    return chosen | {"singles"} if "half" in chosen else chosen


@click.command(epilog=_EXAMPLES)
@click.option(
    "--events",
    type=click.IntRange(1_000),
    default=100_000,
    show_default=True,
    help="Events of the longest run; others have a share.",
)
@click.option("--only", callback=_parts, help=f"Some of {', '.join((*USUAL, *LONG))}, with commas between.")
@click.option("--long", is_flag=True, help=f"Also {', '.join(LONG)}, which take long.")
@click.option(
    "--records",
    type=click.IntRange(1),
    default=10_000_000,
    show_default=True,
    help="How many are stored for the part `records`.",
)
@click.option("--json", "file", type=click.File("w", lazy=False), help="Write the line of JSON here, too.")
def main(events: int, only: set[str] | None, *, long: bool, records: int, file: IO[str] | None) -> None:
    """Measure a MUTT of its own, with its servers, beside a bare Celery app on the same Redis.

    Ends with status 1 if an event is unaccounted for; never for being slow.
    """
    parts = only or {*USUAL, *(LONG if long else ())}
    console = Console(width=160)
    session = Session(console, events, parts)
    try:
        with tempfile.TemporaryDirectory(prefix="mutt-bench-") as folder:
            session.measure(Path(folder), records)
    except RuntimeError as error:  # a server that does not start, an API that refuses
        raise click.ClickException(str(error)) from error
    session.report.print(console)
    line = json.dumps(session.report.as_json())
    print(line)
    if file:
        file.write(line + "\n")
    sys.exit(bool(session.report.faults))


@dataclass
class Session:
    """The parts that were asked for, in their order."""

    console: Console
    events: int
    parts: set[str]
    report: Report = field(default_factory=Report)

    def part(self, name: str, measure: Callable[[], object]) -> None:
        """Measure this, if it was asked for, and note what is unaccounted for."""
        if name not in self.parts:
            return
        self.console.print(f"{name} …", highlight=False)
        try:
            measure()
        except Exception as fault:  # noqa: BLE001 - what the other parts have measured is shown all the same
            self.report.faults.append(f"{name}: {fault}")

    def measure(self, folder: Path, records: int) -> None:
        """All of it; `records` are how many are stored for the part of that name."""
        if self.parts - {"records"}:
            with running(folder) as bench:
                self._measure_one(bench)
        self.part("records", lambda: self._records(folder, records))

    def _measure_one(self, bench: Bench) -> None:
        """All that one MUTT can be asked for."""
        self.part("reference", lambda: self._reference(bench))
        bench.take_rules(RULES)
        for batch, share in ((100, 50), (1, 500)):  # so that all is warm
            bench.run(bench.write(Profile.MIX, max(self.events // share, 1), batch))
        for name in RUNS:
            self.part(name, lambda name=name: self._run(bench, name))  # type: ignore[misc]
            if name == "singles":  # before PostgreSQL tidies up after the many that follow
                self.part("half", lambda: self._half(bench))
        self.report.memory_mb = measuring.memory_by_kind(bench.pids())
        self.part("open", lambda: self._open(bench))
        self.part("scaling", lambda: self._scaling(bench))
        self.part("backlog", lambda: self._backlog(bench))
        self.part("rules", lambda: self._rules(bench))

    def _reference(self, bench: Bench) -> None:
        events = max(self.events // 25, 20)
        self.report.reference = reference.measure(bench.stack.redis_url, bench.pids()["redis"], events)

    def _run(self, bench: Bench, name: str) -> None:
        batch, profile, share = RUNS[name]
        self.report.runs[name] = bench.run(bench.write(profile, self.events * share // 1000, batch))

    def _half(self, bench: Bench) -> None:
        if singles := self.report.runs.get("singles"):
            rate = singles.settled_per_s / 2
            self.report.runs["half"] = bench.run(
                bench.write(Profile.MIX, min(int(rate * HALF_LOAD_S), singles.corpus.events), 1), rate
            )

    def _open(self, bench: Bench) -> None:
        for batch, share in ((1, 10), (100, 100)):
            events = max(self.events * share // 1000, batch)
            self.report.redis_bytes[str(batch)] = held.open_bytes(bench, events, batch)

    def _scaling(self, bench: Bench) -> None:
        self.report.scaling = scaling.measure(bench, self.events // 5)

    def _backlog(self, bench: Bench) -> None:
        draining = held.drain(bench, self.events * _BACKLOG)
        self.report.backlog = {"per_s": draining.per_s, "memory": draining.growth}

    def _rules(self, bench: Bench) -> None:
        name = f"with {growth.MANY_RULES:,} rules in place of {growth.FEW_RULES}"
        self.report.growth[name] = growth.with_rules(bench, self.events)

    def _records(self, folder: Path, records: int) -> None:
        self.report.growth[f"with {records:,} records"] = growth.with_records(folder, RULES, self.events, records)


if __name__ == "__main__":
    main()
