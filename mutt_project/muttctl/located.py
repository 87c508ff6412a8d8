"""Entries read from a file, with the line of each, so that what is wrong is said where it stands."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

import click

from mutt_project.muttctl.client import JsonObject
from mutt_project.muttctl.errors import MuttctlError
from mutt_project.muttctl.output import printable

_SAME_ENTRY = re.compile(r"It is the same as entry ([0-9]{1,6})\b")


@dataclass(frozen=True)
class Fault:
    """What is wrong in a line, and how to mend it; `pointer` says which value is meant. Line 0 is the whole file."""

    line: int
    detail: str
    pointer: str = ""


@dataclass(frozen=True)
class Located:
    """What a file holds. `lines` are by JSON Pointer into what is sent; `faults` is what could not be read."""

    name: str
    entries: list[JsonObject]
    lines: Mapping[str, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def fault(self, pointer: str, detail: str) -> Fault:
        """What the API says of a pointer, at the line of the value, or else of what is around it."""
        place = pointer
        while place and not self.lines.get(place):
            place = place.rpartition("/")[0]
        line = self.lines.get(place, 0)
        missed = pointer.removeprefix(place).lstrip("/")
        same = _SAME_ENTRY.match(detail)
        if same:
            other = self.lines.get(f"/entries/{int(same[1]) - 1}", 0)
            detail = f"It is the same as line {other}{detail[same.end() :]}"
        return Fault(line, f"{missed}: {detail}" if missed else detail)

    def told(self, fault: Fault, kind: str = "") -> str:
        """As compilers say it: file, line, and what is wrong there."""
        place = f"{self.name}:{fault.line}" if fault.line else self.name
        return f"{printable(place)}: {kind}{printable(fault.detail)}"


def in_order(faults: Iterable[Fault]) -> list[Fault]:
    return sorted(faults, key=lambda fault: fault.line)


class FaultyFileError(MuttctlError):
    """A file cannot be taken; all that is wrong with it is shown, in the order of lines."""

    def __init__(self, located: Located, faults: Iterable[Fault]) -> None:
        self.located = located
        self.faults = in_order(faults)
        super().__init__("\n".join(located.told(fault) for fault in self.faults))

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(self.format_message(), file=file, err=True)
