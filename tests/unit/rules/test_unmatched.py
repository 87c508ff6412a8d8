"""Counting unmatched events."""

import time
from datetime import UTC, datetime

import pytest

from audit.connections import redis_client
from audit.ids import event_id, new_batch_id
from rules.unmatched import Unmatched, UnmatchedCounter

pytestmark = pytest.mark.usefixtures("redis_server")


def counter(threshold: int = 5, window_s: int = 60) -> UnmatchedCounter:
    return UnmatchedCounter(redis_client(), threshold=threshold, window_s=window_s)


def batch(size: int, host: str = "h", signature: str = "s"):
    identifier = new_batch_id(datetime.now(UTC))
    return identifier, [Unmatched(event_id(identifier, number), host, signature) for number in range(size)]


def test_the_event_that_reaches_the_threshold_is_named_once_in_a_window():
    count = counter().count
    first, second, third = batch(3), batch(4), batch(20)
    assert count(*first) == set()
    assert count(*second) == {second[1][1].event_id}
    assert count(*third) == set()


def test_hosts_and_signatures_are_counted_apart_and_a_hosts_case_does_not_matter():
    identifier, events = batch(4)
    others = [
        Unmatched(event_id(identifier, 10), "other", "s"),
        Unmatched(event_id(identifier, 11), "h", "t"),
        Unmatched(event_id(identifier, 12), "H", "s"),
    ]
    assert counter().count(identifier, [*events, *others]) == {others[2].event_id}


def test_a_batch_that_comes_twice_is_counted_once_and_gets_the_same_answer():
    count = counter().count
    again = batch(5)
    assert count(*again) == count(*again) == {again[1][4].event_id}
    assert count(*batch(4)) == set()


def test_a_new_window_begins_after_the_old_one():
    count = counter(threshold=2, window_s=1).count
    assert len(count(*batch(2))) == 1
    assert len(count(*batch(2))) == 0
    time.sleep(1.1)
    assert len(count(*batch(2))) == 1


def test_nothing_unmatched_leaves_nothing_in_redis():
    assert counter().count(new_batch_id(datetime.now(UTC)), []) == set()
    assert redis_client().dbsize() == 0
