"""The door: closed when the journal is full, rates, sources, tokens in the path, gzip, bad events kept aside."""

import gzip
import json
import logging

import orjson
import pytest
from django.test import Client

from audit.connections import redis_client
from audit.journal import OPEN, journal
from ingest.admission import gate, rates
from ingest.models import Scope
from ingest.quarantine_models import Quarantined
from ingest.reading import SOURCES
from ingest.tasks import store_quarantine
from tests.unit.ingest.test_webhook import BAD, GOOD, counted, in_journal, post, problem_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]


@pytest.fixture(autouse=True)
def _fresh_gate(settings):
    settings.MUTT_GATE_EVERY_S = 0
    for made in (gate, rates):
        made.cache_clear()
    yield
    for made in (gate, rates):
        made.cache_clear()


def send(secret, body, path="/webhook", content_type="application/json", **headers):
    if secret:
        headers["X-API-KEY"] = secret
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return Client(headers=headers).post(path, content, content_type=content_type)


def test_above_the_high_mark_requests_are_503_before_any_work_and_below_the_low_one_they_are_taken(secret, settings):
    settings.MUTT_OPEN_BATCHES_HIGH, settings.MUTT_OPEN_BATCHES_LOW = 3, 1
    assert [send(secret, GOOD).status_code for _ in range(3)] == [202, 202, 202]
    refused = send(None, b"not even looked at")
    problem_of(refused, 503)
    assert refused["Retry-After"] == "5"
    assert counted() == (3, 0)
    redis_client().zremrangebyrank(OPEN, 0, 0)
    assert send(secret, GOOD).status_code == 503
    redis_client().zremrangebyrank(OPEN, 0, 0)
    assert send(secret, GOOD).status_code == 202


def test_a_key_over_its_own_rate_is_429_and_others_are_not(make_key):
    slow, free = make_key(Scope.INGEST, name="slow", rate_limit="2/hour"), make_key(Scope.INGEST, name="free")
    assert [send(slow, GOOD).status_code for _ in range(3)] == [202, 202, 429]
    refused = send(slow, GOOD)
    assert "2/hour" in problem_of(refused, 429)["detail"]
    assert int(refused["Retry-After"]) > 0
    assert send(free, GOOD).status_code == 202


def test_the_usual_rate_of_keys_is_a_setting(make_key, settings):
    settings.MUTT_KEY_RATE = "1/hour"
    one, other = make_key(Scope.INGEST, name="one"), make_key(Scope.INGEST, name="other")
    assert [send(one, GOOD).status_code for _ in range(2)] == [202, 429]
    assert send(other, GOOD).status_code == 202


def test_above_the_rate_of_all_together_the_answer_is_503(make_key, settings):
    settings.MUTT_GLOBAL_RATE = "2/hour"
    one, other = make_key(Scope.INGEST, name="one"), make_key(Scope.INGEST, name="other")
    assert [send(key, GOOD).status_code for key in (one, other, one)] == [202, 202, 503]


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_has_its_path(secret, source):
    assert send(secret, [GOOD], f"/webhook/{source}").status_code == 202


def test_an_unknown_source_is_404_and_the_known_ones_are_named(secret):
    problem = problem_of(send(secret, GOOD, "/webhook/splunk"), 404)
    assert "solarwinds" in problem["detail"]


def test_a_key_may_be_for_some_sources_only(make_key):
    secret = make_key(Scope.INGEST, allowed_sources=["syslog"])
    assert send(secret, [GOOD], "/webhook/syslog").status_code == 202
    assert "/webhook/syslog" in problem_of(send(secret, [GOOD], "/webhook/solarwinds"), 403)["detail"]
    problem_of(send(secret, GOOD), 403)


def test_a_key_that_was_made_for_it_may_be_in_the_path_and_is_in_no_log(make_key, caplog):
    caplog.set_level(logging.DEBUG)
    token = make_key(Scope.INGEST, allowed_sources=["native"], in_url=True)
    assert send(None, [GOOD], f"/webhook/native/{token}").status_code == 202
    assert send(None, b"{", f"/webhook/native/{token}").status_code == 400
    assert send(None, b"{", f"/webhook/native/{token}x").status_code == 401
    assert token not in caplog.text
    other = make_key(Scope.INGEST, name="other")
    problem_of(send(None, [GOOD], f"/webhook/native/{other}"), 401)


def test_a_key_may_be_a_bearer_token_or_a_password(secret):
    import base64  # noqa: PLC0415 - for this test alone

    basic = base64.b64encode(f"solarwinds:{secret}".encode()).decode()
    assert send(None, GOOD, Authorization=f"Bearer {secret}").status_code == 202
    assert send(None, GOOD, Authorization=f"Basic {basic}").status_code == 202
    assert send(None, GOOD, Authorization="Basic nonsense").status_code == 401


def test_gzip_is_taken(secret):
    response = send(secret, gzip.compress(orjson.dumps([GOOD, GOOD])), **{"Content-Encoding": "gzip"})
    assert (response.status_code, response.json()["accepted"]) == (202, 2)


def test_gzip_that_unpacks_to_too_much_is_413_and_nothing_is_taken(secret, settings):
    settings.MUTT_MAX_BODY_BYTES = 10_000
    bomb = gzip.compress(b"[" + b" " * 50_000_000 + b"]")
    assert len(bomb) > 10_000 or problem_of(send(secret, bomb, **{"Content-Encoding": "gzip"}), 413)
    small = gzip.compress(b" " * 20_000)
    problem_of(send(secret, small, **{"Content-Encoding": "gzip"}), 413)


def test_an_encoding_that_nobody_knows_is_415(secret):
    problem_of(send(secret, b"x", **{"Content-Encoding": "br"}), 415)


def test_a_timestamp_that_nobody_can_read_refuses_no_event(secret):
    answer = send(
        secret, [{**GOOD, "timestamp": odd} for odd in ("yesterday", "", None, 0, "17:37:40.`18+01:00")]
    ).json()
    assert (answer["accepted"], answer["rejected"]) == (5, 0)
    assert [entry["notes"] for entry in in_journal(answer)] == [
        ["timestamp_unreadable"],
        ["timestamp_missing"],
        ["timestamp_missing"],
        ["timestamp_unreadable"],
        ["timestamp_unreadable"],
    ]


def test_an_event_with_bytes_that_are_not_utf8_is_marked_and_its_neighbours_are_not(secret):
    body = (
        b'[{"hostname":"h","timestamp":"2026-11-23T08:30:00Z","message":"T\xfcr"},' + json.dumps(GOOD).encode() + b"]"
    )
    entries = in_journal(post(secret, body).json())
    assert [entry.get("notes") for entry in entries] == [["invalid_utf8"], None]
    assert entries[0]["event"]["message"] == "T\ufffdr"


def test_a_text_that_is_too_long_is_refused_by_its_place(secret):
    answer = post(secret, [GOOD, {**GOOD, "extra": {"list": ["x" * 65_536]}}, {**GOOD, "extra": "x" * 65_535}]).json()
    assert ["id" in result for result in answer["events"]] == [True, False, True]
    assert answer["events"][1]["errors"][0]["pointer"] == "/extra/list/0"


def stored() -> list[Quarantined]:
    store_quarantine.run()
    return list(Quarantined.objects.order_by("id"))


def test_what_is_refused_is_in_the_quarantine_with_its_reason(secret):
    post(secret, [GOOD, BAD, 5, {**GOOD, "trap_oid": "linkDown"}])
    post(secret, b"nonsense")
    post(secret, b"a\nb\nc")
    post(secret, BAD)
    assert {(row.reason, bytes(row.body)) for row in stored()} == {
        ("hostname_invalid", orjson.dumps(BAD)),
        ("not_an_object", b"5"),
        ("trap_oid_invalid", orjson.dumps({**GOOD, "trap_oid": "linkDown"})),
        ("not_json", b"nonsense"),
        ("body_unreadable", b"a\nb\nc"),
        ("hostname_invalid", json.dumps(BAD).encode()),
    }


def test_a_repeated_request_puts_nothing_into_the_quarantine_again(secret):
    for _ in range(3):
        send(secret, [GOOD, BAD], **{"Idempotency-Key": "abc"})
    assert len(stored()) == 1


def test_single_events_of_several_senders_in_one_batch_keep_their_own(make_key):
    from ingest.receiving import Sender, _commit, _Single  # noqa: PLC0415 - what threads at once come to

    singles = [_Single({"event": GOOD}, Sender(name, "10.0.0.1")) for name in ("one", "one", "other")]
    _commit(singles)()
    assert len({single.batch for single in singles}) == 1
    batch = singles[0].batch
    assert batch is not None
    found = journal().look(batch)
    assert found is not None
    assert [entry.get("api_key") for entry in found[1]] == [None, None, "other"]
    assert [entry["id"] for entry in found[1]] == [str(single.identifier) for single in singles]
