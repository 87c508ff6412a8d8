"""What lets nobody in: a key in a query string, a method in a header, a session without its token or its person."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from rest_framework.response import Response
from rest_framework.views import APIView

from ingest.authentication import KnownKeys
from ingest.models import ApiKey, Scope
from rules.models import Rule
from tests.unit.mutt_project.calls import RULE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]


@pytest.fixture
def root() -> User:
    return User.objects.create_user("root", password=None, is_staff=True, is_superuser=True)


def session(user: User, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(user)
    return client


@pytest.mark.parametrize("name", ["api_key", "key", "token", "access_token", "X-API-KEY", "authorization"])
def test_a_key_in_a_query_string_is_none_and_stays_out_of_the_log(make_key, caplog, name):
    secret = make_key(*Scope.values)
    assert Client().get(f"/api/v1/rules?{name}={secret}").status_code == 401
    assert Client().post(f"/webhook?{name}={secret}", b"{}", content_type="application/json").status_code == 401
    assert caplog.records
    assert secret not in caplog.text


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_no_header_and_no_field_changes_the_method_of_a_request(make_key, root, header):
    rule = Rule.objects.create(**RULE)
    reader = Client(headers={"X-API-KEY": make_key(Scope.READ)})
    person = session(root)
    for client in (reader, person):
        assert client.get(f"/api/v1/rules/{rule.pk}?_method=DELETE", headers={header: "DELETE"}).status_code == 200
        assert client.post(
            f"/api/v1/rules/{rule.pk}", {"_method": "DELETE"}, headers={header: "DELETE"}
        ).status_code in {
            403,
            405,
        }
    assert Rule.objects.count() == 1


def test_a_change_by_a_session_needs_the_token_of_its_pages(root):
    client = session(root, enforce_csrf_checks=True)
    for method, path in (("POST", "/api/v1/rules"), ("POST", "/api/v1/keys"), ("PUT", "/api/v1/breaker")):
        answer = client.generic(method, path, json.dumps(RULE), content_type="application/json")
        assert (answer.status_code, "CSRF" in answer.json()["detail"]) == (403, True)
    assert not Rule.objects.exists()
    form = client.post("/admin/rules/developmenthost/add/", {"hostname": "lab-1", "change_reason": "why"})
    assert form.status_code == 403
    token = client.get("/admin/rules/rule/add/").context["csrf_token"]
    sent = json.dumps(RULE)
    answer = client.post("/api/v1/rules", sent, content_type="application/json", headers={"X-CSRFToken": str(token)})
    assert answer.status_code == 201


def test_a_person_who_is_deactivated_is_out_with_the_next_request(root):
    client = session(root)
    assert client.get("/api/v1/rules").status_code == 200
    User.objects.update(is_active=False)
    assert client.get("/api/v1/rules").status_code == 401
    assert client.get("/admin/rules/rule/").status_code == 302


def test_an_expired_key_is_out_at_once_and_a_revoked_one_with_the_next_look(make_key):
    made = ApiKey.create("a sensor", ["read"])
    known = KnownKeys(max_age_s=0)
    caller = known.find(made.secret)
    assert caller is not None
    ApiKey.objects.update(is_active=False)
    assert known.find(made.secret) is None
    expired = make_key("read", name="old", expires_at=timezone.now())
    assert Client(headers={"X-API-KEY": expired}).get("/api/v1/rules").status_code == 403


def test_a_view_that_does_not_say_whose_rights_it_needs_is_for_nobody(root, rf):
    class Forgotten(APIView):
        def get(self, request: Any) -> Response:
            return Response("secret")

    request = rf.get("/")
    request.user = root
    assert Forgotten.as_view()(request).status_code == 403
