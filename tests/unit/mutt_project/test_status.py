"""The status: each thing that may be wrong is told with its reason and how to mend it."""

import re
import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from audit.connections import redis_client
from audit.journal import QUEUES, Waiting
from audit.models import DeadLetter
from audit.workers import Worker
from forwarder.breaker import Wish, breaker
from forwarder.looking import Delivering, delivering
from forwarder.rate_limit import rate_limit
from ingest import canary
from mutt_project import __version__
from mutt_project.secrets.vault_settings import VaultSettings
from mutt_project.status.check import Check, State
from mutt_project.status.configuration import clocks, rule_check, setting_checks
from mutt_project.status.delivery import dead_letters, delivery_checks, scheduled_canary
from mutt_project.status.encryption import readable_stores
from mutt_project.status.gathering import status
from mutt_project.status.redis_look import look_at_redis, settings_of_redis
from mutt_project.status.workers import queue_checks
from ops.local.stack import ROOT
from rules.models import Rule
from rules.ruleset import look_at_rules
from tests.unit.mutt_project.calls import RULE, get

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]


def named(name: str, checks: Any) -> Check:
    return next(check for check in checks if check.name == name)


def of_delivery(name: str, now: Delivering | None = None) -> Check:
    return named(name, delivery_checks(now or delivering()))


def test_the_version_is_that_of_the_project():
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == __version__


def test_the_api_tells_everything_and_who_asks(reader):
    told = get(reader, "status")
    assert told["key"] == {"name": "a reader", "scopes": ["read"], "expires_at": None}
    assert told["versions"]["mutt"] == __version__
    assert re.fullmatch(r"(Valkey|Redis) \d+\.\d+\.\d+", told["versions"]["redis_server"])
    assert re.fullmatch(r"\d+(\.\d+)+", told["versions"]["postgresql"])
    assert [queue["name"] for queue in told["queues"]] == list(QUEUES)
    checks = {check["name"]: check["state"] for check in told["checks"]}
    assert told["state"] == "failed"
    assert {name for name, state in checks.items() if state == "failed"} == {f"queue_{queue}" for queue in QUEUES}
    assert [name for name, state in checks.items() if state == "warning"] == ["setting_tls"]  # the host “testserver”
    assert {"redis", "postgresql", "journal", "clocks", "rules", "breaker", "moogsoft_key"} <= set(checks)
    assert all(bool(check["mend"]) is (check["state"] != "ok") for check in told["checks"])


def test_the_status_wants_the_scope_read(make_key, client):
    answer = client.get("/api/v1/status", headers={"X-API-KEY": make_key("ingest")})
    assert answer.status_code == 403


def test_what_cannot_be_asked_is_left_out_while_redis_is_away(redis_away):
    told = status()
    assert told.state is State.FAILED
    assert (told.queues, told.versions["redis_server"]) == ([], None)
    names = {check.name for check in told.checks}
    assert {"redis", "postgresql", "rules", "dead_letters"} <= names
    assert not {"breaker", "journal"} & names


def test_what_cannot_be_asked_is_left_out_while_postgresql_is_away(postgresql_leaves):
    postgresql_leaves()
    told = status()
    assert (told.rules, told.versions["postgresql"]) == (None, None)
    assert named("postgresql", told.checks).state is State.FAILED
    assert {"redis", "breaker", "queue_pipeline"} <= {check.name for check in told.checks}


def test_a_rule_that_cannot_be_matched_is_named():
    Rule.objects.create(**RULE)
    bad = Rule.objects.create(**{**RULE, "name": "Bad one", "match_type": "regex", "match_string": "good"})
    assert rule_check(look_at_rules()).is_well
    with connection.cursor() as cursor:
        cursor.execute("UPDATE rules_rule SET match_string = '(down' WHERE id = %s", [bad.pk])
    found = rule_check(look_at_rules())
    assert (found.state, f"{bad.pk} “Bad one” (" in found.text) == (State.FAILED, True)
    assert [(one.rule_id, one.name) for one in look_at_rules().left_out] == [(bad.pk, "Bad one")]


def test_dead_letters_that_wait_are_counted():
    fields = {"stage": "moog", "reason": "refused", "payload": {}, "attempts": 1, "created_at": datetime.now(UTC)}
    DeadLetter.objects.create(event_id="0199c8a2-1c00-7000-8000-5b2f4c9e0001", **fields)
    DeadLetter.objects.create(event_id="0199c8a2-1c00-7000-8000-5b2f4c9e0002", state="discarded", **fields)
    assert dead_letters().text.endswith(": 1.")


def test_queues_without_a_worker_fail_and_deep_ones_are_warned_of():
    waiting = Waiting(0, 0, {"pipeline": 3, "forward": 2_000})
    now = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    lives = Worker("worker-1", ("forward", "dlq", "maintenance"), now, now, 7, alive=True, stopped=False)
    gone = Worker("worker-2", ("pipeline",), now, now, 7, alive=False, stopped=False)
    found = list(queue_checks(waiting, [lives, gone]))
    assert [(check.name, check.state.value) for check in found] == [
        ("queue_pipeline", "failed"),
        ("queue_forward", "warning"),
        ("queue_dlq", "ok"),
        ("queue_maintenance", "ok"),
    ]
    assert found[0].text == (
        "No worker for the queue “pipeline” lives (worker-2 gone, last heard of 03:04:05 UTC); messages waiting: 3."
    )


def test_the_breaker_tells_why_and_how_long_nothing_is_sent():
    assert of_delivery("breaker").is_well
    breaker().want(Wish.OPEN, "an upgrade", "a person", 3600)
    found = of_delivery("breaker")
    assert found.state is State.FAILED
    assert found.text.startswith("The breaker is forced open by a person, until ")
    assert found.text.endswith(": an upgrade.")


def test_an_open_breaker_tells_when_it_tries_again():
    now = delivering()
    moment = now.breaker.now
    view = replace(
        now.breaker,
        state=type(now.breaker.state).OPEN,
        reason="10 failures: HTTP 503",
        next_try_at=moment + timedelta(seconds=200),
    )
    found = of_delivery("breaker", replace(now, breaker=view))
    assert found.text == "The breaker is open for another 200 s: Moogsoft failed (10 failures: HTTP 503)."


def test_a_refused_key_and_a_pause_are_told():
    assert of_delivery("moogsoft_key").is_well
    breaker().pause("HTTP 401: no")
    assert "Moogsoft refuses the key" in of_delivery("moogsoft_key").text
    rate_limit().hold(30)
    assert of_delivery("rate_limit").text.startswith("Moogsoft has asked for a pause")


def test_parked_batches_are_warned_of():
    assert of_delivery("parked", replace(delivering(), parked=1_234)).text.endswith(": 1,234.")


def test_redis_that_may_lose_events_is_told():
    facts = look_at_redis().facts
    assert list(settings_of_redis(facts)) == []
    wrong = {**facts, "maxmemory_policy": "allkeys-lru", "aof_enabled": 0, "maxmemory": 0}
    assert [(check.name, check.state.value) for check in settings_of_redis(wrong)] == [
        ("redis_eviction", "failed"),
        ("redis_aof", "warning"),
        ("redis_maxmemory", "warning"),
    ]


def test_dangerous_settings_are_told(settings):
    settings.ALLOWED_HOSTS = ["localhost"]
    assert [check.name for check in setting_checks()] == ["settings"]
    settings.DEBUG = True
    settings.ALLOWED_HOSTS = ["mutt.example.com"]
    settings.MOOGSOFT_URL = "http://moogsoft.example.com/"
    settings.MUTT_VAULT = VaultSettings("http://vault.example.com:8200", Path("/run/mutt"), {})
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 60}
    assert [check.name for check in setting_checks()] == [
        "setting_debug",
        "setting_tls",
        "setting_moogsoft_url",
        "setting_visibility_timeout",
    ]


@pytest.mark.parametrize(
    ("redis_url", "host", "sslmode", "warned_of"),
    [
        ("redis://127.0.0.1:6379/0", "localhost", None, set()),
        ("redis://[::1]:6379/0", "", None, set()),
        ("redis://127.0.0.1:6379/0", "/run/postgresql", "disable", set()),
        ("rediss://redis.example/0", "db.example", "verify-full", set()),
        ("redis://redis.example/0", "db.example", None, {"setting_redis_tls", "setting_postgresql_tls"}),
        ("redis://10.0.0.1/0", "10.0.0.1", "verify-ca", {"setting_redis_tls", "setting_postgresql_tls"}),
        ("rediss://redis.example/0", "127.0.0.1,db.example", "require", {"setting_postgresql_tls"}),
    ],
)
def test_a_store_on_another_machine_without_tls_that_is_sure_is_warned_of(redis_url, host, sslmode, warned_of):
    options = {"sslmode": sslmode} if sslmode else {}
    found = list(readable_stores(redis_url, {"HOST": host, "OPTIONS": options}))
    assert {check.name for check in found} == warned_of
    assert all(check.state is State.WARNING and "docs/network.md" in check.mend for check in found)


def test_clocks_that_differ_are_told_with_their_direction():
    assert [check.is_well for check in clocks({"Redis": 0.4, "PostgreSQL": -1.9})] == [True]
    (found,) = clocks({"Redis": 61.0, "PostgreSQL": -3.25})
    assert found.text == (
        "Clocks differ: that of Redis is 61.0 s ahead of and that of PostgreSQL is 3.2 s behind this machine's."
    )


def test_a_canary_that_does_not_come_through_is_told(settings):
    now = datetime.now(UTC)
    assert list(scheduled_canary(now)) == []
    settings.MUTT_CANARY_EVERY_S = 60.0
    assert [check.state for check in scheduled_canary(now)] == [State.WARNING]
    redis_client().hset(canary.STATE, "ended", now.timestamp())
    assert [check.state for check in scheduled_canary(now + timedelta(seconds=90))] == [State.OK]
    (late,) = scheduled_canary(now + timedelta(seconds=600))
    assert (late.state, late.text.partition(",")[0]) == (State.FAILED, "No canary has come through for 600 s")
