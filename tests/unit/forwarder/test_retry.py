"""Every HTTP status with retry yes or no, and the arithmetic of waiting."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forwarder.retry import POLICIES, DeliveryError, Reason, reason_of, wait_before_next

# The whole table: (first status, last status, reason, whether it is tried again). None: the events were taken.
TABLE = [
    (100, 199, Reason.REDIRECTED, False),
    (200, 299, None, False),
    (300, 399, Reason.REDIRECTED, False),
    (400, 400, Reason.REFUSED, False),
    (401, 401, Reason.UNAUTHORISED, True),
    (402, 402, Reason.REFUSED, False),
    (403, 403, Reason.UNAUTHORISED, True),
    (404, 407, Reason.REFUSED, False),
    (408, 408, Reason.TIMEOUT, True),
    (409, 428, Reason.REFUSED, False),
    (429, 429, Reason.RATE_LIMITED, True),
    (430, 499, Reason.REFUSED, False),
    (500, 599, Reason.SERVER_ERROR, True),
]
STATUSES = [(status, reason, retry) for low, high, reason, retry in TABLE for status in range(low, high + 1)]
RETRIED = [reason for reason in Reason if DeliveryError(reason, "").retryable]


class Highest(random.Random):
    def uniform(self, a: float, b: float) -> float:
        return max(a, b)


class Lowest(random.Random):
    def uniform(self, a: float, b: float) -> float:
        return min(a, b)


def waits(reason: Reason, chance: random.Random) -> list[float]:
    """All waits of a delivery that fails to the end."""
    error = DeliveryError(reason, "")
    found: list[float] = []
    while (wait := wait_before_next(error, len(found) + 1, chance)) is not None:
        found.append(wait)
    return found


def test_the_table_has_every_status_once():
    assert [status for status, _, _ in STATUSES] == list(range(100, 600))


@pytest.mark.parametrize(("status", "reason", "retry"), STATUSES)
def test_what_a_status_means_and_whether_it_is_tried_again(status, reason, retry):
    assert reason_of(status) is reason
    if reason is not None:
        error = DeliveryError(reason, "", status=status)
        assert error.retryable is retry
        assert (wait_before_next(error, 1, random.Random(1)) is not None) is retry


def test_a_connection_that_fails_and_one_that_takes_too_long_are_tried_again():
    assert {Reason.CONNECTION, Reason.TIMEOUT} <= set(RETRIED)


def test_every_reason_has_a_policy():
    assert set(POLICIES) == set(Reason)


@pytest.mark.parametrize("reason", RETRIED)
def test_waits_double_up_to_the_longest_and_then_end(reason):
    policy = POLICIES[reason]
    longest = waits(reason, Highest())
    assert len(longest) == policy.attempts - 1
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
    error = DeliveryError(Reason.RATE_LIMITED, "", status=429, retry_after_s=asked_s)
    assert wait_before_next(error, 1, Highest()) == waited_s


@pytest.mark.parametrize("reason", RETRIED)
def test_the_last_attempt_is_followed_by_nothing_whatever_retry_after_says(reason):
    error = DeliveryError(reason, "", retry_after_s=1)
    attempts = POLICIES[reason].attempts
    assert wait_before_next(error, attempts - 1, Highest()) is not None
    assert wait_before_next(error, attempts, Highest()) is None
    assert wait_before_next(error, attempts + 5, Highest()) is None


@settings(deadline=None)
@given(
    st.sampled_from(RETRIED),
    st.integers(1, 100),
    st.none() | st.floats(0, 1e9),
    st.integers(0, 1000),
)
def test_no_wait_is_ever_outside_its_bounds(reason, attempt, asked_s, seed):
    wait = wait_before_next(DeliveryError(reason, "", retry_after_s=asked_s), attempt, random.Random(seed))
    assert wait is None or POLICIES[reason].first_s / 2 <= wait <= POLICIES[reason].longest_s


def test_no_wait_comes_near_the_visibility_timeout_of_the_broker(settings):
    timeout = settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]
    assert max(policy.longest_s for policy in POLICIES.values()) < timeout / 2


def test_an_error_says_its_reason_and_detail():
    error = DeliveryError(Reason.REFUSED, "HTTP 400: no", status=400, retry_after_s=2)
    assert (str(error), error.status, error.retry_after_s) == ("refused: HTTP 400: no", 400, 2)
