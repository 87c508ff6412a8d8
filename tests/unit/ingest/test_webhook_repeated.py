"""A request that is sent again: the first answer, and nothing is created."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import orjson
import pytest
from django.test import Client

from audit.connections import redis_client
from audit.journal import ANSWER, journal
from ingest import signatures
from ingest.models import ApiKey, Scope
from ingest.receiving import IdempotencyKey, Sender, receive
from tests.unit.ingest.test_webhook import BAD, GOOD, counted, problem_of, queued

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]


def post(secret, body, key=None, path="/webhook", **headers):
    headers = {"X-API-KEY": secret, **headers}
    if key is not None:
        headers["Idempotency-Key"] = key
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return Client(headers=headers).post(path, content, content_type="application/json")


@pytest.mark.parametrize("body", [GOOD, [GOOD, {**GOOD, "message": "another"}], [GOOD, BAD, GOOD], [BAD, BAD]])
def test_the_same_key_gets_the_same_answer_and_creates_nothing(secret, body):
    first = post(secret, body, "abc")
    after_first = counted(), queued(), journal().totals().open_batches
    second = post(secret, body, "abc")
    assert (second.status_code, second.json()) == (first.status_code, first.json()) == (202, first.json())
    assert (counted(), queued(), journal().totals().open_batches) == after_first


def test_the_answer_stays_the_same_when_the_batch_is_closed_long_ago(secret):
    first = post(secret, GOOD, "abc").json()
    redis_client().delete(*[key for key in redis_client().keys("*") if ANSWER not in str(key)])
    assert post(secret, GOOD, "abc").json() == first
    assert journal().totals().open_batches == 0


def test_another_key_or_no_key_is_another_request(secret):
    answers = [post(secret, GOOD, key).json() for key in ("a", "b", None, None, "")]
    assert len({answer["batch"] for answer in answers}) == 5
    assert counted() == (5, 0)


def test_the_same_key_of_another_sender_is_another_request(make_key):
    one, other = make_key(Scope.INGEST, name="one"), make_key(Scope.INGEST, name="other")
    assert post(one, GOOD, "abc").json()["batch"] != post(other, GOOD, "abc").json()["batch"]


def test_the_same_key_with_another_body_is_409(secret):
    post(secret, GOOD, "abc")
    problem = problem_of(post(secret, {**GOOD, "message": "else"}, "abc"), 409)
    assert "Another body" in problem["detail"]
    assert counted() == (1, 0)


def test_a_lone_bad_event_may_be_mended_and_sent_with_its_key(secret):
    assert post(secret, BAD, "abc").status_code == 400
    assert post(secret, GOOD, "abc").status_code == 202


def test_a_key_that_is_too_long_is_refused(secret):
    assert post(secret, GOOD, "k" * 255).status_code == 202
    problem_of(post(secret, GOOD, "k" * 256), 400)


def test_of_many_that_come_at_once_with_one_key_one_makes_a_batch():
    def once(_: int) -> str:
        body = orjson.dumps([GOOD, GOOD])
        sender = Sender("k", "a")
        return str(receive(body, None, sender, key=IdempotencyKey.of("k", "abc", body, 60)).batch)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(once, range(40)))) == 1
    assert counted() == (2, 0)
    assert len(queued()) == 1


def test_an_answer_is_forgotten_after_its_window(secret, settings):
    settings.MUTT_IDEMPOTENCY_WINDOW_S = 1
    first = post(secret, GOOD, "abc").json()
    time.sleep(1.1)
    assert post(secret, GOOD, "abc").json()["batch"] != first["batch"]


def test_the_same_body_is_the_same_request_for_sources_that_are_set_up_so(secret, settings):
    settings.MUTT_SAME_BODY_WINDOWS = {"syslog": 60}
    first = post(secret, [GOOD], path="/webhook/syslog").json()
    assert post(secret, [GOOD], path="/webhook/syslog").json() == first
    assert post(secret, [GOOD, GOOD], path="/webhook/syslog").json()["batch"] != first["batch"]
    assert post(secret, [GOOD], path="/webhook").json()["batch"] != first["batch"]
    assert post(secret, [GOOD], path="/webhook").json()["batch"] != first["batch"]


def test_a_signed_request_that_is_replayed_creates_nothing():
    made = ApiKey(name="signer", scopes=[Scope.INGEST]).save_as_new(signed=True)
    body, stamp = orjson.dumps([GOOD]), str(int(datetime.now(UTC).timestamp()))
    from standardwebhooks import Webhook  # noqa: PLC0415 - the other side, in this test alone

    signature = Webhook(made.signing_secret).sign("msg-1", datetime.fromtimestamp(int(stamp), UTC), body.decode())
    headers = {signatures.ID: "msg-1", signatures.TIMESTAMP: stamp, signatures.SIGNATURE: signature}
    first = post(made.secret, body, **headers)
    assert first.status_code == 202
    assert post(made.secret, body, **headers).json() == first.json()
    assert counted() == (1, 0)
    problem_of(post(made.secret, body), 401)
    problem_of(post(made.secret, orjson.dumps([GOOD, GOOD]), **headers), 401)


def test_without_redis_a_request_with_a_key_is_503(secret, redis_away):
    problem_of(post(secret, GOOD, "abc"), 503)
