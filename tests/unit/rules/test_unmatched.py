"""Counting unmatched events."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.connections import redis_client
from audit.ids import event_id, new_batch_id
from audit.outcomes import Stage
from rules.unmatched import Unmatched, UnmatchedCounter
from tests.unit.audit.batches import claim, journal, opened

pytestmark = pytest.mark.usefixtures("redis_server")


def counter(threshold: int = 5, window_s: int = 60) -> UnmatchedCounter:
    return UnmatchedCounter(redis_client(), threshold=threshold, window_s=window_s)


def batch(size: int, host: str = "h", signature: str = "s"):
    """The unmatched events of a batch that is in the journal."""
    identifier = opened(journal(), size=size, now=datetime.now(UTC))
    return identifier, [Unmatched(event_id(identifier, number), host, signature) for number in range(size)]


def test_the_event_that_reaches_the_threshold_is_named_once_in_a_window():
    count = counter().count
    first, second, third = batch(3), batch(4), batch(20)
    assert count(dict([first])) == set()
    assert count(dict([second])) == {second[1][1].event_id}
    assert count(dict([third])) == set()


def test_a_batch_that_goes_far_beyond_the_threshold_names_the_event_that_is_the_threshold():
    whole = batch(50)
    assert counter(threshold=7).count(dict([whole])) == {whole[1][6].event_id}


@given(st.lists(st.integers(0, 6), max_size=8), st.integers(1, 12))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_however_events_are_batched_the_one_at_the_threshold_is_named_and_no_other(sizes: list[int], threshold: int):
    redis_client().flushall()
    count = counter(threshold).count
    batches = [batch(size) for size in sizes]
    order = [event.event_id for _, events in batches for event in events]
    named = set().union(*[count(dict([one])) for one in batches])
    assert named == set(order[threshold - 1 : threshold])


def test_batches_that_are_counted_at_once_reach_the_threshold_once():
    count = counter(threshold=100).count
    batches = [batch(20) for _ in range(24)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda one: count(dict([one])), batches))
    assert sum(len(answer) for answer in answers) == 1
    again = [count(dict([one])) for one in batches]
    assert again == answers


def test_hosts_and_signatures_are_counted_apart_and_a_hosts_case_does_not_matter():
    identifier, events = batch(4)
    others = [
        Unmatched(event_id(identifier, 10), "other", "s"),
        Unmatched(event_id(identifier, 11), "h", "t"),
        Unmatched(event_id(identifier, 12), "H", "s"),
    ]
    assert counter().count({identifier: [*events, *others]}) == {others[2].event_id}


def test_a_batch_that_comes_twice_is_counted_once_and_gets_the_same_answer():
    count = counter().count
    again = batch(5)
    assert count(dict([again])) == count(dict([again])) == {again[1][4].event_id}
    assert count(dict([batch(4)])) == set()


def test_a_batch_below_the_threshold_that_comes_again_does_not_reach_it():
    count = counter(threshold=5).count
    again = batch(3)
    assert count(dict([again])) == count(dict([again])) == set()
    last = batch(2)
    assert count(dict([last])) == {last[1][1].event_id}


def test_a_new_window_begins_after_the_old_one():
    count = counter(threshold=2, window_s=1).count
    assert len(count(dict([batch(2)]))) == 1
    assert len(count(dict([batch(2)]))) == 0
    time.sleep(1.1)
    assert len(count(dict([batch(2)]))) == 1


def test_nothing_is_kept_longer_than_the_window_or_the_batch():
    identifier, events = batch(3)
    counter(window_s=60).count({identifier: events})
    (counted,) = redis_client().keys("mutt:unmatched:*")
    assert 0 < redis_client().ttl(counted) <= 60
    claim(journal(), identifier, Stage.VALIDATE).finish()
    counter(window_s=60).count({identifier: events})
    assert set(redis_client().keys("*")) == {b"mutt:totals", counted}


def test_a_window_begins_with_its_first_event_and_is_not_lengthened_by_the_next():
    count = counter(window_s=60).count
    count(dict([batch(1)]))
    (key,) = redis_client().keys("mutt:unmatched:count:*")
    redis_client().expire(key, 7)
    count(dict([batch(1)]))
    assert redis_client().ttl(key) <= 7


def test_nothing_unmatched_leaves_nothing_in_redis():
    assert counter().count({new_batch_id(datetime.now(UTC)): []}) == set()
    assert redis_client().dbsize() == 0
