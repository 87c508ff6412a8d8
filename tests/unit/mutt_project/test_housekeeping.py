"""What a worker does besides its tasks: it tells that it lives, and forks no child amid a chore."""

import os
import threading
import time
from collections.abc import Iterator

import pytest

from audit.workers import workers
from mutt_project import housekeeping
from mutt_project.housekeeping import Chore, Telling


@pytest.fixture
def busy() -> Iterator[threading.Lock]:
    """A lock that a chore holds nearly all the time."""
    lock = threading.Lock()

    def work() -> None:
        with lock:
            time.sleep(0.02)

    chore = Chore("busy", work, 0.0001)
    housekeeping._chores.append(chore)  # noqa: SLF001 - begin() needs a worker
    chore.start()
    yield lock
    chore.stop()
    housekeeping._chores.remove(chore)  # noqa: SLF001 - as above


def test_a_child_inherits_no_lock_that_a_chore_holds(busy):
    for _ in range(10):
        child = os.fork()
        if child == 0:
            os._exit(0 if busy.acquire(timeout=2) else 1)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0


def test_the_chores_go_on_after_a_fork(busy):
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    (chore,) = housekeeping._chores  # noqa: SLF001 - as above
    assert chore.at_work.acquire(timeout=5)
    chore.at_work.release()


def test_a_worker_tells_that_it_lives_and_says_good_bye(redis_server):
    telling = Telling("a@host", ["pipeline", "maintenance"])
    telling()
    (told,) = workers()
    assert (told.name, told.queues, told.state) == ("a@host", ("pipeline", "maintenance"), "alive")
    telling.good_bye()
    (told,) = workers()
    assert told.state == "stopped"


def test_a_good_bye_while_redis_is_away_is_left_out(redis_away):
    Telling("a@host", ["pipeline"]).good_bye()
