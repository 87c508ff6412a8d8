"""Group commit: events of requests that arrive together become one batch, with one write and one chain.

Nobody waits for others to come: while one request writes, the next ones gather, and the first of them writes for all.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(eq=False)
class _Seat(Generic[T]):
    item: T
    woken: threading.Event = field(default_factory=threading.Event)
    leads: bool = False
    done: bool = False
    error: BaseException | None = None


class Group(Generic[T]):
    """Hands what several threads `add` to one call of `commit`, at most `most` at a time.

    `commit` returns when all are durable, or raises, and then all of them see that error. What it returns is called
    once the others have been told, while the next group gathers.
    """

    def __init__(self, commit: Callable[[Sequence[T]], Callable[[], None]], most: int = 100) -> None:
        self._commit = commit
        self._most = most
        self._lock = threading.Lock()
        self._waiting: list[_Seat[T]] = []
        self._busy = False

    def add(self, item: T) -> None:
        """Returns when the item is durable. Raises what `commit` raised for its group."""
        seat = _Seat(item)
        with self._lock:
            self._waiting.append(seat)
            seat.leads = not self._busy
            self._busy = True
        if not seat.leads:
            seat.woken.wait()
        if seat.leads and not seat.done:
            self._lead()
        if seat.error:
            raise seat.error

    def _lead(self) -> None:
        """Commit one group, ours among it, and let the first of those who came meanwhile lead the next."""
        with self._lock:
            group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        afterwards: Callable[[], None] | None = None
        error: BaseException | None = None
        try:
            afterwards = self._commit([seat.item for seat in group])
        except BaseException as raised:  # noqa: BLE001 - whatever it is, each of the group raises it
            error = raised
        for seat in group:
            seat.done, seat.error = True, error
            seat.woken.set()
        try:
            if afterwards:
                afterwards()
        finally:
            self._hand_over()

    def _hand_over(self) -> None:
        with self._lock:
            self._busy = bool(self._waiting)
            if self._waiting:
                self._waiting[0].leads = True
                self._waiting[0].woken.set()
