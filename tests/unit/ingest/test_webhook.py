"""The webhook: what is answered, and what is in the journal afterwards."""

import io
import json
from typing import Any
from uuid import UUID

import orjson
import pytest
from django.test import Client, RequestFactory

from audit.connections import redis_client
from audit.ids import batch_of
from audit.journal import journal
from audit.outcomes import Stage
from ingest.models import Scope
from ingest.views import webhook

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]

GOOD = {"hostname": "edge-1", "timestamp": "2026-11-23T08:30:00Z", "message": "it happened"}
BAD = {**GOOD, "hostname": "two words"}


def post(secret: str | None, body: Any, content_type: str = "application/json") -> Any:
    """POST bytes as they are, all else as JSON."""
    headers = {} if secret is None else {"X-API-KEY": secret}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Client(headers=headers).post("/webhook", content, content_type=content_type)


def problem_of(response: Any, status: int) -> Any:
    """The problem details (RFC 9457) of a refusal, with which nothing was accepted."""
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert {"type": "about:blank", "status": status}.items() <= problem.items()
    assert problem["title"]
    assert problem["detail"]
    return problem


def counted() -> tuple[int, int]:
    """How many events the journal counts as accepted and as rejected."""
    totals = journal().totals()
    return totals.accepted, totals.rejected


def in_journal(answer: Any) -> list[Any]:
    found = journal().look(UUID(answer["batch"]))
    assert found is not None
    stage, entries = found
    assert stage is Stage.VALIDATE
    return entries


def queued() -> list[str]:
    """The tasks that wait in the broker's queue, by their names and batch ids."""
    messages = [orjson.loads(raw)["headers"] for raw in redis_client().lrange("pipeline", 0, -1)]
    return [f"{headers['task']} {headers['argsrepr']}" for headers in reversed(messages)]


def test_one_event_is_answered_202_with_its_id_and_is_in_the_journal(secret):
    response = post(secret, GOOD)
    assert (response.status_code, response["Content-Type"]) == (202, "application/json")
    answer = response.json()
    (event,) = answer["events"]
    assert answer == {"batch": answer["batch"], "accepted": 1, "rejected": 0, "events": [{"id": event["id"]}]}
    assert (UUID(answer["batch"]).version, UUID(event["id"]).version) == (7, 7)
    assert in_journal(answer) == [{"id": event["id"], "event": GOOD}]
    assert counted() == (1, 0)
    assert queued() == [f"ingest.validate_batch batch {answer['batch']}, 1 event"]


@pytest.mark.parametrize("separator", [None, b"\n"])
def test_a_batch_is_answered_with_ids_of_version_7_in_order(secret, separator):
    events = [{**GOOD, "message": str(number)} for number in range(25)]
    body = orjson.dumps(events) if separator is None else separator.join(orjson.dumps(event) for event in events)
    answer = post(secret, body).json()
    identifiers = [UUID(event["id"]) for event in answer["events"]]
    assert (answer["accepted"], answer["rejected"]) == (25, 0)
    assert identifiers == sorted(set(identifiers))
    assert {identifier.version for identifier in identifiers} == {7}
    assert {batch_of(identifier) for identifier in identifiers} == {UUID(answer["batch"])}
    assert in_journal(answer) == [
        {"id": str(identifier), "event": event} for identifier, event in zip(identifiers, events, strict=True)
    ]


def test_a_batch_with_bad_events_is_202_with_the_reason_at_each_bad_one(secret):
    lines = [json.dumps(GOOD), "nonsense", json.dumps(BAD), "5", json.dumps({**GOOD, "message": "last"})]
    response = post(secret, "\n".join(lines).encode())
    answer = response.json()
    assert (response.status_code, answer["accepted"], answer["rejected"]) == (202, 2, 3)
    assert [sorted(event) for event in answer["events"]] == [["id"], *[["error", "errors", "reason"]] * 3, ["id"]]
    _, unreadable, bad, number, _ = answer["events"]
    assert "line 1 column 1" in unreadable["error"]
    assert bad["error"].startswith('/hostname: "two words" is not a name or IP address without blanks')
    assert [error["pointer"] for error in bad["errors"]] == ["/hostname"]
    assert number["error"] == "An event is a JSON object, not a number."
    assert [entry["event"]["message"] for entry in in_journal(answer)] == ["it happened", "last"]
    assert [entry["id"] for entry in in_journal(answer)] == [answer["events"][0]["id"], answer["events"][4]["id"]]
    assert counted() == (2, 3)


def test_a_batch_of_nothing_but_bad_events_is_202_and_opens_nothing(secret):
    response = post(secret, [BAD, {}])
    answer = response.json()
    assert (response.status_code, answer["accepted"], answer["rejected"]) == (202, 0, 2)
    assert journal().look(UUID(answer["batch"])) is None
    assert journal().totals().open_batches == 0
    assert queued() == []
    assert counted() == (0, 2)


def test_an_empty_array_is_202_and_changes_nothing(secret):
    response = post(secret, [])
    assert (response.status_code, response.json()["events"]) == (202, [])
    assert counted() == (0, 0)
    assert journal().totals().open_batches == 0


def test_a_lone_bad_event_is_400_with_where_it_is_bad_and_how_to_mend_it(secret):
    problem = problem_of(post(secret, {**BAD, "trap_oid": "now"}), 400)
    assert [error["pointer"] for error in problem["errors"]] == ["/hostname", "/trap_oid"]
    assert "e.g. core-router-01" in problem["errors"][0]["detail"]
    assert "/trap_oid: " in problem["detail"]
    assert "e.g. 1.3.6.1.6.3.1.1.5.3" in problem["detail"]
    assert counted() == (0, 1)


@pytest.mark.parametrize(
    ("body", "said"), [(b"", "empty"), (b"hello", "line 1 column 1"), (b"a\nb", "NDJSON"), (b'[{"a":1}', "element 0")]
)
def test_a_body_that_cannot_be_read_is_400_and_counted(secret, body, said):
    assert said in problem_of(post(secret, body), 400)["detail"]
    assert counted() == (0, 1)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/octet-stream"]
)
@pytest.mark.parametrize("body", [GOOD, [GOOD], json.dumps(GOOD).encode() + b"\n" + json.dumps(GOOD).encode()])
def test_the_content_type_is_not_asked(secret, content_type, body):
    assert post(secret, body, content_type).status_code == 202


def test_a_multipart_content_type_is_not_asked_either(secret):
    assert post(secret, GOOD, "multipart/form-data; boundary=x").status_code == 202


@pytest.mark.parametrize("wrong", [None, "", "mutt_guessed", "Schlüssel"])
def test_a_request_without_a_known_key_is_401_and_is_not_counted(secret, wrong):
    assert "X-API-KEY" in problem_of(post(wrong, GOOD), 401)["detail"]
    assert counted() == (0, 0)


def test_a_key_for_other_purposes_is_403_and_the_missing_scope_is_named(make_key):
    problem = problem_of(post(make_key(Scope.READ, Scope.WRITE, name="a reader"), GOOD), 403)
    assert "“a reader”" in problem["detail"]
    assert "“ingest”" in problem["detail"]
    assert counted() == (0, 0)


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch", "options"])
def test_only_post_is_taken(secret, method):
    problem_of(getattr(Client(headers={"X-API-KEY": secret}), method)("/webhook"), 405)


def test_a_body_may_have_as_many_bytes_as_allowed_and_no_more(secret, settings):
    body = json.dumps(GOOD).encode()
    settings.MUTT_MAX_BODY_BYTES = len(body)
    assert post(secret, body).status_code == 202
    assert f"At most {len(body):,} bytes" in problem_of(post(secret, body + b" "), 413)["detail"]
    assert counted() == (1, 0)


def test_a_batch_may_have_as_many_events_as_allowed_and_no_more(secret, settings):
    settings.MUTT_MAX_EVENTS = 2
    assert post(secret, [GOOD] * 2).status_code == 202
    assert "It has 3 events; at most 2" in problem_of(post(secret, [GOOD] * 3), 413)["detail"]
    assert counted() == (2, 0)


@pytest.mark.parametrize(("padding", "status"), [(0, 202), (1, 413)])
def test_a_chunked_body_is_measured_while_it_is_read(secret, settings, padding, status):
    body = json.dumps(GOOD).encode()
    settings.MUTT_MAX_BODY_BYTES = len(body)
    request = RequestFactory().post("/webhook", b"", content_type="application/json", headers={"X-API-KEY": secret})
    request.META |= {"wsgi.input_terminated": True, "wsgi.input": io.BytesIO(body + b" " * padding)}
    assert webhook(request).status_code == status


def test_a_connection_that_ends_within_the_body_is_400_and_accepts_nothing(secret):
    class Torn(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise ConnectionResetError

    request = RequestFactory().post("/webhook", json.dumps(GOOD).encode(), content_type="application/json")
    request.META |= {"HTTP_X_API_KEY": secret}
    request._stream = Torn()  # noqa: SLF001 - what the web server's socket is to Django
    assert "incomplete" in orjson.loads(webhook(request).content)["title"]
    assert counted() == (0, 0)


def test_without_redis_the_answer_is_503_with_retry_after(secret, redis_away):
    for body in (GOOD, [GOOD, BAD]):
        response = post(secret, body)
        assert problem_of(response, 503)["title"] == "MUTT cannot take events just now"
        assert int(response["Retry-After"]) > 0


def test_without_redis_a_bad_event_is_still_told_what_is_wrong(secret, redis_away):
    problem_of(post(secret, BAD), 400)
    assert post(secret, [BAD]).json()["rejected"] == 1


def test_a_broker_that_refuses_the_message_does_not_matter_once_the_journal_has_the_batch(secret):
    redis_client().set("pipeline", "not a queue")
    response = post(secret, GOOD)
    assert response.status_code == 202
    assert journal().stage_of(UUID(response.json()["batch"])) is not None
    assert counted() == (1, 0)


def test_the_journal_keeps_who_sent_a_batch_and_from_where(make_key):
    answer = post(make_key(Scope.INGEST, name="rsyslog"), GOOD).json()
    with journal().claimed(UUID(answer["batch"]), Stage.VALIDATE) as claim:
        assert (claim.api_key, claim.address, claim.size, claim.seq) == ("rsyslog", "127.0.0.1", 1, 1)
