"""Refused requests: each reason with the name of the key, told to operators and to no stranger."""

import gzip
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import orjson
import pytest
from django.test import Client
from django.utils import timezone

from audit.models import Record
from ingest import receiving, traffic_store
from ingest.admission import gate, rates
from ingest.answers import Why
from ingest.authentication import known_keys
from ingest.metrics import REQUESTS_REFUSED
from ingest.models import ApiKey, Scope
from ingest.sealing import seal
from ingest.traffic import traffic
from ingest.traffic_looking import recent_refusals, rejections_by_source, traffic_by_minute
from ingest.traffic_models import RefusedRequests
from tests.unit.forwarder.records import alert
from tests.unit.ingest.test_webhook import BAD, GOOD
from tests.unit.ingest.test_webhook_door import send
from tests.unit.mutt_project.calls import get

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]

SOON = timedelta(minutes=5)


@pytest.fixture(autouse=True)
def _fresh(settings):
    settings.MUTT_GATE_EVERY_S = 0
    for made in (gate, rates):
        made.cache_clear()
    traffic.take()
    yield
    for made in (gate, rates):
        made.cache_clear()
    traffic.take()


@pytest.fixture
def reader(make_key) -> Client:
    return Client(headers={"X-API-KEY": make_key("read", name="a reader")})


def counted() -> dict[tuple[str, str], tuple[int, int]]:
    """Requests and events by source and answer."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for (_, source, answer), (requests, events) in traffic.take().minutes.items():
        before = found.get((source, answer), (0, 0))
        found[source, answer] = (before[0] + requests, before[1] + events)
    return found


def store() -> None:
    traffic_store.add(traffic.take())


def refused() -> list[tuple[str, str, str]]:
    return [(why, api_key, address) for _, why, api_key, address in traffic.take().refused]


def in_metric(why: Why) -> float:
    return float(REQUESTS_REFUSED.labels(why.value)._value.get())  # noqa: SLF001 - no other way


def test_what_is_taken_is_counted_by_source_with_its_bad_events(secret):
    send(secret, [GOOD, GOOD, BAD], "/webhook/syslog")
    send(secret, GOOD)
    send(secret, BAD)
    send(secret, b"a\nb\nc")
    for _ in range(2):
        send(secret, [GOOD, GOOD], **{"Idempotency-Key": "abc"})
    assert counted() == {
        ("syslog", "accepted"): (1, 2),
        ("syslog", "rejected"): (0, 1),
        ("native", "accepted"): (2, 3),
        ("native", "rejected"): (1, 1),
        ("native", "body_unreadable"): (1, 1),
        ("native", "repeated"): (1, 0),
    }


SENT: list[tuple[Why, dict[str, Any], dict[str, Any]]] = [
    (Why.REVOKED_KEY, {"is_active": False}, {}),
    (Why.EXPIRED_KEY, {"expires_at": timezone.now() - SOON}, {}),
    (Why.EXPIRED_KEY, {"expires_at": timezone.now() - SOON, "scopes": ["read"]}, {}),
    (Why.WRONG_SCOPE, {"scopes": ["read"]}, {}),
    (Why.WRONG_SOURCE, {"allowed_sources": ["syslog"]}, {}),
    (Why.UNREADABLE_KEY, {"signing_secrets": ["not sealed by us"]}, {}),
    (Why.BAD_SIGNATURE, {"signing_secrets": [seal(b"x" * 32)]}, {}),
    (Why.BODY_UNREADABLE, {"is_active": True}, {"body": b"a\nb"}),
    (Why.BODY_INCOMPLETE, {"is_active": True}, {"body": gzip.compress(b"[]" * 100)[:-9], "Content-Encoding": "gzip"}),
    (Why.UNKNOWN_ENCODING, {"is_active": True}, {"Content-Encoding": "br"}),
    (Why.BAD_IDEMPOTENCY_KEY, {"is_active": True}, {"Idempotency-Key": "x" * 256}),
]


@pytest.mark.parametrize(("why", "key", "request_"), SENT, ids=[f"{why}" for why, _, _ in SENT])
def test_a_refused_request_is_noted_with_its_reason_and_the_name_of_its_key(make_key, why, key, request_):
    before = in_metric(why)
    secret = make_key(Scope.INGEST, name="rsyslog", **key)
    headers = {name: value for name, value in request_.items() if name != "body"}
    answer = send(secret, request_.get("body", GOOD), **headers)
    assert 400 <= answer.status_code < 500
    assert refused() == [(why.value, "rsyslog", "127.0.0.1")]
    assert in_metric(why) == before + 1


def test_a_request_without_a_key_that_is_known_is_noted_without_a_name(make_key):
    path = make_key(Scope.INGEST, name="not for the URL")
    send(None, GOOD)
    send("mutt_guess", GOOD)
    send(None, GOOD, Authorization="Basic nonsense")
    send(None, GOOD, f"/webhook/native/{path}")
    send(None, GOOD, "/webhook/splunk")
    Client().get("/webhook/syslog")
    taken = traffic.take()
    assert {key[1:]: number for key, (number, _) in taken.refused.items()} == {
        ("no_key", "", "127.0.0.1"): 2,
        ("unknown_key", "", "127.0.0.1"): 1,
        ("key_in_url", "not for the URL", "127.0.0.1"): 1,
        ("not_found", "", "127.0.0.1"): 1,
        ("method", "", "127.0.0.1"): 1,
    }
    assert {source for _, source, _ in taken.minutes} == {"native", "syslog", "unknown"}
    assert path not in repr(taken)


def test_who_holds_a_revoked_key_is_told_what_is_told_who_holds_none(make_key):
    revoked = send(make_key(Scope.INGEST, name="rsyslog", is_active=False), GOOD)
    unknown = send("mutt_guess", GOOD)
    assert (revoked.status_code, revoked.content) == (unknown.status_code, unknown.content)
    headers = [{**answer.headers, "X-Correlation-ID": "one of its own"} for answer in (revoked, unknown)]
    assert headers[0] == headers[1]


def test_limits_and_large_bodies_are_noted(make_key, settings):
    settings.MUTT_MAX_EVENTS, settings.MUTT_MAX_BODY_BYTES = 2, 1000
    slow = make_key(Scope.INGEST, name="slow", rate_limit="3/hour")
    send(slow, [GOOD] * 3)
    send(slow, b"x" * 1001)
    send(slow, GOOD)
    send(slow, GOOD)
    settings.MUTT_GLOBAL_RATE = "1/hour"
    fast = make_key(Scope.INGEST, name="fast")
    for _ in range(2):
        send(fast, GOOD)
    settings.MUTT_OPEN_BATCHES_HIGH, settings.MUTT_OPEN_BATCHES_LOW = 1, 1
    gate.cache_clear()
    send(fast, GOOD)
    assert {(why, name) for why, name, _ in refused()} == {
        ("too_large", "slow"),
        ("key_rate", "slow"),
        ("global_rate", "fast"),
        ("full", ""),
    }


def test_an_outage_of_redis_is_noted(secret, redis_away):
    assert send(secret, GOOD).status_code == 503
    assert refused() == [("journal_away", "a sensor", "127.0.0.1")]


def test_an_outage_of_postgresql_is_noted_for_those_who_are_not_known(secret, postgresql_leaves):
    send(secret, GOOD)
    postgresql_leaves()
    assert send(secret, GOOD).status_code == 202
    assert send("mutt_another", GOOD).status_code == 503
    assert counted() == {("native", "accepted"): (2, 2), ("native", "keys_unavailable"): (1, 0)}


def test_a_bug_of_mutt_is_counted_as_a_failure_and_still_answered_500(secret):
    with patch.object(receiving, "receive", side_effect=ZeroDivisionError):
        client = Client(headers={"X-API-KEY": secret}, raise_request_exception=False)
        assert client.post("/webhook", orjson.dumps(GOOD), content_type="application/json").status_code == 500
    assert counted() == {("native", "failed"): (1, 0)}


def test_every_reason_is_a_series_before_its_first_request():
    page = Client().get("/metrics").content.decode()
    for why in Why:
        assert f'mutt_requests_refused_total{{why="{why.value}"}}' in page


def test_a_key_that_is_revoked_is_named_by_the_api_within_its_age(reader, make_key):
    secret = make_key(Scope.INGEST, name="rsyslog")
    assert send(secret, GOOD).status_code == 202
    ApiKey.objects.filter(name="rsyslog").update(is_active=False)
    known_keys._found.clear()  # noqa: SLF001 - MUTT_KEY_MAX_AGE_S is over
    for _ in range(2):
        assert send(secret, GOOD).status_code == 401
    store()
    found = get(reader, "refusals")
    (row,) = found["results"]
    assert {**row, "last_at": None} == {
        "why": "revoked_key",
        "api_key": "rsyslog",
        "address": "127.0.0.1",
        "requests": 2,
        "last_at": None,
    }
    assert found["more"] is False


def test_the_api_filters_and_adds_hours_up(reader):
    now = timezone.now().replace(microsecond=0)
    hour = now.replace(minute=0, second=0)
    for back, why, key in ((0, "revoked_key", "a"), (1, "revoked_key", "a"), (1, "no_key", ""), (30, "no_key", "")):
        at = {"hour": hour - timedelta(hours=back), "last_at": now - timedelta(hours=back)}
        RefusedRequests.objects.create(**at, why=why, api_key=key, address="192.0.2.1", requests=5)
    assert [(row["why"], row["requests"]) for row in get(reader, "refusals?since=-90m")["results"]] == [
        ("revoked_key", 10),
        ("no_key", 5),
    ]
    assert [row["requests"] for row in get(reader, "refusals?since=-59m")["results"]] == [5]
    assert [row["requests"] for row in get(reader, "refusals?since=-2d&why=no_key")["results"]] == [10]
    assert [row["api_key"] for row in get(reader, "refusals?since=-2d&api_key=a")["results"]] == ["a"]
    assert get(reader, "refusals?address=192.0.2.2")["results"] == []
    assert get(reader, "refusals?since=-2d&why=no_key")["results"][0]["api_key"] is None


@pytest.mark.parametrize("query", ["since=yesterday", "why=boredom"])
def test_the_api_says_what_it_cannot_read(reader, query):
    get(reader, f"refusals?{query}", 400)


def test_the_api_needs_a_key_that_may_read(secret):
    get(Client(), "refusals", 401)
    get(Client(headers={"X-API-KEY": secret}), "refusals", 403)


def test_refusals_that_bear_on_a_host_come_by_its_address_or_its_key():
    now = timezone.now()
    alert(hostname="Core-1", api_key="relay", address="192.0.2.1").save(force_insert=True)
    alert(hostname="core-2", api_key="other", address="192.0.2.9").save(force_insert=True)
    for why, key, address in (
        ("revoked_key", "relay", "192.0.2.7"),
        ("no_key", "", "192.0.2.1"),
        ("no_key", "", "192.0.2.9"),
    ):
        row = {"why": why, "api_key": key, "address": address, "requests": 1}
        RefusedRequests.objects.create(hour=now.replace(minute=0, second=0, microsecond=0), last_at=now, **row)
    assert Record.objects.count() == 2
    since = now - SOON
    assert {(row.why, row.address) for row in recent_refusals(since, "core-1")} == {
        ("revoked_key", "192.0.2.7"),
        ("no_key", "192.0.2.1"),
    }
    assert [row.address for row in recent_refusals(since, "192.0.2.9")] == ["192.0.2.9"]
    assert recent_refusals(since, "nobody") == []
    assert len(recent_refusals(since)) == 3
    assert recent_refusals(now + SOON) == []


def test_traffic_is_shown_by_minute_and_rejections_by_source(make_key):
    now = timezone.now()
    secret = make_key(Scope.INGEST, rate_limit="4/hour")
    send(secret, [GOOD, GOOD, BAD], "/webhook/syslog")
    send(secret, [BAD, BAD, BAD], "/webhook/syslog")
    send(secret, b"a\nb", "/webhook/syslog")
    send(secret, GOOD)
    send(secret, GOOD)
    store()
    begin = now - SOON
    rows = traffic_by_minute(begin, timezone.now() + SOON)
    sums = {
        source: [
            sum(getattr(row, name) for row in rows if row.source == source)
            for name in ("requests", "accepted", "rejected", "refused", "failed")
        ]
        for source in ("syslog", "native")
    }
    assert sums == {"syslog": [3, 2, 5, 1, 0], "native": [2, 1, 0, 1, 0]}
    assert rejections_by_source(begin, timezone.now()) == [("syslog", "rejected", 4), ("syslog", "body_unreadable", 1)]
    assert traffic_by_minute(begin, begin) == []
