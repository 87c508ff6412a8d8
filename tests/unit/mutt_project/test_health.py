"""Liveness, readiness and metrics, with stores there and away."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def test_the_process_is_alive_even_when_both_stores_are_away(redis_away, postgresql_leaves):
    postgresql_leaves()
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_ready_means_that_both_stores_answer(redis_server):
    answer = Client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "checks": {"redis": "ok", "postgresql": "ok"}}


def test_without_redis_no_event_can_be_accepted(redis_away):
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "unavailable",
        "checks": {"redis": "unreachable (ConnectionError)", "postgresql": "ok"},
    }


def test_without_postgresql_events_are_still_accepted_and_it_is_said(redis_server, postgresql_leaves):
    postgresql_leaves()
    answer = Client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "checks": {"redis": "ok", "postgresql": "unreachable (OperationalError)"},
    }


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
def test_no_key_is_asked_for(redis_server, path):
    assert Client().get(path).status_code == 200
    assert Client(headers={"X-API-KEY": "wrong"}).get(path).status_code == 200
