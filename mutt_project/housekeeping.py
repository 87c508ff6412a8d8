"""What every worker does besides its tasks, in a thread: sweep open batches, and release parked ones.

Neither waits for a queue or for beat: a worker that is busy for an hour does it all the same.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any

from celery.signals import worker_ready, worker_shutting_down
from django.conf import settings
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from forwarder.tasks import drain
from ingest.sweeper import sweep_if_due

logger = logging.getLogger(__name__)


class Chore(threading.Thread):
    """Does something every so many seconds, until it is stopped."""

    def __init__(self, name: str, work: Callable[[], object], every_s: float) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self._every_s = every_s
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.wait(self._every_s):
            try:
                self._work()
            except (RedisError, OperationalError) as error:
                logger.debug("%s has to wait: %s", self.name, type(error).__name__)
            except Exception:  # the next turn may go better, and nobody else does this
                logger.exception("%s failed", self.name)

    def stop(self) -> None:
        self._stopping.set()


_chores: list[Chore] = []


@worker_ready.connect
def begin(**_: Any) -> None:
    """Start the chores with the worker."""
    every_s = settings.MUTT_SWEEP_EVERY_S
    _chores.extend(
        [
            Chore("sweeper", lambda: sweep_if_due(every_s), every_s),
            Chore("drainer", drain, settings.MOOGSOFT_DRAIN_EVERY_S),
        ]
    )
    for chore in _chores:
        chore.start()


@worker_shutting_down.connect
def end(**_: Any) -> None:
    """Stop them when the worker is told to stop; what they were at may be finished by others."""
    for chore in _chores:
        chore.stop()
    _chores.clear()
