"""Batches leave together that come shortly after each other, and the first at once."""

import os
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest

from audit.ids import new_batch_id
from ingest.departing import Departures
from tests.mutt import eventually

Sized = tuple[UUID, int]


def batches(number: int) -> list[Sized]:
    return [(new_batch_id(datetime.now(UTC)), 1) for _ in range(number)]


def leave(departures: Departures, some: Sequence[Sized]) -> None:
    for one in some:
        departures.leave(*one)


def left_by(number: int, sent: list[list[Sized]]) -> Callable[[], bool]:
    return lambda: sum(map(len, sent)) == number


def test_the_first_leaves_at_once_and_those_that_follow_leave_together():
    sent: list[list[Sized]] = []
    departures = Departures(lambda some: sent.append(list(some)), every_s=0.3)
    first, *others = batches(6)
    departures.leave(*first)
    assert sent == [[first]]
    leave(departures, others)
    assert sent == [[first]]
    eventually(left_by(6, sent))
    assert sent == [[first], others]


def test_after_a_while_the_next_one_leaves_at_once_again():
    sent: list[list[Sized]] = []
    departures = Departures(lambda some: sent.append(list(some)), every_s=0.05)
    for one in batches(3):
        departures.leave(*one)
        assert sent[-1] == [one]
        time.sleep(0.1)


def test_with_no_time_to_gather_each_leaves_by_itself():
    sent: list[list[Sized]] = []
    some = batches(3)
    leave(Departures(lambda one: sent.append(list(one)), every_s=0), some)
    assert sent == [[one] for one in some]


def test_each_leaves_once_however_many_threads_open_batches():
    sent: list[list[Sized]] = []
    departures = Departures(lambda some: sent.append(list(some)), every_s=0.01)
    shares = [batches(200) for _ in range(8)]
    threads = [threading.Thread(target=leave, args=(departures, share)) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    eventually(left_by(1600, sent))
    assert sorted(one for some in sent for one in some) == sorted(one for share in shares for one in share)
    assert len(sent) < 800


def test_an_error_of_one_departure_does_not_keep_the_next_from_leaving():
    sent: list[list[Sized]] = []

    def send(some: Sequence[Sized]) -> None:
        sent.append(list(some))
        if len(sent) == 2:
            raise ZeroDivisionError

    departures = Departures(send, every_s=0.05)
    leave(departures, batches(3))
    eventually(left_by(3, sent))
    leave(departures, batches(2))
    eventually(left_by(5, sent))


def test_what_waits_at_the_end_of_a_process_is_sent():
    sent: list[list[Sized]] = []
    departures = Departures(lambda some: sent.append(list(some)), every_s=60)
    some = batches(3)
    leave(departures, some)
    departures.flush()
    assert [one for those in sent for one in those] == some


def test_a_forked_process_sends_nothing_of_its_parents():
    sent: list[list[Sized]] = []
    departures = Departures(lambda some: sent.append(list(some)), every_s=60)
    leave(departures, batches(2))
    pid = os.fork()
    if pid == 0:
        departures.forget()
        departures.flush()
        os._exit(len(sent) - 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_where_no_thread_can_be_had_each_leaves_at_once(monkeypatch: pytest.MonkeyPatch):
    sent: list[list[Sized]] = []

    def no_room(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_room)
    some = batches(3)
    leave(Departures(lambda one: sent.append(list(one)), every_s=60), some)
    assert sent == [[one] for one in some]
