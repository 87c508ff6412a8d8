"""The breaker: a window of failures, one probe across all workers, and what people want of it."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from audit.connections import redis_client
from forwarder.breaker import BREAKER, Breaker, Held, State, Thresholds, Verdict, Wish, key_of
from forwarder.retry import DeliveryError, Reason
from tests.unit.audit.batches import at_once

pytestmark = pytest.mark.usefixtures("redis_server")

AWAY = DeliveryError(Reason.SERVER_ERROR, "HTTP 503: away", status=503)


def breaker(
    failures: int = 3, window_s: float = 60, open_s: float = 300, probe_s: float = 30, key: str = "a"
) -> Breaker:
    return Breaker(redis_client(), Thresholds(failures, window_s, open_s, probe_s), key)


def failing(error: BaseException) -> Callable[..., Any]:
    def request(*_: Any) -> Any:
        raise error

    return request


def fail(of: Breaker, times: int = 1, error: BaseException = AWAY) -> None:
    for _ in range(times):
        with pytest.raises(type(error)):
            of.admit().call(failing(error))


def held(by: Breaker) -> str:
    with pytest.raises(Held) as caught:
        by.admit()
    return caught.value.why


def test_it_begins_closed_and_lets_everything_through():
    one = breaker()
    assert [one.admit().call(lambda: "taken") for _ in range(5)] == ["taken"] * 5
    assert (one.view().state, one.view().failures, one.view().transitions) == (State.CLOSED, 0, ())


def test_it_opens_at_so_many_failures_and_says_why():
    one = breaker(failures=3)
    fail(one, 2)
    assert one.view().state is State.CLOSED
    fail(one)
    view = one.view()
    assert (view.state, view.failures) == (State.OPEN, 0)
    assert view.reason == "3 failures: HTTP 503: away"
    assert view.next_try_at is not None
    assert 299 < (view.next_try_at - view.now).total_seconds() <= 300
    assert [(change.was, change.became) for change in view.transitions] == [("closed", "open")]
    assert held(one) == "open"


def test_failures_count_though_others_succeed_in_between():
    """Two thirds of all requests failing is an outage, though no three of them in a row do."""
    one = breaker(failures=10)
    for _ in range(5):
        fail(one, 2)
        if one.view().state is State.CLOSED:
            one.admit().call(lambda: "taken")
    assert one.view().state is State.OPEN


def test_failures_that_are_older_than_the_window_do_not_count():
    one = breaker(failures=3, window_s=0.3)
    fail(one, 2)
    time.sleep(0.35)
    fail(one, 2)
    assert (one.view().state, one.view().failures) == (State.CLOSED, 2)


def test_all_workers_share_it():
    first, second = breaker(failures=4), breaker(failures=4)
    fail(first, 2)
    fail(second, 2)
    assert held(first) == held(second) == "open"


@pytest.mark.parametrize("reason", [Reason.REFUSED, Reason.RATE_LIMITED, Reason.UNAUTHORISED, Reason.UNSENDABLE])
def test_what_is_not_the_destinations_fault_does_not_count(reason):
    one = breaker(failures=2)
    fail(one, 5, DeliveryError(reason, "no"))
    assert (one.view().state, one.view().failures) == (State.CLOSED, 0)


@pytest.mark.parametrize("reason", [Reason.CONNECTION, Reason.TIMEOUT, Reason.SERVER_ERROR, Reason.REDIRECTED])
def test_what_is_the_destinations_fault_counts(reason):
    one = breaker(failures=2)
    fail(one, 2, DeliveryError(reason, "no"))
    assert one.view().state is State.OPEN


def test_when_its_time_is_over_exactly_one_of_many_workers_gets_through():
    one = breaker(failures=1, open_s=0.1)
    fail(one)
    time.sleep(0.15)

    def ask(_: int) -> str:
        try:
            return "probe" if one.admit().is_probe else "closed"
        except Held as why:
            return why.why

    assert sorted(at_once(8, ask)) == ["probe"] + ["probing"] * 7
    assert one.view().state is State.HALF_OPEN


def test_a_probe_that_is_taken_closes_it_for_all():
    one = breaker(failures=1, open_s=0.05)
    fail(one)
    time.sleep(0.1)
    assert one.admit().call(lambda: "taken") == "taken"
    assert (one.view().state, one.view().failures) == (State.CLOSED, 0)
    assert [change.became for change in one.view().transitions] == ["closed", "half_open", "open"]
    assert not one.admit().is_probe


def test_a_probe_that_fails_opens_it_for_another_period():
    one = breaker(failures=1, open_s=0.3)
    fail(one)
    time.sleep(0.35)
    fail(one)
    assert held(one) == "open"
    assert one.view().reason == "one request tried it: HTTP 503: away"
    time.sleep(0.35)
    assert one.admit().is_probe


@pytest.mark.parametrize("reason", [Reason.REFUSED, Reason.RATE_LIMITED])
def test_a_probe_that_moogsoft_answers_closes_it_whatever_the_answer_is(reason):
    one = breaker(failures=1, open_s=0.05)
    fail(one)
    time.sleep(0.1)
    fail(one, error=DeliveryError(reason, "no"))
    assert one.view().state is State.CLOSED


@pytest.mark.parametrize("error", [ValueError("a bug of ours"), KeyboardInterrupt(), SystemExit()])
def test_a_probe_that_ends_in_something_else_does_not_close_it(error):
    one = breaker(failures=1, open_s=0.05)
    fail(one)
    time.sleep(0.1)
    fail(one, error=error)
    assert one.view().state is State.OPEN


def test_a_worker_that_dies_as_it_probes_holds_nobody_up_for_longer_than_its_lease():
    one = breaker(failures=1, open_s=0.05, probe_s=0.3)
    fail(one)
    time.sleep(0.1)
    dead = one.admit()
    assert held(one) == "probing"
    time.sleep(0.35)
    assert one.view().state is State.OPEN
    second = one.admit()
    assert second.is_probe
    with pytest.raises(DeliveryError):
        dead.call(failing(AWAY))  # it was only slow; its word counts no more
    assert one.view().state is State.HALF_OPEN
    second.call(lambda: "taken")
    dead.call(lambda: "taken")
    assert one.view().state is State.CLOSED


def test_a_probe_that_is_not_made_after_all_leaves_the_right_to_the_next():
    one = breaker(failures=1, open_s=0.05)
    fail(one)
    time.sleep(0.1)
    one.admit().give_back()
    assert one.admit().is_probe


def test_a_failure_of_before_it_opened_does_not_make_it_open_for_longer():
    one = breaker(failures=1, open_s=0.3)
    slow = one.admit()
    fail(one)
    time.sleep(0.2)
    with pytest.raises(DeliveryError):
        slow.call(failing(AWAY))
    time.sleep(0.15)
    assert one.admit().is_probe


def test_a_clock_that_is_put_back_by_an_hour_does_not_hold_it_open_for_an_hour():
    one = breaker(failures=1, open_s=0.2)
    fail(one)
    redis_client().hset(BREAKER, "opened_at", time.time() + 3600)  # as of before the step
    assert held(one) == "open"
    time.sleep(0.25)
    probe = one.admit()
    assert probe.is_probe
    redis_client().hset(BREAKER, mapping={"state": "half_open", "probe_until": time.time() + 3600})
    assert one.admit().is_probe


def test_a_state_without_a_time_lets_one_request_try_and_not_everybody():
    redis_client().hset(BREAKER, "state", "open")
    one = breaker(open_s=0.2)
    assert held(one) == "open"  # its time begins now, as far as anybody knows
    time.sleep(0.25)
    assert one.admit().is_probe


def test_it_can_be_forced_open_for_a_while():
    one = breaker()
    one.want(Wish.OPEN, "maintenance window", "alice", 0.2)
    assert held(one) == "forced_open"
    forced = one.view().forced
    assert forced is not None
    assert (forced.state, forced.reason, forced.by) == ("open", "maintenance window", "alice")
    time.sleep(0.25)
    assert one.view().forced is None
    assert [change.became for change in one.view().transitions] == ["automatic", "forced_open", "open"]
    assert held(one) == "open"  # and then it is tried


def test_it_can_be_forced_closed_and_then_failures_do_not_open_it():
    one = breaker(failures=2)
    fail(one, 2)
    one.want(Wish.CLOSED, "it is back", "bob", 60)
    fail(one, 5)
    assert (one.view().state, one.admit().is_probe) == (State.CLOSED, False)
    one.want(Wish.AUTOMATIC, "as before", "bob", 0)
    fail(one)
    assert one.view().state is State.OPEN


def test_leaving_it_to_the_failures_again_lets_one_request_try_at_once():
    one = breaker()
    one.want(Wish.OPEN, "maintenance", "alice", 3600)
    one.want(Wish.AUTOMATIC, "done", "alice", 0)
    assert one.admit().is_probe


def test_a_key_that_is_refused_pauses_it_until_somebody_resumes():
    one = breaker(key="a")
    assert one.pause("HTTP 401: unknown key")
    assert not one.pause("HTTP 401: unknown key")  # told once
    assert held(one) == "paused"
    paused = one.view().paused
    assert paused is not None
    assert (paused.reason, paused.for_this_key) == ("HTTP 401: unknown key", True)
    assert one.resume("the key was mended", "alice")
    assert not one.resume("again", "alice")
    assert one.admit().call(lambda: "taken") == "taken"
    assert [(change.was, change.became, change.by) for change in one.view().transitions] == [
        ("paused", "running", "alice"),
        ("running", "paused", ""),
    ]


def test_another_key_is_not_paused():
    old, new = breaker(key="a"), breaker(key="b")
    old.pause("HTTP 401")
    assert held(old) == "paused"
    assert new.admit().call(lambda: "taken") == "taken"
    assert new.view().paused is not None
    assert not new.view().paused.for_this_key  # type: ignore[union-attr] # asserted above


def test_what_stands_for_the_credentials_tells_nothing_about_them():
    assert key_of.__wrapped__("https://m/", "secret") == key_of("https://m/", "secret")
    assert len({key_of(url, key) for url in ("https://m/", "https://n/") for key in "ab"}) == 4


def failed(of: Breaker, batch: str, before: int | None) -> Verdict:
    permit = of.admit(batch, before)
    with pytest.raises(DeliveryError):
        permit.call(failing(AWAY))
    return permit.verdict


def test_a_batch_that_fails_while_others_are_taken_is_suspect_and_counts_once():
    one = breaker(failures=3)
    verdict = failed(one, "poison", None)
    assert not verdict.suspect  # nobody knows yet
    for _ in range(20):
        one.admit().succeeded()
        verdict = failed(one, "poison", verdict.balance)
        assert verdict.suspect
    assert (one.view().state, one.view().failures) == (State.CLOSED, 1)


def test_a_batch_that_fails_as_all_others_do_is_not_suspect_and_counts_each_time():
    one = breaker(failures=100)
    verdict = failed(one, "a", None)
    for number in range(3):
        failed(one, f"another {number}", None)
        one.admit().succeeded()
        verdict = failed(one, "a", verdict.balance)
        assert not verdict.suspect  # as many failed as were taken
    assert one.view().failures == 7


def test_many_suspects_open_it_all_the_same():
    one = breaker(failures=4)
    verdicts = {name: failed(one, name, None) for name in "abc"}
    for _ in range(10):
        one.admit().succeeded()
    verdicts = {name: failed(one, name, verdict.balance) for name, verdict in verdicts.items()}
    assert all(verdict.suspect for verdict in verdicts.values())
    assert one.view().state is State.CLOSED
    failed(one, "d", None)
    assert one.view().state is State.OPEN


def test_a_worker_that_asks_twice_for_the_same_probe_gets_it():
    """Its first answer got lost on the wire, and the client asked again."""
    one = breaker(failures=1, open_s=0.05)
    fail(one)
    time.sleep(0.1)
    assert [one.run("admit", one.key, 0.05, "token", 30)[0] for _ in range(2)] == [b"probe", b"probe"]
    assert one.run("admit", one.key, 0.05, "another", 30)[0] == b"probing"


def test_two_keys_are_paused_each_for_itself():
    old, new = breaker(key="a"), breaker(key="b")
    assert old.pause("HTTP 401")
    assert new.pause("HTTP 403")
    assert not old.pause("HTTP 401")
    assert held(old) == held(new) == "paused"
    assert old.view().paused.for_this_key  # type: ignore[union-attr] # it is
    assert new.resume("mended", "alice")
    assert not old.admit().is_probe


def test_without_redis_nothing_is_let_through(redis_away):
    with pytest.raises(RedisConnectionError):
        breaker().admit()


def test_an_answer_is_not_lost_because_redis_cannot_be_told_of_it(monkeypatch: pytest.MonkeyPatch):
    one = breaker(failures=1)
    permit = one.admit()
    monkeypatch.setattr(one, "run", failing(RedisConnectionError("gone")))
    permit.succeeded()
    assert permit.call(lambda: "taken") == "taken"


def test_it_keeps_no_more_than_its_last_hundred_changes():
    one = breaker()
    for number in range(70):
        one.want(Wish.OPEN, f"number {number}", "alice", 60)
    assert len(one.view().transitions) == 100
    assert one.view().transitions[0].reason == "number 69"
