"""Group commit: one write for what comes together, no waiting for what does not come."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from ingest.committing import Group


class Writer:
    """Notes the groups that it is given; writes only while the gate is open."""

    def __init__(self, *, is_open: bool = True) -> None:
        self.groups: list[list[int]] = []
        self.afterwards: list[int] = []
        self.gate = threading.Event()
        self.entered = threading.Event()
        if is_open:
            self.gate.set()

    def __call__(self, items: Sequence[int]) -> Callable[[], None]:
        self.groups.append(list(items))
        self.entered.set()
        assert self.gate.wait(10)
        if -1 in items:
            raise OSError("the disk is full")
        return lambda: self.afterwards.append(len(items))


def test_a_lone_item_is_written_at_once_by_itself():
    writer = Writer()
    group = Group(writer)
    for item in range(3):
        group.add(item)
    assert writer.groups == [[0], [1], [2]]
    assert writer.afterwards == [1, 1, 1]


def test_items_that_come_during_a_write_are_written_together():
    writer = Writer(is_open=False)
    group = Group(writer)
    with ThreadPoolExecutor(10) as pool:
        first = pool.submit(group.add, 0)
        assert writer.entered.wait(10)
        rest = [pool.submit(group.add, item) for item in range(1, 9)]
        while len(group._waiting) < 8:  # noqa: SLF001 - no other way to know that they are there
            pass
        assert not any(future.done() for future in [first, *rest])
        writer.gate.set()
        for future in [first, *rest]:
            future.result(10)
    assert writer.groups[0] == [0]
    assert sorted(writer.groups[1]) == list(range(1, 9))
    assert len(writer.groups) == 2


def test_a_group_is_no_larger_than_allowed():
    writer = Writer(is_open=False)
    group = Group(writer, most=3)
    with ThreadPoolExecutor(10) as pool:
        futures = [pool.submit(group.add, 0)]
        assert writer.entered.wait(10)
        futures += [pool.submit(group.add, item) for item in range(1, 8)]
        while len(group._waiting) < 7:  # noqa: SLF001 - as above
            pass
        writer.gate.set()
        for future in futures:
            future.result(10)
    assert [len(items) for items in writer.groups] == [1, 3, 3, 1]


def test_an_error_reaches_everybody_whose_item_was_in_the_group_and_nobody_else():
    writer = Writer(is_open=False)
    group = Group(writer)
    with ThreadPoolExecutor(10) as pool:
        good = pool.submit(group.add, 0)
        assert writer.entered.wait(10)
        bad = [pool.submit(group.add, item) for item in (1, -1, 2)]
        while len(group._waiting) < 3:  # noqa: SLF001 - as above
            pass
        writer.gate.set()
        good.result(10)
        for future in bad:
            with pytest.raises(OSError, match="the disk is full"):
                future.result(10)
    group.add(5)
    assert writer.groups[-1] == [5]


def test_the_others_are_told_before_what_comes_afterwards_is_done():
    told, ready, publishing = threading.Event(), threading.Event(), threading.Event()

    def commit(items: Sequence[int]) -> Callable[[], None]:
        def publish() -> None:
            publishing.set()
            if len(items) > 1:
                assert told.wait(10)

        assert ready.wait(10)
        return publish

    group = Group(commit)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(group.add, 0)
        while not group._busy:  # noqa: SLF001 - as above
            pass
        pair = [pool.submit(group.add, item) for item in (1, 2)]
        while len(group._waiting) < 2:  # noqa: SLF001 - as above
            pass
        ready.set()
        first.result(10)
        while not any(future.done() for future in pair):  # the follower, while its leader still publishes
            pass
        told.set()
        for future in pair:
            future.result(10)


class Load:
    """A group after a write of several, with a clock of its own; whoever is told to wait for more is noted."""

    def __init__(self, writer: Writer) -> None:
        self.now = 0.0
        self.asked_to_wait: list[float] = []
        self.waited = threading.Semaphore(1000)
        self.group = Group(writer, gather_s=0.5, clock=lambda: self.now, sleep=self.sleep)
        with ThreadPoolExecutor(10) as pool:
            writer.gate.clear()
            futures = [pool.submit(self.group.add, 0)]
            assert writer.entered.wait(10)
            futures += [pool.submit(self.group.add, item) for item in (1, 2)]
            while len(self.group._waiting) < 2:  # noqa: SLF001 - as above
                pass
            writer.gate.set()
            for future in futures:
                future.result(10)

    def sleep(self, seconds: float) -> None:
        self.asked_to_wait.append(seconds)
        assert self.waited.acquire(timeout=10)


def test_under_load_a_group_waits_for_some_more_to_come():
    writer = Writer()
    load = Load(writer)
    assert load.asked_to_wait == []
    load.waited = threading.Semaphore(0)
    with ThreadPoolExecutor(10) as pool:
        futures = [pool.submit(load.group.add, item) for item in range(3, 9)]
        while len(load.group._waiting) < 6:  # noqa: SLF001 - as above
            pass
        load.waited.release()
        for future in futures:
            future.result(10)
    assert load.asked_to_wait == [0.5]
    assert [sorted(items) for items in writer.groups] == [[0], [1, 2], [3, 4, 5, 6, 7, 8]]


def test_who_comes_alone_or_when_the_load_is_over_waits_for_nobody():
    alone = Group(Writer(), gather_s=0.5, sleep=lambda _: pytest.fail("it waited"))
    for item in range(3):
        alone.add(item)
    load = Load(Writer())
    load.now += 1
    load.group.add(3)
    assert load.asked_to_wait == []


def test_thousands_of_items_from_many_threads_are_each_written_once():
    written: list[int] = []

    def commit(items: Sequence[int]) -> Callable[[], None]:
        written.extend(items)
        return lambda: None

    group = Group(commit, most=7, gather_s=0.0001)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(group.add, range(5000)))
    assert sorted(written) == list(range(5000))
