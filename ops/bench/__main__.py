"""`make bench`: how many events a second MUTT takes and settles on this machine, and what one costs."""

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console

from ops.bench import measuring, reference
from ops.bench.mix import Profile
from ops.bench.report import Report
from ops.bench.running import Bench, Result, Unaccounted, running

RULES = 1_000
HALF_LOAD_S = 15
# Events a request, profile, and events for each thousand that were asked for.
RUNS = {
    "singles": (1, Profile.MIX, 100),
    "hundreds": (100, Profile.MIX, 1000),
    "thousands": (1000, Profile.MIX, 1000),
    "forwarded-singles": (1, Profile.FORWARDED, 30),
    "forwarded-hundreds": (100, Profile.FORWARDED, 300),
    "forwarded-thousands": (1000, Profile.FORWARDED, 300),
}
PARTS = ("reference", *RUNS, "half")
_EXAMPLES = """
\b
Examples:
  python -m ops.bench
  python -m ops.bench --only reference,singles,hundreds
  python -m ops.bench --events 20000 --json var/bench.json
"""


def _parts(_: click.Context, __: click.Parameter, text: str | None) -> set[str]:
    chosen = set(text.split(",")) if text else set(PARTS)
    if wrong := sorted(chosen - set(PARTS)):
        raise click.BadParameter(f"there is no {', '.join(wrong)}; there are {', '.join(PARTS)}")
    return chosen


@click.command(epilog=_EXAMPLES)
@click.option("--events", default=100_000, show_default=True, help="Events of the longest run; others have a share.")
@click.option("--only", callback=_parts, help=f"Some of {', '.join(PARTS)}, with commas between.")
@click.option(
    "--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write the line of JSON here, too."
)
def main(events: int, only: set[str], file: Path | None) -> None:
    """Measure a MUTT of its own, with its servers, beside a bare Celery app on the same Redis.

    Ends with status 1 if an event is unaccounted for; never for being slow.
    """
    report = Report()
    console = Console(width=160)
    with tempfile.TemporaryDirectory(prefix="mutt-bench-") as folder, running(Path(folder)) as bench:
        if "reference" in only:
            console.print("reference …", highlight=False)
            report.reference = reference.measure(bench.stack.redis_url, bench.pids()["redis"], max(events // 25, 20))
        bench.take_rules(RULES)
        _warm_up(bench, events)
        for name, (batch, profile, share) in RUNS.items():
            if name in only or (name == "singles" and "half" in only):
                console.print(f"{name} …", highlight=False)
                corpus = bench.mix.write(bench.folder / "corpus", profile, events * share // 1000, batch)
                _note(report, name, lambda corpus=corpus: bench.run(corpus))  # type: ignore[misc]
        if "half" in only and (singles := report.runs.get("singles")):
            console.print("half …", highlight=False)
            rate = singles.settled_per_s / 2
            corpus = bench.mix.write(bench.folder / "corpus", Profile.MIX, int(rate * HALF_LOAD_S), 1)
            _note(report, "half", lambda: bench.run(corpus, rate))
        report.memory_mb = measuring.memory_by_kind(bench.pids())
    report.print(console)
    line = json.dumps(report.as_json())
    print(line)
    if file:
        file.write_text(line + "\n")
    sys.exit(bool(report.faults))


def _warm_up(bench: Bench, events: int) -> None:
    for batch, share in ((100, 50), (1, 500)):
        bench.run(bench.mix.write(bench.folder / "corpus", Profile.MIX, max(events // share, 1), batch))


def _note(report: Report, name: str, run: Callable[[], Result]) -> None:
    try:
        report.runs[name] = run()
    except Unaccounted as fault:
        report.faults.append(f"{name}: {fault}")


if __name__ == "__main__":
    main()
