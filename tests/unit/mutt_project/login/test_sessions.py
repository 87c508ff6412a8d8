"""Sessions end: after a time, with a new password, with the account."""

import time

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.unit.mutt_project.login.conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def sessions(log_in, ada) -> tuple[Client, Client]:
    """Two browsers of one person."""
    User.objects.update(is_superuser=True)
    one, two = Client(), Client()
    for client in (one, two):
        assert log_in(client=client).status_code == 200
        assert is_in(client)
    return one, two


def is_in(client: Client) -> bool:
    return client.get("/admin/password_change/").status_code == 200


def test_a_new_password_ends_all_sessions_but_the_one_that_set_it(sessions):
    one, two = sessions
    new = {"new_password1": "another long one", "new_password2": "another long one"}
    assert one.post("/admin/password_change/", {"old_password": PASSWORD, **new}).status_code == 302
    assert is_in(one)
    assert not is_in(two)


def test_a_deactivated_person_is_out_at_once(sessions):
    User.objects.update(is_active=False)
    assert not any(is_in(client) for client in sessions)


def test_while_postgresql_is_away_sessions_and_logins_are_answered_so(sessions, log_in, postgresql_leaves):
    one, _ = sessions
    postgresql_leaves()
    for answer in (one.get("/api/v1/rules"), log_in()):
        assert answer.status_code == 503
        assert "PostgreSQL" in answer.json()["detail"]


@pytest.mark.parametrize(("idle_s", "most_s", "later_s"), [(100, 10_000, 101), (10_000, 200, 201)])
def test_a_session_ends_when_nobody_uses_it_and_in_any_case(sessions, settings, monkeypatch, idle_s, most_s, later_s):
    settings.MUTT_SESSION_IDLE_S, settings.MUTT_SESSION_MAX_S = idle_s, most_s
    used, _ = sessions
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + later_s / 2)
    assert is_in(used)
    monkeypatch.setattr(time, "time", lambda: now + later_s)
    assert is_in(used) is (idle_s == 100), "what is used goes on, until it is too old"
    monkeypatch.setattr(time, "time", lambda: now + 3 * later_s)
    assert not is_in(used)
