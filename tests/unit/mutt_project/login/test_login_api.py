"""Logging in over the API: who gets in, who does not, and that nobody learns why."""

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import hashers
from django.contrib.auth.models import Group, User
from django.test import Client

from mutt_project.login import entering
from tests.unit.mutt_project.login.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def test_who_logs_in_is_told_who_they_are_and_may_call_the_api(ada, log_in):
    ada.groups.add(Group.objects.create(name="MUTT editor"))
    client = Client(enforce_csrf_checks=True)
    answer = log_in(client=client)
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert (told["username"], told["roles"], told["is_superuser"]) == ("ada", ["MUTT editor"], False)
    assert answer.headers["Cache-Control"] == "no-store"
    assert client.cookies[django_settings.SESSION_COOKIE_NAME]["httponly"]
    User.objects.update(is_superuser=True)
    assert client.get("/api/v1/rules").status_code == 200
    host = {"hostname": "lab-1", "change_reason": "new"}
    refused = client.post("/api/v1/dev-hosts", host, content_type="application/json")
    assert (refused.status_code, "CSRF" in refused.json()["detail"]) == (403, True)
    token = {"X-CSRFToken": told["csrf_token"]}
    made = client.post("/api/v1/dev-hosts", host, content_type="application/json", headers=token)
    assert made.status_code == 201, made.content
    assert client.post("/api/v1/auth/logout", headers=token).status_code == 204
    assert client.get("/api/v1/rules").status_code == 401


def test_a_session_gets_a_new_id_at_login(ada, log_in):
    client = Client()
    client.session.save()
    before = client.session.session_key
    assert before
    client.cookies[django_settings.SESSION_COOKIE_NAME] = before
    assert log_in(client=client).status_code == 200
    assert client.cookies[django_settings.SESSION_COOKIE_NAME].value != before


@pytest.fixture
def hashings(monkeypatch):
    """How often a password was hashed."""
    done: list[str] = []
    hasher = hashers.get_hasher()
    encode = hasher.encode

    def noted(_: object, password: str, salt: str, *more: object) -> str:
        done.append(salt)
        return encode(password, salt, *more)

    monkeypatch.setattr(type(hasher), "encode", noted)
    return done


def unknown() -> None:
    """Nobody of this name."""


def wrong() -> None:
    User.objects.create_user("ada", password="another password", is_staff=True)


def inactive() -> None:
    User.objects.create_user("ada", password=PASSWORD, is_staff=True, is_active=False)


def without_password() -> None:
    User.objects.create_user("ada", is_staff=True)


def no_staff() -> None:
    User.objects.create_user("ada", password=PASSWORD)


@pytest.mark.parametrize("person", [unknown, wrong, inactive, without_password, no_staff])
def test_whoever_is_not_let_in_gets_the_same_answer_for_the_same_work(log_in, hashings, person):
    person()
    hashings.clear()
    answer = log_in()
    assert answer.status_code == 401
    assert answer.json()["detail"] == entering.WrongCredentials.text
    assert len(hashings) == 1
    page = Client().post("/admin/login/", {"username": "ada", "password": PASSWORD})
    assert entering.WrongCredentials.text in page.content.decode()
    assert len(hashings) == 2


def test_pages_of_other_sites_cannot_log_anybody_in(ada, log_in, settings):
    assert log_in(headers={"Origin": "https://evil.example"}).status_code == 403
    assert log_in(headers={"Origin": "null"}).status_code == 403
    assert log_in(headers={"Origin": "http://testserver"}).status_code == 200
    settings.CSRF_TRUSTED_ORIGINS = ["https://mutt.example.net"]
    assert log_in(headers={"Origin": "https://mutt.example.net"}).status_code == 200
    form = Client().post("/api/v1/auth/login", {"username": "ada", "password": PASSWORD})
    assert form.status_code == 415


@pytest.mark.parametrize(
    "body",
    [{}, {"username": "ada"}, {"username": "a\0", "password": "x"}, {"username": "a" * 151, "password": "x"}, []],
)
def test_a_login_that_is_none_is_a_clear_error(log_in, body):
    answer = Client().post("/api/v1/auth/login", body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["detail"]


def test_a_password_is_in_no_log_line_even_where_the_name_belongs(ada, log_in, caplog):
    caplog.set_level("INFO")
    log_in(password="not the right one")
    log_in(username="my secret pass phrase", password="x")
    log_in()
    lines = [line for line in caplog.messages if line.startswith("login ")]
    assert lines == [
        "login failed: user “ada” from 127.0.0.1, password",
        "login failed: user that nobody has from 127.0.0.1, password",
        "login ok: user “ada” from 127.0.0.1 by password",
    ]
    assert not {"not the right one", PASSWORD, "my secret"} & set(caplog.messages)
