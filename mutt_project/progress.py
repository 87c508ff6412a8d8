"""Whether a worker gets on: one that fetches nothing while its queues are not empty is ended, to be started again."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Protocol

from celery.worker import state

from mutt_project.metrics import STALLS

logger = logging.getLogger(__name__)

_LAST_WORD_S = 30


class Progress(Protocol):
    """How many tasks a worker has begun, and whether it is at one."""

    @property
    def tasks(self) -> int: ...

    @property
    def is_busy(self) -> bool: ...


class _OfThisWorker:
    """As Celery counts it in a worker's main process, whose children, if it has any, do the work."""

    @property
    def tasks(self) -> int:
        return int(state.all_total_count[0])

    @property
    def is_busy(self) -> bool:
        return bool(state.active_requests)


progress: Progress = _OfThisWorker()


class Watch:
    """Notices a worker that is idle though messages wait, for `limit_s` seconds on end.

    `waiting` is how many messages its queues have; where it raises, nothing is known, and the time begins anew.
    """

    def __init__(
        self,
        of: Progress,
        waiting: Callable[[], int],
        limit_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._of = of
        self._waiting = waiting
        self._limit_s = limit_s
        self._clock = clock
        self._tasks = -1
        self._since = clock()

    def is_stalled(self) -> bool:
        """Look once."""
        stands_still = not self._of.is_busy and self._of.tasks == self._tasks
        try:
            if stands_still and self._waiting() > 0:
                return self._clock() - self._since >= self._limit_s
        except BaseException:
            self._since = self._clock()
            raise
        self._tasks, self._since = self._of.tasks, self._clock()
        return False


def end_worker() -> None:
    """Ask this worker to end, as an operator would; if it cannot even do that, end it."""
    logger.critical("this worker fetches nothing though messages wait: it ends, and must be started again")
    STALLS.inc()
    os.kill(os.getpid(), signal.SIGTERM)
    last_word = threading.Timer(_LAST_WORD_S, os._exit, [1])
    last_word.daemon = True
    last_word.start()
