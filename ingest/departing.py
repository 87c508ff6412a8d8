"""Batches that are opened shortly after each other leave in one message: messages cost more than events.

The first one leaves at once. Those that follow within MUTT_GATHER_S wait for its end and leave together, by a thread of
this process. What a process that is killed had not sent is swept up by others.
"""

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from uuid import UUID

from django.conf import settings

from ingest import pipeline

logger = logging.getLogger(__name__)

_Sized = tuple[UUID, int]


class Departures:
    """Hands batches to `send`, at most once in `every_s` seconds."""

    def __init__(self, send: Callable[[Sequence[_Sized]], None], every_s: float) -> None:
        self._send = send
        self._every_s = every_s
        self.forget()

    def forget(self) -> None:
        """Begin anew: a forked process has no thread yet, and what waits is its parent's."""
        self._lock = threading.Lock()
        self._waiting: list[_Sized] = []
        self._last = -self._every_s
        self._thread: threading.Thread | None = None
        self._called = threading.Event()

    def leave(self, batch: UUID, events: int) -> None:
        """Send a batch on its way, now or in a moment."""
        with self._lock:
            self._waiting.append((batch, events))
            is_due = not self._called.is_set() and time.monotonic() >= self._last + self._every_s
            leaving = self._taken() if is_due or not self._call() else []
        if leaving:
            self._send(leaving)

    def flush(self) -> None:
        """Send what waits."""
        with self._lock:
            leaving = self._taken()
        if leaving:
            self._send(leaving)

    def _taken(self) -> list[_Sized]:
        leaving, self._waiting = self._waiting, []
        self._last = time.monotonic()
        self._called.clear()
        return leaving

    def _call(self) -> bool:
        """Have the thread send what waits; False where there is none, and none can be had."""
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="departures", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the machine has no thread left
                return False
            atexit.register(self.flush)
            self._thread = thread
        self._called.set()
        return True

    def _run(self) -> None:
        while self._called.wait():
            time.sleep(max(0.0, self._last + self._every_s - time.monotonic()))
            try:
                self.flush()
            except Exception:  # the sweeper does what was not done, and the next ones have to leave all the same
                logger.exception("batches were not sent on their way")


departures = Departures(pipeline.start_together, settings.MUTT_GATHER_S)

os.register_at_fork(after_in_child=departures.forget)
