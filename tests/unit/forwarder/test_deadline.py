"""One thread of a process watches the deadlines of all exchanges with Moogsoft."""

import subprocess
import sys
import threading
import time

from forwarder.deadline import deadline
from forwarder.moogsoft import Destination, Moogsoft
from forwarder.payload import Dialect, Flavour
from ops.local.stack import ROOT
from tests.unit.forwarder.moogsoft_double import HERE, MoogsoftDouble

_PATIENCE_S = 20

_IN_A_FORKED_PROCESS = """
import os, time
from forwarder.deadline import deadline

with deadline(60):
    pid = os.fork()
    if pid == 0:
        with deadline(0.05) as watch:
            until = time.monotonic() + 20
            while not watch.is_over and time.monotonic() < until:
                time.sleep(0.01)
        os._exit(not watch.is_over)
    raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


def ends(seconds: float) -> bool:
    """Whether an exchange that would go on for long is told that its time is over."""
    until = time.monotonic() + _PATIENCE_S
    with deadline(seconds) as watch:
        while not watch.is_over and time.monotonic() < until:
            time.sleep(0.01)
    return watch.is_over


def client(double: MoogsoftDouble, seconds: float) -> Moogsoft:
    return Moogsoft(Destination(double.url, "key", Dialect(Flavour.CLOUD), seconds / 2, seconds / 2, HERE))


def test_a_deadline_that_comes_sooner_than_those_before_is_kept():
    ended: list[bool] = []
    with deadline(60):
        thread = threading.Thread(target=lambda: ended.append(ends(0.05)))
        thread.start()
        thread.join()
    assert ended == [True]


def test_deadlines_are_kept_one_after_the_other():
    assert [ends(0.02) for _ in range(3)] == [True] * 3


def test_a_connection_is_not_cut_for_an_exchange_that_ended_in_time(double):
    sender = client(double, 0.5)
    sender.post(b"[]")
    assert ends(0.6)  # by then the first one's time is over as well
    sender.post(b"[]")
    assert len({request.connection for request in double.requests}) == 1


def test_many_exchanges_need_one_thread(double):
    sender = client(double, 10)
    for _ in range(5):
        sender.post(b"[]")
    assert [thread.name for thread in threading.enumerate()].count("deadlines") == 1


def test_a_forked_process_keeps_its_deadlines():
    ended = subprocess.run([sys.executable, "-c", _IN_A_FORKED_PROCESS], cwd=ROOT, check=False)
    assert ended.returncode == 0
