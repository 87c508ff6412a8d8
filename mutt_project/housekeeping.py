"""What every worker does besides its tasks, in threads: sweep, release, tell that it lives, see that it gets on.

None waits for a queue or for beat: a worker that is busy for an hour does it all the same.
"""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from celery.signals import worker_init, worker_ready, worker_shutting_down
from django.conf import settings
from kombu.exceptions import OperationalError
from prometheus_client import start_http_server
from redis.exceptions import RedisError

from audit.journal import journal
from audit.tuning.present import present
from audit.tuning.storing import publish_if_due
from audit.workers import SAYS_SO_EVERY_S, say_alive
from forwarder.tasks import drain
from ingest.sweeper import sweep_if_due
from mutt_project.alive import touch_alive
from mutt_project.garbage import IN_WORKERS, rarely_collect
from mutt_project.progress import Watch, end_worker, progress
from mutt_project.shared_metrics import process_metrics, tidy

logger = logging.getLogger(__name__)

TIDY_EVERY_S = 60
PUBLISH_EVERY_S = 4
REST_S = 10  # longer than calls of Redis may take


class Chore(threading.Thread):
    """Does something every so many seconds, until it is stopped."""

    def __init__(self, name: str, work: Callable[[], object], every_s: float, *, at_once: bool = False) -> None:
        super().__init__(name=name, daemon=True)
        self._wait_s = 0 if at_once else every_s
        self._work = work
        self._every_s = every_s
        self._stopping = threading.Event()
        self.at_work = threading.Lock()

    def run(self) -> None:
        while not self._stopping.wait(self._wait_s):
            self._wait_s = self._every_s
            with self.at_work:
                self._do()

    def _do(self) -> None:
        try:
            self._work()
        except (RedisError, OperationalError) as error:
            logger.debug("%s has to wait: %s", self.name, type(error).__name__)
        except Exception:  # the next turn may go better, and nobody else does this
            logger.exception("%s failed", self.name)

    def stop(self) -> None:
        self._stopping.set()


_chores: list[Chore] = []
_resting: list[Chore] = []


def _rest() -> None:
    """Let all chores rest: a child that is forked amid one would wait for ever for the locks that it held."""
    _resting.extend(chore for chore in _chores if chore.at_work.acquire(timeout=REST_S))


def _go_on() -> None:
    for chore in _resting:
        chore.at_work.release()
    _resting.clear()


os.register_at_fork(before=_rest, after_in_parent=_go_on, after_in_child=_go_on)


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


class Telling:
    """Tells that this worker lives; and, at its end, that it stops."""

    def __init__(self, name: str, queues: Sequence[str]) -> None:
        self._name = name
        self._queues = queues
        self._started_at = datetime.now(UTC)

    def __call__(self) -> None:
        say_alive(self._name, self._queues, self._started_at, progress.tasks)

    def good_bye(self) -> None:
        with suppress(RedisError):
            say_alive(self._name, self._queues, self._started_at, progress.tasks, stopped=True)


_telling: list[Telling] = []


@worker_init.connect
def live(**_: Any) -> None:
    """Tell who watches the process that it lives, also while it waits for Redis and is not ready yet."""
    alive = Chore("alive", lambda: touch_alive("worker"), SAYS_SO_EVERY_S, at_once=True)
    _chores.append(alive)
    alive.start()


@worker_ready.connect
def begin(sender: Any, **_: Any) -> None:
    """Start the chores with the worker."""
    queues = [str(queue) for queue in sender.app.amqp.queues.consume_from]
    telling = Telling(str(sender.hostname), queues)
    _telling.append(telling)
    every_s = settings.MUTT_SWEEP_EVERY_S
    chores = [
        Chore("sweeper", lambda: sweep_if_due(every_s), every_s),
        Chore("drainer", drain, settings.MOOGSOFT_DRAIN_EVERY_S),
        Chore("metrics", tidy, TIDY_EVERY_S),
        Chore("settings", publish_settings, PUBLISH_EVERY_S, at_once=True),
        Chore("telling", telling, SAYS_SO_EVERY_S, at_once=True),
        Chore("watch", Watching(queues, settings.MUTT_STALL_S), min(settings.MUTT_STALL_S / 5, 5)),
    ]
    _chores.extend(chores)
    for chore in chores:
        chore.start()
    _serve_metrics()
    rarely_collect(IN_WORKERS)


def publish_settings() -> None:
    """See to it that Redis has the settings that were changed, and that an idle worker knows of them."""
    publish_if_due(PUBLISH_EVERY_S)
    present.refresh()


def _serve_metrics() -> None:
    """Serve the metrics of this machine's processes, where the settings say so. One worker of several does."""
    port, address = settings.MUTT_METRICS_PORT, settings.MUTT_METRICS_ADDRESS
    if port is None:
        return
    try:
        start_http_server(port, address, process_metrics())
    except OSError as error:
        logger.warning("no metrics at %s:%s: %s", address, port, error)
    else:
        logger.info("metrics at http://%s:%s/metrics", address, port)


@worker_shutting_down.connect
def end(**_: Any) -> None:
    """Stop them when the worker is told to stop; what they were at may be finished by others."""
    for chore in _chores:
        chore.stop()
    _chores.clear()
    for telling in _telling:
        telling.good_bye()
    _telling.clear()
