"""The rate limit: never more than so many requests in any window, whoever asks; and the pauses that Moogsoft wants."""

import time

import pytest

from audit.connections import redis_client
from forwarder.breaker import Held, breaker
from forwarder.rate_limit import HOLD, RateLimit
from tests.unit.audit.batches import at_once

pytestmark = pytest.mark.usefixtures("redis_server")


def limit(rate: str = "5/second") -> RateLimit:
    return RateLimit(redis_client(), rate)


def take(of: RateLimit) -> None:
    breaker().admit(turn=of.turn)


def taken(of: RateLimit, most: int = 1000) -> int:
    """How many requests may go at once."""
    for number in range(most):
        try:
            take(of)
        except Held:
            return number
    return most


def test_so_many_requests_may_go_and_the_next_is_told_how_long_to_wait():
    one = limit("5/second")
    assert taken(one) == 5
    with pytest.raises(Held) as caught:
        take(one)
    assert caught.value.why == "rate"
    assert 0 < caught.value.wait_s <= 1


def test_all_workers_together_get_no_more_in_any_window():
    one = limit("20/second")
    times: list[float] = []

    def work(_: int) -> None:
        until = time.monotonic() + 2.2
        while time.monotonic() < until:
            try:
                take(one)
                times.append(time.monotonic())
            except Held:
                time.sleep(0.005)

    at_once(6, work)
    times.sort()
    # A thread may be slow to note that it was let through; the window is Redis' own.
    in_windows = [sum(start <= later < start + 0.9 for later in times) for start in times]
    assert max(in_windows) <= 20
    assert 40 <= len(times) <= 60


def test_a_window_slides():
    one = limit("3/second")
    assert taken(one) == 3
    time.sleep(0.5)
    assert taken(one) == 0
    time.sleep(0.6)
    assert taken(one) == 3


def test_a_rate_may_be_a_minutes():
    one = limit("30/minute")
    assert (one.requests, one.window_s, one.per_second) == (30, 60, 0.5)
    assert taken(one) == 30


def test_after_a_429_nobody_sends_for_as_long_as_moogsoft_asked():
    one, another = limit("100/second"), limit("100/second")
    assert one.hold(0.4) >= 0.4
    with pytest.raises(Held) as caught:
        take(another)
    assert caught.value.why == "retry_after"


def test_the_pause_is_bounded_whatever_moogsoft_asks():
    assert limit().hold(1e9) == 300


def test_a_pause_ends():
    one = limit()
    redis_client().hset(HOLD, "until", time.time() + 0.2)
    assert taken(one) == 0
    time.sleep(0.3)
    assert taken(one) == 5


def test_pauses_double_while_the_answers_go_on_and_begin_anew_after_a_quiet_minute():
    one = limit()
    assert one.hold(None) == 1
    for expected in (2, 4, 8):
        redis_client().hset(HOLD, "until", time.time() - 0.01)  # the pause before is just over
        assert one.hold(None) == expected
    redis_client().hset(HOLD, "until", time.time() - 61)
    assert one.hold(None) == 1


def test_answers_to_requests_that_were_under_way_do_not_double_the_pause():
    one = limit()
    one.hold(None)
    assert one.hold(None) <= 1
    assert redis_client().hget(HOLD, "strikes") == b"1"


def test_a_clock_that_is_put_back_holds_nobody_up():
    one = limit("2/second")
    redis_client().zadd("mutt:moogsoft:slots", {"a": time.time() + 3600, "b": time.time() + 3600})
    redis_client().hset(HOLD, "until", time.time() + 90_000)
    assert taken(one) == 2
