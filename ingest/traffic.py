"""What comes to the door, counted in this process until it is flushed: requests by minute, and who was refused.

It costs a request 2 to 5 microseconds. `traffic_flushing.py` takes the counts to PostgreSQL.
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ingest.answers import Why

OTHERS = "(others)"
MOST_CELLS = 20_000  # the usual five or so a minute fill them in some days without PostgreSQL
MOST_REFUSED = 300  # an hour: those with the name of a key, and as many without

_Minute = tuple[int, str, str]  # since 1970, source, answer
_Refused = tuple[int, str, str, str]  # hours since 1970, why, name of the key, address


@dataclass(slots=True)
class Counts:
    """Requests and events by minute, source and answer; refused requests and when the last one came."""

    minutes: dict[_Minute, tuple[int, int]] = field(default_factory=dict)
    refused: dict[_Refused, tuple[int, float]] = field(default_factory=dict)
    lost: int = 0  # requests that there was no room to count

    def __len__(self) -> int:
        return len(self.minutes) + len(self.refused)

    def add(self, key: _Minute, requests: int, events: int, most: int) -> None:
        before = self.minutes.get(key)
        if before is None and len(self.minutes) >= most:
            self.lost += requests
            return
        self.minutes[key] = (requests + before[0], events + before[1]) if before else (requests, events)

    def add_refused(self, key: _Refused, requests: int, last_at: float, most: int) -> None:
        before = self.refused.get(key)
        if before is None and len(self.refused) >= most:
            return  # it is among the minutes
        self.refused[key] = (requests + before[0], max(last_at, before[1])) if before else (requests, last_at)


class Traffic:
    """The counts since they were taken last; for many threads. `clock` gives seconds since 1970."""

    def __init__(
        self, clock: Callable[[], float] = time.time, most: int = MOST_CELLS, most_refused: int = MOST_REFUSED
    ) -> None:
        self._clock = clock
        self._most = most
        self._most_refused = most_refused
        self.forget()

    def forget(self) -> None:
        """Begin anew, as a forked process must: the counts are its parent's, and so may be the lock's holder."""
        self._lock = threading.Lock()
        self._counts = Counts()
        self._hour = 0
        self._known: dict[bool, set[_Refused]] = {True: set(), False: set()}

    def count(self, source: str, answers: Iterable[tuple[str, int, int]]) -> None:
        """One request that was looked into: answers, each with its numbers of requests and of events."""
        minute = int(self._clock()) // 60
        with self._lock:
            for answer, requests, events in answers:
                self._counts.add((minute, source, answer), requests, events, self._most)

    def count_refused(self, source: str, why: Why, api_key: str, address: str, events: int = 0) -> None:
        """One request that was refused as a whole; `api_key` is a name, empty where none is known."""
        now = self._clock()
        with self._lock:
            self._counts.add((int(now) // 60, source, why.value), 1, events, self._most)
            key = self._bounded((int(now) // 3600, why.value, api_key, address))
            self._counts.add_refused(key, 1, now, self._most)

    def take(self) -> Counts:
        """All that was counted; from here on it is the caller's."""
        with self._lock:
            counts, self._counts = self._counts, Counts()
        return counts

    def give_back(self, counts: Counts) -> None:
        """Count again what could not be stored."""
        with self._lock:
            for key, (requests, events) in counts.minutes.items():
                self._counts.add(key, requests, events, self._most)
            for refused, (requests, last_at) in counts.refused.items():
                self._counts.add_refused(refused, requests, last_at, self._most)
            self._counts.lost += counts.lost

    def _bounded(self, key: _Refused) -> _Refused:
        """The key, or that of all others where an hour has had so many. A flood of strangers hides no known key."""
        hour, why, api_key, _ = key
        if hour != self._hour:
            self._hour = hour
            self._known = {True: set(), False: set()}
        known = self._known[bool(api_key)]
        if key not in known:
            if len(known) >= self._most_refused:
                return hour, why, "", OTHERS
            known.add(key)
        return key


traffic = Traffic()
