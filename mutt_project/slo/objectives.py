"""Objectives as data, read from a TOML file: what is measured, how much of it must be good, and over how long."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

MOST_DAYS = 90  # counts are kept for 100
LONGEST_NAME = 100
BUILT_IN = Path(__file__).with_name("objectives.toml")


class Measure(StrEnum):
    """What can be measured; docs/slo.md defines good and total of each."""

    INGEST_AVAILABILITY = "ingest_availability"
    PROCESSING_LATENCY = "processing_latency"
    DELIVERY_SUCCESS = "delivery_success"


class ObjectivesError(ValueError):
    """A file of objectives that cannot be used; the message has a line for each fault."""


@dataclass(frozen=True, slots=True)
class Objective:
    """A share `target` of what is measured must be good, over each `window`. `within_s` is for latencies only."""

    name: str
    description: str
    measure: Measure
    target: float
    window: timedelta
    within_s: float | None = None


@dataclass(slots=True)
class _Reading:
    """One table of the file: its faults are gathered, so that all can be mended at once."""

    name: str
    given: Mapping[str, Any]
    faults: list[str] = field(default_factory=list)

    def wrong(self, name: str, expected: str) -> None:
        found = f"{self.given[name]!r} is not" if name in self.given else "it is missing: give"
        self.faults.append(f"[{self.name}] {name}: {found} {expected}.")


def read_objectives(path: Path, bounds_s: Sequence[float]) -> tuple[Objective, ...]:
    """The objectives of a file, whose latencies must be among `bounds_s`. Raises ObjectivesError, OSError."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ObjectivesError(f"It is no TOML in UTF-8: {error}.") from error
    if not tables:
        raise ObjectivesError("It has no objective: write a table such as [ingest_availability] for each.")
    found, faults = [], []
    for name, table in tables.items():
        if not isinstance(table, dict):
            faults.append(f"{name}: it stands outside of any objective: write a table such as [{name}].")
            continue
        reading = _Reading(name, table)
        objective = _objective(reading, bounds_s)
        faults += reading.faults
        found += [objective] if objective else []
    if faults:
        raise ObjectivesError("\n".join(faults))
    return tuple(found)


_KNOWN = ("description", "measure", "target", "window_days", "within_s")


def _objective(reading: _Reading, bounds_s: Sequence[float]) -> Objective | None:
    given = reading.given
    for name in given:
        if name not in _KNOWN:
            reading.faults.append(f"[{reading.name}] {name}: there is no such word; there are {', '.join(_KNOWN)}.")
    measure: Any = given.get("measure")
    description: Any = given.get("description", "")
    if measure not in list(Measure):
        reading.wrong("measure", f"one of {', '.join(Measure)}")
    if not isinstance(description, str):
        reading.wrong("description", "a text")
    target: Any = given.get("target")
    days: Any = given.get("window_days")
    if not isinstance(target, float) or not 0 < target < 1:
        reading.wrong("target", "a share above 0 and below 1, such as 0.999")
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= MOST_DAYS:
        reading.wrong("window_days", f"a whole number from 1 to {MOST_DAYS}")
    within_s = _within_s(reading, measure, bounds_s)
    if reading.faults:
        return None
    return Objective(reading.name, description, Measure(measure), float(target), timedelta(days=days), within_s)


def _within_s(reading: _Reading, measure: Any, bounds_s: Sequence[float]) -> float | None:
    within_s: Any = reading.given.get("within_s")
    if measure != Measure.PROCESSING_LATENCY:
        if within_s is not None:
            reading.faults.append(f"[{reading.name}] within_s: it is for {Measure.PROCESSING_LATENCY.value} only.")
        return None
    if isinstance(within_s, bool) or within_s not in bounds_s:
        reading.wrong(
            "within_s", f"one of {', '.join(f'{bound:g}' for bound in bounds_s)}, by which latencies are counted"
        )
        return None
    return float(within_s)
