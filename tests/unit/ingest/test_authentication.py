"""Keys: which are known, for what, for how long they are remembered, and what holds while PostgreSQL is away."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from audit.journal import journal
from ingest.authentication import Caller, KeysUnavailableError, KnownKeys
from ingest.models import ApiKey, Scope

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
EVENT = {"hostname": "h", "timestamp": "2026-11-23T08:30:00Z", "message": "m"}


class Clock:
    """Monotonic seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(clock: Clock) -> KnownKeys:
    return KnownKeys(max_age_s=10, clock=clock)


def test_a_key_is_found_by_its_secret_with_its_name_and_scopes(keys, make_key):
    caller = keys.find(make_key(Scope.INGEST, Scope.READ, name="rsyslog"))
    assert caller == Caller("rsyslog", frozenset({"ingest", "read"}), None)


@pytest.mark.parametrize("guess", ["", "mutt_guess", "x" * 100_000, "\ud800", "ä"])
def test_a_secret_that_nobody_has_finds_nobody(keys, secret, guess):
    assert keys.find(guess) is None
    assert keys.find(secret + "x") is None


def test_an_inactive_key_finds_nobody(keys, make_key):
    assert keys.find(make_key(Scope.INGEST, is_active=False)) is None


def test_secrets_are_kept_as_hashes_only(secret):
    (row,) = ApiKey.objects.values()
    assert secret not in str(row)
    assert row["prefix"] == secret[:8]
    assert len(row["digest"]) == 64


def test_a_caller_may_what_its_scopes_say_and_nothing_else():
    caller = Caller("a", frozenset({"read"}))
    assert [caller.may(scope, NOW) for scope in (Scope.READ, Scope.WRITE, Scope.INGEST)] == [True, False, False]


def test_a_key_expires_at_its_moment_and_not_before():
    caller = Caller("a", frozenset({"read"}), expires_at=NOW)
    assert caller.may(Scope.READ, NOW - timedelta(microseconds=1))
    assert not caller.may(Scope.READ, NOW)


def test_a_key_that_is_deactivated_is_refused_once_its_age_is_up(keys, clock, secret):
    assert keys.find(secret) is not None
    ApiKey.objects.update(is_active=False)
    clock.now += 9.9
    assert keys.find(secret) is not None
    clock.now += 0.1
    assert keys.find(secret) is None


def test_a_key_that_was_refused_does_not_stand_when_postgresql_leaves(keys, clock, secret, postgresql_leaves):
    keys.find(secret)
    ApiKey.objects.update(is_active=False)
    clock.now += 10
    assert keys.find(secret) is None
    postgresql_leaves()
    with pytest.raises(KeysUnavailableError):
        keys.find(secret)


def test_scopes_that_change_hold_once_the_age_is_up(keys, clock, secret):
    assert keys.find(secret).scopes == {"ingest"}
    ApiKey.objects.update(scopes=["read"])
    clock.now += 10
    assert keys.find(secret).scopes == {"read"}


def test_a_known_key_costs_no_query_while_it_is_young(keys, clock, secret, django_assert_num_queries):
    with django_assert_num_queries(1):
        for _ in range(3):
            keys.find(secret)
            clock.now += 3


def test_while_postgresql_is_away_known_keys_stand_however_old(keys, clock, secret, postgresql_leaves):
    caller = keys.find(secret)
    postgresql_leaves()
    clock.now += 100_000
    assert keys.find(secret) == caller


def test_while_postgresql_is_away_there_is_no_telling_about_unknown_keys(keys, secret, postgresql_leaves):
    postgresql_leaves()
    with pytest.raises(KeysUnavailableError):
        keys.find(secret)


def test_the_webhook_takes_known_keys_and_answers_503_to_unknown_ones_while_postgresql_is_away(
    make_key, redis_server, postgresql_leaves
):
    known, unknown = make_key(Scope.INGEST), make_key(Scope.INGEST, name="another")

    def post(secret: str):
        return Client(headers={"X-API-KEY": secret}).post("/webhook", EVENT, content_type="application/json")

    assert post(known).status_code == 202
    postgresql_leaves()
    assert post(known).status_code == 202
    refused = post(unknown)
    assert refused.status_code == 503
    assert int(refused["Retry-After"]) > 0
    assert "PostgreSQL is away" in refused.json()["detail"]
    assert journal().totals().accepted == 2


def test_the_webhook_refuses_a_key_that_has_expired(make_key, redis_server):
    expired = make_key(Scope.INGEST, expires_at=timezone.now() - timedelta(seconds=1))
    answer = Client(headers={"X-API-KEY": expired}).post("/webhook", EVENT, content_type="application/json")
    assert answer.status_code == 403
    assert "expired" in answer.json()["detail"]
    assert journal().totals().accepted == 0


def test_the_api_answers_503_to_a_key_it_cannot_check(secret, postgresql_leaves):
    postgresql_leaves()
    answer = Client(headers={"X-API-KEY": secret}).get("/api/v1/rules")
    assert answer.status_code == 503
    assert "PostgreSQL is away" in answer.json()["detail"]


def test_each_new_key_has_a_secret_of_its_own():
    made = [ApiKey.create(f"key {number}", ["read"]) for number in range(20)]
    assert len({key.secret for key in made}) == 20
    assert all(key.secret.startswith("mutt_") and len(key.secret) > 40 for key in made)
