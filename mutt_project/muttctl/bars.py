"""Bars that show how far long work is: on a terminal, on standard error, and nowhere else."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


@dataclass
class Bar:
    """One bar; what it counts is known to whoever made it."""

    _progress: Progress
    _task: TaskID

    def advance(self, number: int) -> None:
        self._progress.advance(self._task, number)

    def reach(self, number: int, total: int | None = None) -> None:
        self._progress.update(self._task, completed=number, total=None if total is None else max(number, total))


@dataclass
class Bars:
    """One below the other."""

    _progress: Progress

    def add(self, word: str, total: int | None = None) -> Bar:
        return Bar(self._progress, self._progress.add_task(word, total=total))


@contextmanager
def counting(word: str, total: int) -> Iterator[Bar]:
    """So many of a number that is known."""
    with _bar(word, total, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()) as bar:
        yield bar


@contextmanager
def downloading(word: str) -> Iterator[Bar]:
    """Bytes of which nobody knows how many are to come."""
    with _bar(word, None, BarColumn(), DownloadColumn(), TimeElapsedColumn()) as bar:
        yield bar


@contextmanager
def copying() -> Iterator[Bars]:
    """Bytes of several things, one after the other."""
    with _bars(TextColumn("{task.description:<10}"), BarColumn(), DownloadColumn()) as bars:
        yield bars


@contextmanager
def _bar(word: str, total: int | None, *columns: Any) -> Iterator[Bar]:
    with _bars(TextColumn(word), *columns) as bars:
        yield bars.add(word, total)


@contextmanager
def _bars(*columns: Any) -> Iterator[Bars]:
    console = Console(stderr=True, highlight=False, markup=False)
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        yield Bars(progress)
