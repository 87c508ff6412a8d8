"""Group commit: events of requests that arrive together become one batch, with one write and one chain.

While one request writes, the next ones gather, and the first of them writes for all. Under load it waits a moment for
some more to come, for what is done once a group is most of what a request costs; who comes alone waits for nobody.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_STILL_UNDER_LOAD_S = 0.02  # after a group of several
_Called = Any  # a lock that its holder waits for a second time: it costs a fraction of an Event


def _not_yet() -> _Called:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(eq=False, slots=True)
class _Seat(Generic[T]):
    item: T
    called: _Called = field(default_factory=_not_yet)
    leads: bool = False
    done: bool = False
    error: BaseException | None = None


class Group(Generic[T]):
    """Hands what several threads `add` to one call of `commit`, at most `most` at a time.

    `commit` returns when all are durable, or raises, and then all of them see that error. What it returns is called
    once the others have been told, while the next group gathers. After a group of several the next one gathers for
    `gather_s` seconds more.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[T]], Callable[[], None]],
        most: int = 100,
        gather_s: float = 0,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._commit = commit
        self._most = most
        self._gather_s = gather_s
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._waiting: list[_Seat[T]] = []
        self._busy = False
        self._under_load_until = 0.0

    def add(self, item: T) -> None:
        """Returns when the item is durable. Raises what `commit` raised for its group."""
        seat = _Seat(item)
        with self._lock:
            self._waiting.append(seat)
            seat.leads = not self._busy
            self._busy = True
        if not seat.leads:
            seat.called.acquire()
        if seat.leads and not seat.done:
            self._lead(seat)
        if seat.error:
            raise seat.error

    def _lead(self, leader: _Seat[T]) -> None:
        """Commit one group, ours among it, and let the first of those who came meanwhile lead the next."""
        if self._gather_s and self._clock() < self._under_load_until:
            self._sleep(self._gather_s)
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
            if seat is not leader:
                seat.called.release()
        if len(group) > 1:
            self._under_load_until = self._clock() + _STILL_UNDER_LOAD_S
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
                self._waiting[0].called.release()
