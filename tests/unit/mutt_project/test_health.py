"""Liveness, readiness and metrics, with stores there and away."""

import contextlib
import re
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client

from audit.connections import redis_client
from ingest.admission import gate

pytestmark = pytest.mark.django_db


def test_the_process_is_alive_even_when_both_stores_are_away(redis_away, postgresql_leaves):
    postgresql_leaves()
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def ready() -> tuple[int, Any]:
    answer = Client().get("/readyz")
    return answer.status_code, answer.json()["checks"]


def test_ready_means_that_both_stores_answer_and_the_journal_has_room(redis_server):
    answer = Client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "checks": {"redis": "ok", "postgresql": "ok", "journal": "ok"}}


def test_without_redis_no_event_can_be_accepted(redis_away):
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "unavailable",
        "checks": {"redis": "It cannot be reached.", "postgresql": "ok"},
    }


def test_without_postgresql_events_are_still_accepted_and_it_is_said(redis_server, postgresql_leaves):
    postgresql_leaves()
    status, checks = ready()
    assert (status, checks["redis"]) == (200, "ok")
    assert checks["postgresql"].startswith("It cannot be reached. Events are taken all the same")


@contextlib.contextmanager
def silence() -> Iterator[int]:
    """A port where connections are taken, and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("trouble", ["password", "silence", "memory", "replica"])
def test_what_is_wrong_with_redis_is_told_without_its_address(redis_server, settings, trouble):
    redis: Any = redis_client()
    password = urlsplit(settings.REDIS_URL).password
    with contextlib.ExitStack() as stack:
        if trouble == "password":
            settings.REDIS_URL = settings.REDIS_URL.replace(password, "wrong-secret")
        elif trouble == "silence":
            settings.REDIS_URL = f"redis://:wrong-secret@127.0.0.1:{stack.enter_context(silence())}/0"
        elif trouble == "memory":
            before = redis.config_get("maxmemory")["maxmemory"]
            redis.config_set("maxmemory", "1")
            stack.callback(redis.config_set, "maxmemory", before)
        else:
            redis.replicaof("127.0.0.1", "1")
            stack.callback(redis.replicaof, "NO", "ONE")
        status, checks = ready()
    said = {
        "password": "It refuses the password.",
        "silence": "It does not answer in time.",
        "memory": "Its memory is full: it takes no writes.",
        "replica": "It is a read-only replica.",
    }
    assert (status, checks["redis"]) == (503, said[trouble])
    assert ready()[0] == (503 if trouble in {"password", "silence"} else 200)


@pytest.mark.parametrize("trouble", ["password", "silence", "database"])
def test_what_is_wrong_with_postgresql_is_told_without_its_address(redis_server, monkeypatch, trouble):
    with contextlib.ExitStack() as stack:
        change: dict[str, object] = {"PASSWORD": "wrong-secret"}
        if trouble == "silence":
            change |= {"PORT": str(stack.enter_context(silence()))}
        elif trouble == "database":
            change = {"NAME": "nowhere"}
        for name, value in change.items():
            monkeypatch.setitem(connection.settings_dict, name, value)
        status, checks = ready()
    said = {
        "password": "It refuses the password.",
        "silence": "It does not answer in time.",
        "database": "The database or its user does not exist.",
    }
    assert status == 200
    assert checks["postgresql"].startswith(said[trouble])
    assert not {"secret", "127.0.0.1", "nowhere"} & set(re.split(r"[^\w.]+", checks["postgresql"]))


@contextlib.contextmanager
def written_past_django(there: str, back: str) -> Iterator[None]:
    """A statement that other sessions see, and the one that undoes it."""
    with contextlib.closing(connection.get_new_connection(connection.get_connection_params())) as session:
        session.autocommit = True
        session.cursor().execute(there)
        try:
            yield
        finally:
            session.cursor().execute(back)


def test_a_missing_migration_is_named(redis_server):
    there = "UPDATE django_migrations SET app = 'gone' WHERE (app, name) = ('forwarder', '0001_destination')"
    back = "UPDATE django_migrations SET app = 'forwarder' WHERE app = 'gone'"
    with written_past_django(there, back):
        status, checks = ready()
    assert (status, checks["postgresql"]) == (
        200,
        "Its tables are not those of this version: the migration forwarder.0001_destination is missing.",
    )


def test_a_read_only_postgresql_is_told(redis_server):
    name = connection.settings_dict["NAME"]
    setting = f'ALTER DATABASE "{name}" {{}} default_transaction_read_only'
    with written_past_django(f"{setting.format('SET')} = on", setting.format("RESET")):
        status, checks = ready()
    assert (status, checks["postgresql"].partition(":")[0]) == (200, "It is read-only")


def test_a_full_journal_takes_nothing_and_names_the_mark(redis_server, settings):
    settings.MUTT_OPEN_BATCHES_HIGH, settings.MUTT_OPEN_BATCHES_LOW = 2, 1
    gate.cache_clear()
    for number in range(3):
        redis_client().zadd("mutt:open", {str(number): number})
    status, checks = ready()
    gate.cache_clear()
    assert status == 503
    assert checks["journal"] == ("It is full: 3 open batches (closes at 2, opens at 1). Events are answered 503.")


def test_metrics_of_one_process_need_no_directory_and_no_key(monkeypatch):
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    answer = Client().get("/metrics")
    assert (answer.status_code, answer["Content-Type"].partition(";")[0]) == (200, "text/plain")
    assert b"mutt_events_received_total" in answer.content
    assert b"mutt_task_seconds" in answer.content


def test_metrics_of_all_processes_come_from_their_directory(monkeypatch, tmp_path):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    answer = Client().get("/metrics")
    assert answer.status_code == 200
    assert b"mutt_task_seconds" not in answer.content  # nobody has written there yet


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
@pytest.mark.parametrize("method", ["OPTIONS", "TRACE"])
def test_they_are_only_looked_at(path, method):
    assert Client().generic(method, path).status_code == 405


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_no_key_is_asked_for(redis_server, path):
    assert Client().get(path).status_code == 200
    assert Client(headers={"X-API-KEY": "wrong"}).get(path).status_code == 200
