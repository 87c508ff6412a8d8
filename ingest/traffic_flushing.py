"""A thread of each web process takes what was counted to PostgreSQL, every few seconds and at the end.

While PostgreSQL is away the counts wait in memory. A process that is killed takes those of the last seconds along.
"""

import atexit
import logging
import os
import threading
from collections.abc import Callable

from django.conf import settings
from django.db import Error, close_old_connections, connection

from ingest import traffic_store
from ingest.metrics import TRAFFIC_LOST
from ingest.traffic import Counts, Traffic, traffic

LAST_WAIT_S = 5.0

logger = logging.getLogger(__name__)


class Flushing:
    """Flushes `counted` by `store`; the thread begins with the first call of `ensure`."""

    def __init__(self, counted: Traffic, store: Callable[[Counts], None]) -> None:
        self._counted = counted
        self._store = store
        self.forget()

    def forget(self) -> None:
        """Begin anew: a forked process has no thread yet."""
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._failing = False

    def ensure(self, every_s: float) -> None:
        """Flush from now on; at 0, never."""
        if self._thread is None and every_s:
            with self._lock:
                self._thread = self._thread or self._begun(every_s)

    def _begun(self, every_s: float) -> threading.Thread:
        thread = threading.Thread(target=self._run, args=(every_s,), name="traffic", daemon=True)
        atexit.register(self._finish)
        try:
            thread.start()
        except RuntimeError:  # the machine has no thread left; no request fails for that
            logger.exception("traffic is stored only when this process ends")
        return thread

    def flush(self) -> bool:
        """Store what was counted; if that cannot be done now, keep it. Returns whether it is stored."""
        with self._lock:
            counts = self._counted.take()
            if not len(counts):
                return True
            stored = False
            try:
                self._store(counts)
                stored = True
            except Error as error:
                self._tell(type(error).__name__, len(counts))
            finally:  # whatever happens, nothing is forgotten
                if not stored:
                    self._counted.give_back(counts)
        if stored:
            self._settle(counts)
        return stored

    def _settle(self, counts: Counts) -> None:
        if counts.lost:
            TRAFFIC_LOST.inc(counts.lost)
            logger.warning("%s requests are in no minute: there was no room to count them", counts.lost)
        if self._failing:
            logger.info("the traffic that was counted meanwhile is stored")
        self._failing = False

    def _tell(self, why: str, cells: int) -> None:
        if not self._failing:
            logger.warning("traffic cannot be stored (%s); %s counts wait in memory", why, cells)
        self._failing = True

    def _run(self, every_s: float) -> None:
        pause = threading.Event()
        while not pause.wait(every_s):
            close_old_connections()
            try:
                self.flush()
            except Exception:  # the next turn may go better, and nobody else does this
                logger.exception("traffic was not stored")
            close_old_connections()

    def _finish(self) -> None:
        if self._lock.acquire(timeout=LAST_WAIT_S):  # else the thread hangs at a PostgreSQL that does not answer
            self._lock.release()
            self.flush()
        connection.close()


flushing = Flushing(traffic, traffic_store.add)


def ensure_flushing() -> None:
    """See that this process flushes what it counts."""
    flushing.ensure(settings.MUTT_TRAFFIC_EVERY_S)


def _begin_anew() -> None:
    traffic.forget()
    flushing.forget()


os.register_at_fork(after_in_child=_begin_anew)
