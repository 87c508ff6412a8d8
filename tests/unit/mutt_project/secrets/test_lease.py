"""When a token is renewed, and when there is a new login."""

import pytest

from mutt_project.secrets.lease import begun, renewed, wants_login, wants_renewal

START = 1_000_000.0


@pytest.mark.parametrize(
    ("after_s", "renewal", "login"),
    [
        (0, False, False),
        (59, False, False),
        (67, True, False),
        (99, True, False),
        (100, False, True),
        (900, False, True),
    ],
)
@pytest.mark.parametrize("jitter", [0, 0.99])
def test_a_lease_of_100_s(after_s, renewal, login, jitter):
    lease = begun(START, 100, renewable=True, jitter=jitter)
    now = START + after_s
    assert (wants_renewal(lease, now), wants_login(lease, now)) == (renewal, login)


@pytest.mark.parametrize(("after_s", "login"), [(0, False), (59, False), (67, True), (100, True)])
def test_what_cannot_be_renewed_is_replaced_by_a_login_in_time(after_s, login):
    lease = begun(START, 100, renewable=False, jitter=0)
    assert (wants_renewal(lease, START + after_s), wants_login(lease, START + after_s)) == (False, login)


@pytest.mark.parametrize(("granted_s", "login"), [(100, False), (50, False), (49, True), (1, True)])
def test_renewals_that_get_shorter_than_half_of_the_first_ask_for_a_login(granted_s, login):
    lease = renewed(begun(START, 100, renewable=True, jitter=0), START + 67, granted_s, renewable=True, jitter=0)
    assert wants_login(lease, START + 67) is login


def test_half_of_what_was_first_granted_counts_however_often_it_was_renewed():
    lease = begun(START, 100, renewable=True, jitter=0)
    for lasts_s in (80, 60, 51):
        lease = renewed(lease, START, lasts_s, renewable=True, jitter=0)
        assert not wants_login(lease, START)
    assert wants_login(renewed(lease, START, 49, renewable=True, jitter=0), START)


def test_a_token_without_an_end_is_left_alone():
    lease = begun(START, 0, renewable=False, jitter=0)
    assert not wants_login(lease, START + 1e9)
    assert not wants_renewal(lease, START + 1e9)
