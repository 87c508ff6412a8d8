"""Every HTTP status and every way a POST can fail: what it is about, what follows, and the arithmetic of waiting."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.journal import LONGEST_DELAY_S
from forwarder.retry import (
    POLICIES,
    SUSPECT_ATTEMPTS,
    Concern,
    DeliveryError,
    Reason,
    Standing,
    Step,
    next_step,
    reason_of,
    wait_before_next,
)

# The whole table: (first status, last status, reason, what it is about, what follows at first). None: they were taken.
TABLE = [
    (100, 199, Reason.REDIRECTED, Concern.DESTINATION, Step.RETRY),
    (200, 299, None, None, None),
    (300, 399, Reason.REDIRECTED, Concern.DESTINATION, Step.RETRY),
    (400, 400, Reason.REFUSED, Concern.EVENT, Step.DIVIDE),
    (401, 401, Reason.UNAUTHORISED, Concern.ACCESS, Step.PAUSE),
    (402, 402, Reason.REFUSED, Concern.EVENT, Step.DIVIDE),
    (403, 403, Reason.UNAUTHORISED, Concern.ACCESS, Step.PAUSE),
    (404, 405, Reason.MISDIRECTED, Concern.DESTINATION, Step.RETRY),
    (406, 406, Reason.REFUSED, Concern.EVENT, Step.DIVIDE),
    (407, 407, Reason.UNAUTHORISED, Concern.ACCESS, Step.PAUSE),
    (408, 408, Reason.TIMEOUT, Concern.DESTINATION, Step.RETRY),
    (409, 409, Reason.REFUSED, Concern.EVENT, Step.DIVIDE),
    (410, 410, Reason.MISDIRECTED, Concern.DESTINATION, Step.RETRY),
    (411, 420, Reason.REFUSED, Concern.EVENT, Step.DIVIDE),
    (421, 421, Reason.MISDIRECTED, Concern.DESTINATION, Step.RETRY),
    (422, 422, Reason.REFUSED, Concern.EVENT, Step.DIVIDE),
    (423, 423, Reason.MISDIRECTED, Concern.DESTINATION, Step.RETRY),
    (424, 424, Reason.REFUSED, Concern.EVENT, Step.DIVIDE),
    (425, 425, Reason.MISDIRECTED, Concern.DESTINATION, Step.RETRY),
    (426, 428, Reason.REFUSED, Concern.EVENT, Step.DIVIDE),
    (429, 429, Reason.RATE_LIMITED, Concern.PACE, Step.HOLD),
    (430, 499, Reason.REFUSED, Concern.EVENT, Step.DIVIDE),
    (500, 599, Reason.SERVER_ERROR, Concern.DESTINATION, Step.RETRY),
]
# What has no status: an exception of the HTTP client, or a payload that cannot be made.
WITHOUT_STATUS = [
    (Reason.CONNECTION, Concern.DESTINATION, Step.RETRY),
    (Reason.TIMEOUT, Concern.DESTINATION, Step.RETRY),
    (Reason.ADDRESS_REFUSED, Concern.DESTINATION, Step.RETRY),
    (Reason.UNSENDABLE, Concern.EVENT, Step.DIVIDE),
]
STATUSES = [(status, *rest) for low, high, *rest in TABLE for status in range(low, high + 1)]
FIRST = Standing(suspicions=0, divided=False, closed=True)
RETRIED = [reason for reason in Reason if POLICIES[reason].concern is Concern.DESTINATION]
SUSPECTING = [reason for reason in RETRIED if reason is not Reason.ADDRESS_REFUSED]


class Highest(random.Random):
    def uniform(self, a: float, b: float) -> float:
        return max(a, b)


class Lowest(random.Random):
    def uniform(self, a: float, b: float) -> float:
        return min(a, b)


def test_the_table_has_every_status_once():
    assert [status for status, *_ in STATUSES] == list(range(100, 600))


@pytest.mark.parametrize(("status", "reason", "concern", "step"), STATUSES)
def test_what_a_status_means_and_what_follows_from_it(status, reason, concern, step):
    assert reason_of(status) is reason
    if reason is not None:
        error = DeliveryError(reason, "", status=status)
        assert error.concern is concern
        assert next_step(error, FIRST) is step


@pytest.mark.parametrize(("reason", "concern", "step"), WITHOUT_STATUS)
def test_what_a_failure_without_a_status_means_and_what_follows_from_it(reason, concern, step):
    error = DeliveryError(reason, "")
    assert error.concern is concern
    assert next_step(error, FIRST) is step


def test_every_reason_has_a_policy_and_is_in_one_of_the_tables():
    assert set(POLICIES) == set(Reason)
    assert {reason for _, reason, *_ in STATUSES if reason} | {reason for reason, *_ in WITHOUT_STATUS} == set(Reason)


@pytest.mark.parametrize("reason", SUSPECTING)
def test_what_fails_while_others_are_taken_is_tried_so_often_and_then_divided(reason):
    error, most = DeliveryError(reason, ""), POLICIES[reason].attempts
    assert most == 12
    for suspicions in range(most):
        assert next_step(error, replace(FIRST, suspicions=suspicions)) is Step.RETRY
    assert next_step(error, replace(FIRST, suspicions=most)) is Step.DIVIDE


@pytest.mark.parametrize("divided", [False, True])
def test_no_event_ever_dies_of_an_address_that_we_refuse(divided):
    error = DeliveryError(Reason.ADDRESS_REFUSED, "")
    assert next_step(error, Standing(suspicions=1000, divided=divided, closed=True)) is Step.RETRY
    assert next_step(error, Standing(suspicions=1000, divided=divided, closed=False)) is Step.PARK


@pytest.mark.parametrize("reason", SUSPECTING)
def test_a_part_of_a_batch_that_was_divided_is_tried_less_often(reason):
    error = DeliveryError(reason, "")
    assert next_step(error, Standing(SUSPECT_ATTEMPTS - 1, divided=True, closed=True)) is Step.RETRY
    assert next_step(error, Standing(SUSPECT_ATTEMPTS, divided=True, closed=True)) is Step.DIVIDE


@pytest.mark.parametrize("reason", RETRIED)
@pytest.mark.parametrize("suspicions", [0, 12, 1000])
def test_while_the_breaker_is_not_closed_no_try_is_spent(reason, suspicions):
    assert next_step(DeliveryError(reason, ""), Standing(suspicions, divided=True, closed=False)) is Step.PARK


@settings(deadline=None)
@given(
    st.sampled_from(list(Reason)),
    st.builds(Standing, st.integers(0, 10**6), st.booleans(), st.booleans()),
)
def test_an_event_dies_only_for_what_is_about_it(reason, standing):
    error = DeliveryError(reason, "")
    if next_step(error, standing) is Step.DIVIDE:
        assert error.concern is Concern.EVENT or (standing.closed and standing.suspicions >= 3)


def waits(reason: Reason, chance: random.Random) -> list[float]:
    """All waits of a delivery that fails to the end."""
    return [wait_before_next(DeliveryError(reason, ""), number, chance) for number in range(1, 12)]


@pytest.mark.parametrize("reason", RETRIED)
def test_waits_double_up_to_the_longest(reason):
    policy = POLICIES[reason]
    longest = waits(reason, Highest())
    assert longest[:3] == [policy.first_s, policy.first_s * 2, policy.first_s * 4]
    assert longest[-1] == policy.longest_s == max(longest)
    assert longest == sorted(longest)


@pytest.mark.parametrize("reason", RETRIED)
def test_the_jitter_is_the_upper_half_of_each_step(reason):
    assert waits(reason, Lowest()) == [wait / 2 for wait in waits(reason, Highest())]


def test_two_workers_do_not_wait_the_same():
    assert len({wait_before_next(DeliveryError(Reason.TIMEOUT, ""), 5, random.Random(seed)) for seed in range(50)}) > 40


@pytest.mark.parametrize(
    ("asked_s", "waited_s"),
    [
        (None, 1.0),
        (0.0, 1.0),
        (0.5, 1.0),
        (7.5, 7.5),
        (60.0, 60.0),
        (61.0, 60.0),
        (86_400.0, 60.0),
        (float("inf"), 60.0),
    ],
)
def test_retry_after_lengthens_the_wait_up_to_the_longest(asked_s, waited_s):
    error = DeliveryError(Reason.SERVER_ERROR, "", status=503, retry_after_s=asked_s)
    assert wait_before_next(error, 1, Highest()) == waited_s


@settings(deadline=None)
@given(st.sampled_from(RETRIED), st.integers(1, 10_000), st.none() | st.floats(0, 1e9), st.integers(0, 1000))
def test_no_wait_is_ever_outside_its_bounds(reason, attempt, asked_s, seed):
    wait = wait_before_next(DeliveryError(reason, "", retry_after_s=asked_s), attempt, random.Random(seed))
    assert POLICIES[reason].first_s / 2 <= wait <= POLICIES[reason].longest_s


def test_no_wait_of_celery_comes_near_the_visibility_timeout_of_the_broker(settings):
    timeout = settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]
    longest = max(POLICIES[reason].longest_s for reason in RETRIED)
    assert longest < timeout / 2
    assert longest <= LONGEST_DELAY_S  # what the sweeper takes for plausible


def test_an_error_says_its_reason_and_detail():
    error = DeliveryError(Reason.REFUSED, "HTTP 400: no", status=400, retry_after_s=2)
    assert (str(error), error.status, error.retry_after_s) == ("refused: HTTP 400: no", 400, 2)
