"""Releasing parked batches: one to try, then a ramp, never more than there is room for."""

import time
from datetime import timedelta
from uuid import UUID

import pytest

from audit.connections import redis_client
from audit.ids import event_id, new_batch_id
from audit.journal import PARKED, QUEUES, Failing, Journal, NotClaimed, Waiting
from audit.outcomes import Stage
from forwarder.breaker import BREAKER, Breaker, Thresholds, Wish
from forwarder.draining import MOST_AT_ONCE, QUEUE, Drainer
from forwarder.rate_limit import HOLD, RateLimit
from tests.unit.audit.batches import NOW, at_once, claim, journal
from tests.unit.forwarder.breaking import trip

pytestmark = pytest.mark.usefixtures("redis_server")


def breaker(open_s: float = 300, probe_s: float = 30) -> Breaker:
    return Breaker(redis_client(), Thresholds(3, 60, open_s, probe_s), "key")


def drainer(of: Breaker | None = None, rate: str = "10/second", share: float = 1.0, size: int = 100) -> Drainer:
    limit = RateLimit(redis_client(), rate)
    return Drainer(redis_client(), of or breaker(), limit, share=share, size=size, grace_s=15)


def parked(number: int, *, into: Journal | None = None, owed: int = 100, why: str = "open") -> list[UUID]:
    """So many parked batches, in the order of their receipt."""
    books = into or journal()
    made = []
    for place in range(number):
        batch = new_batch_id(NOW + timedelta(seconds=place))
        books.open(batch, [{"id": str(event_id(batch, 0)), "event": {}}], api_key="k", address="a")
        claim(books, batch, Stage.VALIDATE).advance(Stage.FORWARD)
        claim(books, batch, Stage.FORWARD).park(why, owed)
        made.append(batch)
    return made


def released_within(seconds: float, by: Drainer) -> list[tuple[float, UUID]]:
    begin, found = time.monotonic(), []
    while (elapsed := time.monotonic() - begin) < seconds:
        found += [(elapsed, batch) for group in by.release() for batch in group]
        time.sleep(0.02)
    return found


def test_parked_batches_are_released_in_the_order_of_their_receipt_and_can_be_claimed():
    books = journal()
    batches = parked(5, into=books)
    one = drainer(rate="100/second")
    time.sleep(0.01)
    found = [batch for _, batch in released_within(0.3, one)]
    assert found == batches
    assert books.waiting().parked == 0
    assert claim(books, batches[0], Stage.FORWARD).attempt == 1


def test_a_released_batch_whose_message_is_lost_is_swept():
    books = journal(grace_s=0.05)
    (batch,) = parked(1, into=books)
    Drainer(
        redis_client(), breaker(), RateLimit(redis_client(), "10/second"), share=1, size=100, grace_s=0.05
    ).release()
    time.sleep(0.1)
    assert [found.batch for found in books.sweep(10)] == [batch]


def test_a_parked_batch_is_neither_swept_nor_overdue_and_counts_as_open():
    books = journal(grace_s=0)
    parked(3, into=books)
    time.sleep(0.02)
    assert books.sweep(10) == []
    assert (books.totals().open_batches, books.waiting().parked) == (3, 3)


def test_a_message_too_many_that_reaches_a_parked_batch_takes_it_out():
    books = journal()
    (batch,) = parked(1, into=books)
    held = claim(books, batch, Stage.FORWARD)
    assert books.waiting().parked == 0
    held.park("open", 1)
    assert books.waiting().parked == 1
    with pytest.raises(NotClaimed), books.claimed(batch, Stage.MATCH):
        pass


def test_while_the_breaker_is_open_nothing_is_released():
    one = breaker()
    trip(one, "away")
    parked(3)
    assert released_within(0.3, drainer(one)) == []


def test_when_its_time_is_over_one_batch_tries_and_the_others_wait_for_what_comes_of_it():
    one = breaker(open_s=0.1)
    trip(one, "away")
    batches = parked(5)
    found = released_within(0.6, drainer(one))
    assert len(found) == 1
    assert found[0][1] in batches


def test_a_batch_that_was_to_try_and_did_not_is_followed_by_the_next_after_the_probes_lease():
    one = breaker(open_s=0.05, probe_s=0.3)
    trip(one, "away")
    batches = parked(3)
    found = released_within(0.5, drainer(one))
    assert len(found) == 2
    assert {batch for _, batch in found} < set(batches)


def test_not_always_the_same_batch_tries_since_that_one_may_be_what_moogsoft_breaks_on():
    one = breaker(open_s=0)
    trip(one, "away")
    batches = parked(3)
    tried = set()
    for _ in range(100):
        one.untried()
        ((batch,),) = drainer(one).release()
        claim(journal(), batch, Stage.FORWARD).park("open", 1)
        tried.add(batch)
    assert tried == set(batches)


def test_a_pause_or_a_probe_of_before_the_clock_was_put_back_holds_nothing_up():
    one = breaker(open_s=0.01)
    parked(2)
    redis_client().hset(HOLD, "until", time.time() + 3600)
    assert len(drainer(one).release()) == 1
    trip(one, "away")
    redis_client().hset(BREAKER, mapping={"state": "half_open", "probe_until": time.time() + 3600})
    time.sleep(0.02)
    assert len(drainer(one).release()) == 1


def test_after_an_outage_the_backlog_begins_with_one_a_second_and_doubles():
    one = breaker(open_s=0.05)
    trip(one, "away")
    time.sleep(0.1)
    one.admit().call(lambda: "taken")
    parked(200)
    times = [at for at, _ in released_within(3.2, drainer(one, rate="50/second"))]
    by_second = [sum(second <= at < second + 1 for at in times) for second in range(3)]
    assert by_second[0] <= 3
    assert by_second[0] < by_second[1] < by_second[2] <= 12


def test_a_failure_halves_the_pace():
    one = breaker()
    parked(200)
    by = drainer(one, rate="40/second")
    fast = len(released_within(0.5, by))
    with pytest.raises(ZeroDivisionError):
        one.admit().call(lambda: 1 / 0)
    by.release()
    rate = float(redis_client().hget("mutt:moogsoft:ramp", "rate") or 0)
    assert fast > 10
    assert 19 < rate < 22


def test_a_share_of_the_rate_is_left_to_what_comes_in():
    parked(100)
    found = released_within(1.0, drainer(rate="20/second", share=0.5))
    assert 8 <= len(found) <= 12


def test_many_drainers_release_each_batch_once_and_no_faster():
    batches = parked(100)
    one = drainer(rate="20/second")
    shares = at_once(6, lambda _: [batch for _, batch in released_within(1.0, one)])
    found = [batch for share in shares for batch in share]
    assert len(found) == len(set(found)) <= 24
    assert set(found) <= set(batches)


def test_a_batch_of_many_requests_counts_as_many():
    parked(100, owed=1000)
    found = released_within(1.5, drainer(rate="10/second", size=100))
    assert 1 <= len(found) <= 3


def test_small_batches_go_together_as_many_as_a_request_can_hold():
    batches = parked(250, owed=1)
    groups = drainer(rate="100/second").release()
    assert [len(group) for group in groups] == [100]
    time.sleep(0.1)
    groups += drainer(rate="100/second").release()
    assert [len(group) for group in groups] == [100, 100, 50]
    assert [batch for group in groups for batch in group] == batches


def test_what_a_request_cannot_hold_besides_begins_the_next():
    batches = [*parked(2, owed=40), *parked(1, owed=30), *parked(1, owed=250), *parked(2, owed=1)]
    time.sleep(0.1)
    one = drainer(rate="100/second")
    one.release()
    redis_client().zadd(PARKED, {str(batch): place for place, batch in enumerate(batches)})
    redis_client().hset("mutt:moogsoft:ramp", mapping={"credit": 10, "rate": 100})
    groups = one.release()
    assert [len(group) for group in groups] == [2, 1, 1, 2]


def test_a_batch_that_failed_among_others_goes_alone_the_next_time():
    books = journal()
    first, failed, last = parked(3, owed=1, into=books)
    claim(books, failed, Stage.FORWARD).park("server_error", 1, failing=Failing(1))
    redis_client().hset("mutt:moogsoft:ramp", mapping={"credit": 10, "rate": 10, "at": time.time()})
    assert drainer().release() == [[first], [failed], [last]]


def test_no_more_batches_are_released_at_once_than_redis_can_bear():
    parked(MOST_AT_ONCE + 10, owed=1)
    redis_client().hset("mutt:moogsoft:ramp", mapping={"credit": 100, "rate": 100, "at": time.time()})
    assert sum(map(len, drainer(rate="100/second").release())) == MOST_AT_ONCE


def test_one_that_waits_for_a_parked_one_is_parked_with_it_and_goes_with_it():
    books = journal()
    first, second = parked(2, owed=1, into=books)
    claim(books, second, Stage.FORWARD).park("order", 1, behind=first)
    assert books.waiting() == Waiting(2, 0, dict.fromkeys(QUEUES, 0))
    redis_client().hset("mutt:moogsoft:ramp", mapping={"credit": 10, "rate": 10, "at": time.time()})
    assert drainer().release() == [[first, second]]


def test_while_the_queue_is_deep_nothing_is_released():
    parked(3)
    redis_client().lpush(QUEUE, *(["message"] * 100))
    assert released_within(0.2, drainer()) == []
    redis_client().delete(QUEUE)
    assert len(released_within(0.5, drainer())) == 3


@pytest.mark.parametrize("halt", ["paused", "forced_open", "held"])
def test_nothing_is_released_while_moogsoft_must_not_be_asked(halt):
    one = breaker()
    if halt == "paused":
        one.pause("HTTP 401")
    elif halt == "forced_open":
        one.want(Wish.OPEN, "maintenance", "alice", 60)
    else:
        RateLimit(redis_client(), "1/second").hold(60)
    parked(3)
    assert released_within(0.2, drainer(one)) == []


def test_what_is_forced_closed_is_drained_at_a_ramp():
    one = breaker()
    trip(one, "away")
    parked(30)
    one.want(Wish.CLOSED, "it is back", "alice", 60)
    found = released_within(1.0, drainer(one, rate="50/second"))
    assert 1 <= len(found) <= 3


def test_a_batch_that_is_gone_is_dropped():
    books = journal()
    gone, there = parked(2, into=books)
    redis_client().delete(f"mutt:batch:{gone}")
    assert [batch for _, batch in released_within(0.3, drainer())] == [there]


def test_a_parked_batch_that_no_list_holds_is_found_and_swept():
    books = journal(grace_s=0)
    lost, safe = parked(2, into=books)
    redis_client().zrem(PARKED, str(lost))
    assert books.reconcile(10) == 1
    assert books.reconcile(10) == 0
    time.sleep(0.01)
    assert [found.batch for found in books.sweep(10)] == [lost]
    assert books.waiting().parked == 1
    assert safe


def test_a_batch_behind_one_that_vanished_is_found_and_swept():
    books = journal(grace_s=0)
    ahead, behind = parked(2, into=books)
    claim(books, ahead, Stage.FORWARD)
    claim(books, behind, Stage.FORWARD).park("order", 1, behind=ahead)
    assert books.reconcile(10) == 0
    redis_client().delete(f"mutt:batch:{ahead}")
    assert books.reconcile(10) >= 1
    time.sleep(0.01)
    assert behind in [found.batch for found in books.sweep(10)]
