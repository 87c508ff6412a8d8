"""The correlation id: the sender's or a new one, in the answer, the journal, the record and the log."""

import json
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from audit.journal import journal
from audit.models import Record
from audit.outcomes import Stage
from ingest.receiving import Sender, _commit, _Single
from ingest.tasks import validate_batch
from rules.tasks import match_batch
from tests.unit.mutt_project.calls import get

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server", "fresh_rule_set")]

EVENT = {"hostname": "edge-1", "timestamp": "2026-11-23T08:30:00Z", "message": "it happened"}
TOKEN = "mutt_Zm9vYmFyLWZvb2Jhcl9mb29iYXItZm9vYmFyLWZvb2I"


def post(secret: str, given: str | None, body: Any = EVENT) -> Any:
    headers = {"X-API-KEY": secret, **({} if given is None else {"X-Correlation-ID": given})}
    return Client(headers=headers).post("/webhook", json.dumps(body), content_type="application/json")


def kept(answer: Any) -> str:
    place = journal().place_of(UUID(answer.json()["batch"]))
    assert place is not None
    return place.correlation_id


def test_the_senders_own_id_is_answered_kept_and_recorded(secret, reader):
    answer = post(secret, "ticket 4711/b", [EVENT, EVENT])
    assert answer["X-Correlation-ID"] == kept(answer) == "ticket 4711/b"
    batch, identifier = answer.json()["batch"], answer.json()["events"][1]["id"]
    assert get(reader, f"events/{identifier}")["correlation_id"] == "ticket 4711/b"
    validate_batch.run(batch)
    assert get(reader, f"events/{identifier}")["correlation_id"] == "ticket 4711/b"
    match_batch.run(batch)
    assert {record.correlation_id for record in Record.objects.all()} == {"ticket 4711/b"}
    assert get(reader, f"events/{identifier}")["correlation_id"] == "ticket 4711/b"


def test_a_request_without_one_gets_a_new_one_each_time(secret):
    answers = [post(secret, None) for _ in range(2)]
    identifiers = {answer["X-Correlation-ID"] for answer in answers}
    assert len(identifiers) == 2
    assert all(len(identifier) == 32 for identifier in identifiers)
    assert {kept(answer) for answer in answers} == identifiers


@pytest.mark.parametrize("given", ["x" * 129, "schlüssel", "a\tb", TOKEN, f"of {TOKEN}", "Basic b3Jpb246bXV0dF9hYmNk"])
def test_an_odd_or_secret_id_costs_no_event_and_is_not_kept(secret, given):
    answer = post(secret, given)
    assert answer.status_code == 202
    assert answer["X-Correlation-ID"] == kept(answer) != given
    assert len(kept(answer)) == 32


@pytest.mark.parametrize("path", ["/webhook", "/webhook/nowhere", "/api/v1/events", "/nothing", "/healthz"])
def test_every_answer_has_the_id_also_a_refusal(path):
    answer = Client(headers={"X-Correlation-ID": "abc"}).get(path)
    assert answer["X-Correlation-ID"] == "abc"


def test_events_of_several_requests_in_one_batch_keep_their_own():
    singles = [_Single({"event": EVENT}, Sender("k", "10.0.0.1", name, name)) for name in ("one", "one", "other")]
    _commit(singles)()
    batch = singles[0].batch
    assert batch is not None
    with journal().claimed(batch, Stage.VALIDATE) as claim:
        assert (claim.correlation_id, claim.traceparent) == ("one", "one")
        assert [entry.get("correlation_id") for entry in claim.events] == [None, None, "other"]
        assert [entry.get("traceparent") for entry in claim.events] == [None, None, "other"]
        assert "api_key" not in claim.events[2]
        claim.release()
    validate_batch.run(str(batch))
    match_batch.run(str(batch))
    assert [record.correlation_id for record in Record.objects.order_by("event_id")] == ["one", "one", "other"]
