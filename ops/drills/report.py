"""What a drill has measured: for a person, as JSON, and as the table in docs/disaster-recovery.md."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figures:
    """One drill. RPO: how far back the oldest lost event was accepted before the accident, and how many are lost.

    `accepting_s` and `rto_s` count from the first step of the page: until events are accepted again, and until all
    that waited has its outcome and the page's checks have passed. None where that never ceased.
    """

    name: str
    rpo_s: float
    rpo_events: int
    accepting_s: float | None
    rto_s: float
    accepted: int
    recovered: int
    lost: int
    may_be_lost: int
    told_again: int
    wrong: list[str] = field(default_factory=list)
    more: dict[str, str] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return not self.wrong

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "passed": self.passed}


def table_of(figures: Sequence[Figures]) -> Table:
    """At most 80 columns."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("drill", no_wrap=True)
    for name in ("accepted", "lost", "allowed", "twice", "RPO", "accepts", "RTO"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for one in figures:
        table.add_row(
            one.name,
            f"{one.accepted:,}",
            f"{one.lost:,}",
            f"{one.may_be_lost:,}",
            f"{one.told_again:,}",
            f"{one.rpo_s:.1f} s",
            _seconds(one.accepting_s),
            f"{one.rto_s:.1f} s",
            "[green]ok[/]" if one.passed else "[red]NO[/]",
        )
    return table


def as_markdown(one: Figures) -> str:
    """The table of the page."""
    rows = [
        ("events answered 202 in the drill", f"{one.accepted:,}"),
        ("lost (RPO in events); the page allows", f"{one.lost:,}; {one.may_be_lost:,}"),
        ("RPO in time: age of the oldest lost event at the accident", f"{one.rpo_s:.1f} s"),
        ("from the first step until events are accepted again", _seconds(one.accepting_s)),
        ("RTO: from the first step until all that waited has its outcome", f"{one.rto_s:.1f} s"),
        ("alerts told to Moogsoft again, with the same identity", f"{one.told_again:,}"),
        *one.more.items(),
    ]
    lines = ["| what | measured |", "| --- | --- |", *(f"| {what} | {measured} |" for what, measured in rows)]
    return "\n".join([*lines, "", f"On {machine()}, everything on one machine."])


def machine() -> str:
    """The machine in a few words."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{len(os.sched_getaffinity(0))} cores and {memory:.0f} GB of memory"


def _seconds(value: float | None) -> str:
    return "always" if value is None else f"{value:.1f} s"
