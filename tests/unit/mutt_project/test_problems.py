"""Errors of the API as problem details: the status, the sentence, and a pointer to each wrong field."""

import json
from typing import Any

import pytest
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import Http404, UnreadablePostError
from django.test import Client, RequestFactory
from psycopg2.errors import DeadlockDetected, LockNotAvailable
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from rest_framework.exceptions import APIException, NotFound, PermissionDenied, Throttled, ValidationError
from rest_framework.request import Request

from ingest.problems import Problem
from mutt_project.problems import api_problem, not_found, server_error

CONTEXT: dict[str, Any] = {"request": Request(RequestFactory().get("/api/v1/rules"))}


def problem(error: Exception) -> dict[str, Any]:
    response = api_problem(error, CONTEXT)
    assert response is not None
    assert response.content_type == "application/problem+json"
    assert response.data["status"] == response.status_code
    return response.data


def test_a_problem_has_its_media_type_and_the_fields_of_rfc_9457():
    response = Problem(418, "A teapot", "Ask for tea.", ({"pointer": "/a", "detail": "b"},), retry_after_s=5).response()
    assert (response.status_code, response["Content-Type"], response["Retry-After"]) == (
        418,
        "application/problem+json",
        "5",
    )
    assert json.loads(response.content) == {
        "type": "about:blank",
        "title": "A teapot",
        "status": 418,
        "detail": "Ask for tea.",
        "errors": [{"pointer": "/a", "detail": "b"}],
    }


@pytest.mark.parametrize("kind", [DeadlockDetected, LockNotAvailable])
def test_a_change_that_another_one_stands_in_the_way_of_is_no_outage(kind: type[Exception]):
    error = OperationalError("told by PostgreSQL")
    error.__cause__ = kind()
    told = problem(error)
    assert (told["status"], told["detail"][:38]) == (409, "Somebody else changes the same entries")


def test_a_problem_without_errors_or_a_time_to_wait_does_not_mention_them():
    response = Problem(404, "Not found", "Nothing.").response()
    assert "errors" not in json.loads(response.content)
    assert "Retry-After" not in response


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (NotFound("No event has this id."), 404, "No event has this id."),
        (PermissionDenied(), 403, "You do not have permission to perform this action."),
        (Throttled(), 429, "Request was throttled."),
        (APIException("broken"), 500, "broken"),
        (Http404(), 404, "Nothing is at this address."),
        (IntegrityError("duplicate key value"), 409, "Somebody else has just written the same entry."),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "no"), 400, "A text holds a lone surrogate"),
        (UnreadablePostError("timed out"), 400, "The connection ended before the whole body had come"),
        (RedisConnectionError("refused"), 503, "PostgreSQL or Redis is away"),
        (RedisTimeoutError("late"), 503, "PostgreSQL or Redis is away"),
        (OperationalError("gone"), 503, "PostgreSQL or Redis is away"),
        (InterfaceError("closed"), 503, "PostgreSQL or Redis is away"),
    ],
)
def test_an_error_has_its_status_and_a_sentence_for_people(error, status, detail):
    found = problem(error)
    assert found["status"] == status
    assert found["detail"].startswith(detail)
    assert "errors" not in found
    assert found["title"]


def test_each_wrong_field_has_a_pointer():
    found = problem(ValidationError({"name": ["Too long.", "Too dull."], "priority": ["Not a number."]}))
    assert found["errors"] == [
        {"pointer": "/name", "detail": "Too long."},
        {"pointer": "/name", "detail": "Too dull."},
        {"pointer": "/priority", "detail": "Not a number."},
    ]
    assert found["detail"] == "/name: Too long. /name: Too dull. /priority: Not a number."


def test_nested_faults_point_into_the_depth():
    found = problem(ValidationError({"events": [{}, {"host": ["No."]}], "tags": {"a": ["Odd."]}}))
    assert found["errors"] == [
        {"pointer": "/events/1/host", "detail": "No."},
        {"pointer": "/tags/a", "detail": "Odd."},
    ]


def test_a_fault_of_the_whole_points_at_the_whole():
    assert problem(ValidationError({"non_field_errors": ["They clash."]}))["errors"] == [
        {"pointer": "", "detail": "They clash."}
    ]
    found = problem(ValidationError("No."))
    assert found["errors"] == [{"pointer": "", "detail": "No."}]
    assert found["detail"] == "No."


def test_what_is_echoed_in_an_error_can_be_written_whatever_it_is():
    found = problem(ValidationError({"state": ["“\ud800” is not a valid choice."]}))
    assert json.loads(json.dumps(found).encode()) == found
    assert found["detail"] == "/state: “\ufffd” is not a valid choice."


def test_what_is_our_own_fault_is_left_to_django():
    assert api_problem(ZeroDivisionError(), CONTEXT) is None


def test_an_unknown_address_is_told_to_programs_in_json_and_to_browsers_as_a_page():
    answer = Client().get("/no/such/place")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert answer.json()["detail"] == "Nothing is at /no/such/place."
    page = not_found(RequestFactory().get("/x", headers={"Accept": "text/html,*/*"}), Http404())
    assert (page.status_code, page["Content-Type"].partition(";")[0]) == (404, "text/html")


def test_an_unexpected_error_is_told_to_programs_in_json_and_to_browsers_as_a_page():
    answer = server_error(RequestFactory().get("/x"))
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    page = server_error(RequestFactory().get("/x", headers={"Accept": "text/html"}))
    assert (page.status_code, page["Content-Type"].partition(";")[0]) == (500, "text/html")


@pytest.mark.django_db
def test_a_store_that_is_away_is_503_at_the_api(make_key, redis_away):
    answer = Client(headers={"X-API-KEY": make_key("read")}).get("/api/v1/ledger")
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")


@pytest.mark.django_db
def test_postgresql_being_away_is_503_at_the_api_for_a_known_key(make_key, redis_server, postgresql_leaves):
    client = Client(headers={"X-API-KEY": make_key("read")})
    assert client.get("/api/v1/rules").status_code == 200
    postgresql_leaves()
    for path in ("rules", "events", "ledger", "dev-hosts", "teams"):
        answer = client.get(f"/api/v1/{path}")
        assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
