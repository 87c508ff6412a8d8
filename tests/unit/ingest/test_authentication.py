"""Keys: which are known, for what, for how long they are remembered, and what holds while PostgreSQL is away."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection
from django.test import Client, RequestFactory, override_settings
from django.utils import timezone

from audit.journal import journal
from ingest.authentication import Caller, KeysUnavailableError, KnownKeys, caller_of
from ingest.models import ApiKey, Scope, SourceName
from ingest.reading import SOURCES
from ingest.sealing import seal

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
    ApiKey.objects.update(last_used_at=timezone.now())
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


def last_use() -> Any:
    return ApiKey.objects.get().last_used_at


def test_the_use_of_a_key_is_noted_about_once_a_minute(keys, clock, secret):
    assert last_use() is None
    keys.find(secret)
    first = last_use()
    assert timezone.now() - first < timedelta(seconds=10)
    clock.now += 10
    keys.find(secret)
    assert last_use() == first
    ApiKey.objects.update(last_used_at=first - timedelta(seconds=61))
    clock.now += 10
    keys.find(secret)
    assert last_use() > first


def test_a_use_that_another_process_has_just_noted_is_not_noted_again(keys, secret):
    noted = timezone.now() - timedelta(seconds=30)

    def meanwhile(execute, sql, params, many, context):
        if sql.startswith("UPDATE"):
            assert "last_used_at" in sql
            with connection.cursor() as cursor:
                cursor.cursor.execute("UPDATE ingest_apikey SET last_used_at = %s", [noted])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(meanwhile):
        keys.find(secret)
    assert last_use() == noted


def test_a_postgresql_that_cannot_be_written_to_keeps_nobody_out(keys, secret, caplog):
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT writable")
        cursor.execute("SET TRANSACTION READ ONLY")
        assert keys.find(secret) is not None
        cursor.execute("ROLLBACK TO SAVEPOINT writable")
    assert last_use() is None
    assert "the use of API key “a sensor” was not noted: InternalError" in caplog.text


def test_a_secret_that_finds_nobody_is_not_remembered(keys):
    for number in range(50):
        keys.find(f"mutt_guess{number}")
    assert not keys._found  # noqa: SLF001 - memory is what this is about


def test_no_more_keys_are_remembered_than_there_is_room_for(clock, make_key):
    keys: Any = KnownKeys(max_age_s=10, clock=clock, most=3)
    secrets = [make_key("ingest", name=f"key {number}") for number in range(5)]
    assert [keys.find(secret).name for secret in secrets] == [f"key {number}" for number in range(5)]
    assert len(keys._found) == 3  # noqa: SLF001 - as above
    assert [keys.find(secret).name for secret in secrets] == [f"key {number}" for number in range(5)]


def test_a_row_whose_hash_is_not_quite_the_same_finds_nobody(keys, secret):
    """Whatever the database takes for equal."""
    other = ApiKey(name="b", scopes=["admin"], digest="0" * 64)
    with patch.object(ApiKey.objects, "filter", return_value=type("Found", (), {"first": lambda _: other})()):
        assert keys.find(secret) is None


def signing(name: str = "gateway") -> tuple[str, ApiKey]:
    made = ApiKey(name=name, scopes=["ingest"]).save_as_new(signed=True)
    return made.secret, made.key


def test_a_caller_has_its_signing_secrets_and_does_not_show_them(keys):
    secret, key = signing()
    newer = key.add_signing_secret()
    key.save()
    caller = keys.find(secret)
    assert len(caller.signing_secrets) == 2
    assert base64.b64decode(newer.removeprefix("whsec_")) == caller.signing_secrets[0]
    assert "signing" not in repr(caller)


def test_signing_secrets_are_kept_sealed():
    made = ApiKey(name="gateway", scopes=["ingest"]).save_as_new(signed=True)
    row = str(ApiKey.objects.values().get())
    assert made.signing_secret.startswith("whsec_")
    assert made.signing_secret not in row
    assert made.signing_secret.removeprefix("whsec_") not in row


def test_a_key_whose_signing_secret_cannot_be_read_is_refused_and_the_log_says_why(keys, clock, secret, caplog):
    theirs, _ = signing()
    with override_settings(SECRET_KEY="another"):
        assert [keys.find(theirs) for _ in range(3)] == [None] * 3
        assert keys.find(secret) is not None
    assert caplog.text.count("API key “gateway” is refused: A signing secret cannot be read") == 1
    clock.now += 10
    assert keys.find(theirs) is not None


def test_one_signing_secret_that_cannot_be_read_suffices_to_refuse(keys):
    theirs, key = signing()
    ApiKey.objects.filter(pk=key.pk).update(signing_secrets=[seal(b"x" * 24), "nonsense"])
    assert keys.find(theirs) is None


def test_a_key_without_sources_may_send_for_all_and_another_for_its_own_only(keys, make_key):
    assert keys.find(make_key("ingest")).may_send("syslog")
    caller = keys.find(make_key("ingest", name="b", allowed_sources=["syslog", "snmptrap"]))
    assert [caller.may_send(name) for name in ("syslog", "snmptrap", "solarwinds", "")] == [True, True, False, False]


def test_admin_includes_nothing_else():
    caller = Caller("a", frozenset({"admin"}))
    assert [scope for scope in Scope if caller.may(scope, NOW)] == [Scope.ADMIN]


def test_a_caller_carries_what_its_key_says(keys, make_key):
    caller = keys.find(make_key("ingest", in_url=True, rate_limit="5/second", allowed_sources=["solarwinds"]))
    assert (caller.in_url, caller.rate_limit, caller.allowed_sources) == (True, "5/second", {"solarwinds"})
    assert caller.key_id == ApiKey.objects.get().pk


def test_the_sources_of_keys_are_those_of_the_webhook():
    assert set(SourceName.values) == set(SOURCES)


def basic(user: str, password: str, encoding: str = "utf-8") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode(encoding)).decode()


def name_of_caller(headers: dict[str, str], url_token: str | None = None) -> str | None:
    caller = caller_of(RequestFactory().post("/webhook", headers=headers), url_token)
    return caller.name if caller else None


@pytest.mark.parametrize(
    "headers",
    [
        lambda key: {"X-API-KEY": key},
        lambda key: {"x-api-key": key},
        lambda key: {"Authorization": f"Bearer {key}"},
        lambda key: {"Authorization": f"bearer   {key}  "},
        lambda key: {"Authorization": f"BEARER {key}"},
        lambda key: {"Authorization": basic("orion", key)},
        lambda key: {"Authorization": basic("", key)},
        lambda key: {"Authorization": basic("DOMÄNE\\orion", key)},
        lambda key: {"Authorization": basic("ä", key, "latin-1")},
        lambda key: {"Authorization": basic("orion", key).replace("Basic", "basic ")},
        lambda key: {"Authorization": "Negotiate YII=", "X-API-KEY": key},
    ],
)
def test_a_key_is_taken_from_each_header_it_may_be_in(secret, headers):
    assert name_of_caller(headers(secret)) == "a sensor"


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        " ",
        "Bearer",
        "Bearer ",
        "Basic",
        "Basic ",
        "Basic !",
        "Basic =",
        "Basic ä",
        "Basic \xff\xfe",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"user:").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
        "Negotiate abc",
        "Digest username=a",
        "a" * 10_000,
    ],
)
def test_an_authorization_that_is_malformed_or_holds_no_key_finds_nobody(secret, authorization):
    assert name_of_caller({"Authorization": authorization}) is None


def test_a_key_is_no_user_name_and_no_part_of_a_header(secret):
    for text in (basic(secret, ""), basic(secret, "x"), f"Basic {secret}", secret, f"Bearer {secret} {secret}"):
        assert name_of_caller({"Authorization": text}) is None


def test_the_first_place_with_a_key_decides(make_key):
    a, b, c = (make_key("ingest", name=name, in_url=name == "c") for name in "abc")
    assert name_of_caller({"X-API-KEY": a, "Authorization": f"Bearer {b}"}, c) == "a"
    assert name_of_caller({"X-API-KEY": "", "Authorization": f"Bearer {b}"}, c) == "b"
    assert name_of_caller({"Authorization": "Negotiate x"}, c) == "c"
    assert name_of_caller({"X-API-KEY": "wrong", "Authorization": f"Bearer {b}"}, c) is None
    assert name_of_caller({"Authorization": "Bearer wrong"}, c) is None
    assert name_of_caller({"Authorization": "Basic !"}, c) is None


def test_only_a_key_that_may_be_in_the_url_is_taken_from_there(secret, make_key):
    token = make_key("ingest", name="orion", in_url=True)
    assert name_of_caller({}, token) == "orion"
    assert name_of_caller({"X-API-KEY": token}) == "orion"
    assert name_of_caller({}, secret) is None
    assert name_of_caller({}, "mutt_guess") is None
    assert name_of_caller({}, "") is None
    assert name_of_caller({}, None) is None


@pytest.mark.parametrize("scheme", ["bearer", "basic"])
def test_the_api_takes_keys_from_authorization(make_key, scheme):
    key = make_key("read")
    text = f"Bearer {key}" if scheme == "bearer" else basic("me", key)
    assert Client(headers={"Authorization": text}).get("/api/v1/rules").status_code == 200
    assert Client(headers={"Authorization": text + "x"}).get("/api/v1/rules").status_code == 401


def test_the_api_leaves_other_kinds_of_authorization_to_the_session(admin_client):
    for text in ("Negotiate YII=", "", "Digest x"):
        assert admin_client.get("/api/v1/rules", headers={"Authorization": text}).status_code == 200
        assert Client().get("/api/v1/rules", headers={"Authorization": text}).status_code == 401


def test_the_api_refuses_a_key_that_signs():
    secret, key = signing()
    ApiKey.objects.filter(pk=key.pk).update(scopes=["read"])
    answer = Client(headers={"X-API-KEY": secret}).get("/api/v1/rules")
    assert answer.status_code == 401
    assert "for the webhook only" in answer.json()["detail"]


def test_the_webhook_takes_a_token_in_the_path_for_the_source_of_its_key_only(make_key, redis_server):
    token = make_key("ingest", name="orion", in_url=True, allowed_sources=["native"])
    other = make_key("ingest", name="no token", allowed_sources=["native"])

    def post(path: str) -> int:
        return Client().post(f"/webhook/{path}", EVENT, content_type="application/json").status_code

    assert post(f"native/{token}") == 202
    assert post(f"syslog/{token}") == 403
    assert post(f"native/{other}") == 401
    assert journal().totals().accepted == 1
