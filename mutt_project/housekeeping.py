"""What every worker does besides its tasks, in a thread: sweep open batches, release parked ones, see that it gets on.

Neither waits for a queue or for beat: a worker that is busy for an hour does it all the same.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

from celery.signals import worker_ready, worker_shutting_down
from django.conf import settings
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from audit.journal import journal
from forwarder.tasks import drain
from ingest.sweeper import sweep_if_due
from mutt_project.progress import Watch, end_worker, progress

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


class Watching:
    """Ends this worker, once, if it does not fetch what waits in its queues."""

    def __init__(self, queues: Sequence[str], limit_s: float) -> None:
        self._queues = queues
        self._watch = Watch(progress, self._waiting, limit_s)
        self._ended = False

    def __call__(self) -> None:
        if not self._ended and self._watch.is_stalled():
            self._ended = True
            end_worker()

    def _waiting(self) -> int:
        waiting = journal().waiting()
        return sum(waiting.in_queue(queue) for queue in self._queues)


@worker_ready.connect
def begin(sender: Any, **_: Any) -> None:
    """Start the chores with the worker."""
    queues = [str(queue) for queue in sender.app.amqp.queues.consume_from]
    every_s = settings.MUTT_SWEEP_EVERY_S
    _chores.extend(
        [
            Chore("sweeper", lambda: sweep_if_due(every_s), every_s),
            Chore("drainer", drain, settings.MOOGSOFT_DRAIN_EVERY_S),
            Chore("watch", Watching(queues, settings.MUTT_STALL_S), min(settings.MUTT_STALL_S / 5, 5)),
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
