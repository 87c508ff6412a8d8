"""The REST API: events and the ledger to read, rules, hosts and teams to change."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client

from audit.ids import event_id, new_batch_id
from audit.journal import journal
from audit.models import Attempt
from audit.outcomes import Outcome, Stage
from ingest.tasks import validate_batch
from rules.models import Rule
from rules.tasks import match_batch
from tests.unit.forwarder.records import alert
from tests.unit.mutt_project.calls import RULE, faults, get, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server", "fresh_rule_set")]

SENT = {"hostname": "Edge-1.", "timestamp": "2026-11-23T08:30:00Z", "message": "it happened"}
NOW = datetime(2020, 11, 23, 12, tzinfo=UTC)
COLLECTIONS = ["events", "rules", "dev-hosts", "teams"]


def recorded(place: int = 0, *, at: datetime = NOW, **fields: Any) -> str:
    identifier = event_id(new_batch_id(at), place)
    alert(event_id=identifier, **fields).save(force_insert=True)
    return str(identifier)


def opened() -> tuple[UUID, str]:
    batch = new_batch_id(datetime.now(UTC))
    journal().open(batch, [{"id": str(event_id(batch, 0)), "event": SENT}], api_key="sensor", address="10.0.0.9")
    return batch, str(event_id(batch, 0))


def stages(story: Any) -> list[str]:
    return [step["stage"] for step in story["steps"]]


def test_an_event_is_found_at_once_while_it_is_only_in_the_journal(reader):
    batch, identifier = opened()
    story = get(reader, f"events/{identifier}")
    assert (story["id"], story["batch"], story["outcome"]) == (identifier, str(batch), "pending")
    assert story["event"] == SENT
    assert stages(story) == ["received", "waiting"]
    assert "normalise" in story["steps"][-1]["text"]
    validate_batch.run(str(batch))
    story = get(reader, f"events/{identifier}")
    assert stages(story) == ["received", "validated", "waiting"]
    assert "decide it by the rules" in story["steps"][-1]["text"]


def test_an_event_is_followed_from_the_journal_into_its_record(reader):
    Rule.objects.create(**{**RULE, "match_string": "HAPPENED"})
    batch, identifier = opened()
    validate_batch.run(str(batch))
    match_batch.run(str(batch))
    story = get(reader, f"events/{identifier}")
    assert (story["hostname"], story["handling"], story["environment"]) == ("Edge-1", "Page_only", "prod")
    assert (story["rule_name"], story["api_key"]) == ("Down", "sensor")
    assert stages(story) == ["received", "validated", "decided", "waiting"]
    assert story["steps"][-1]["text"] == "It waits to be delivered to Moogsoft."
    assert "10.0.0.9" in story["steps"][0]["text"]


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Outcome.DELIVERED, "Delivered to Moogsoft."),
        (Outcome.IGNORED, "Ignored"),
        (Outcome.UNMATCHED, "Counted as unmatched"),
        (Outcome.SUPPRESSED, "Suppressed: flood."),
        (Outcome.DEAD, "Given up: flood."),
    ],
)
def test_an_event_that_came_to_an_end_says_which(reader, outcome, said):
    identifier = recorded(outcome=outcome.value, outcome_at=NOW, reason="flood")
    story = get(reader, f"events/{identifier}")
    assert story["outcome"] == outcome
    assert stages(story)[-1] == "outcome"
    assert story["steps"][-1]["text"].startswith(said)


def test_an_event_tells_its_own_attempts_and_no_others(reader):
    identifier = recorded(outcome="delivered", outcome_at=NOW)
    fields = {"batch_id": UUID(int=UUID(identifier).int - 1), "started_at": NOW, "duration_ms": 12.0}
    Attempt.objects.create(event_ids=[UUID(identifier)], number=1, status=503, reason="server_error", **fields)
    Attempt.objects.create(event_ids=[uuid4()], number=2, status=400, reason="refused", **fields)
    Attempt.objects.create(event_ids=[UUID(identifier), uuid4()], number=3, status=200, **fields)
    texts = [step["text"] for step in get(reader, f"events/{identifier}")["steps"] if step["stage"] == "attempt"]
    assert ["server_error" in texts[0], "HTTP 200" in texts[1], len(texts)] == [True, True, 2]


@pytest.mark.parametrize("unknown", [str(uuid4()), "01980000-0000-7000-8000-000000000001"])
def test_an_id_that_nobody_has_is_404_with_what_that_means(reader, unknown):
    assert f"No event has the id {unknown}" in get(reader, f"events/{unknown}", 404)["detail"]


@pytest.mark.parametrize("odd", ["x", "5", "-" * 36, "0" * 35, "%00"])
def test_what_is_no_id_is_404(reader, odd):
    get(reader, f"events/{odd}", 404)


def test_events_are_listed_the_newest_first_in_cursor_pages_that_new_events_do_not_disturb(reader):
    made = [recorded(at=NOW + timedelta(seconds=place)) for place in range(5)]
    first = get(reader, "events?limit=2")
    recorded(at=NOW + timedelta(hours=1))
    second = get(reader, first["next"].partition("/api/v1/")[2])
    third = get(reader, second["next"].partition("/api/v1/")[2])
    listed = [event["id"] for page in (first, second, third) for event in page["results"]]
    assert listed == made[::-1]
    assert (third["next"], first["previous"]) == (None, None)
    assert [event["id"] for event in get(reader, second["previous"].partition("/api/v1/")[2])["results"]] == listed[:2]


def test_events_are_filtered_by_host_in_any_case_and_by_outcome(reader):
    edge, core = recorded(hostname="Edge-1"), recorded(hostname="core-1", outcome="dead")
    assert [event["id"] for event in get(reader, "events?hostname=eDGE-1")["results"]] == [edge]
    assert [event["id"] for event in get(reader, "events?outcome=dead")["results"]] == [core]
    assert get(reader, "events?hostname=edge")["results"] == []
    assert get(reader, "events?hostname=edge-1&outcome=dead")["results"] == []


def test_events_are_filtered_by_when_they_were_received(reader):
    old, new = recorded(at=NOW), recorded(at=NOW + timedelta(hours=2))
    found = {
        query: [event["id"] for event in get(reader, f"events?{query}")["results"]]
        for query in ("since=2020-11-23T13:00:00Z", "until=2020-11-23T13:00:00%2B00:00", "since=2020-11-23T14:00:00Z")
    }
    assert list(found.values()) == [[new], [old], [new]]
    assert get(reader, "events?until=2020-11-23T12:00:00Z")["results"] == []
    recent = recorded(at=datetime.now(UTC))
    assert get(reader, "events?since=-1h")["results"][0]["id"] == recent


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("outcome=lost", "outcome"),
        ("since=yesterday", "since"),
        ("until=-5x", "until"),
        (f"hostname={'a' * 256}", "hostname"),
        ("hostname=a%00b", "hostname"),
        ("since=-999999w", "since"),
    ],
)
def test_a_search_that_makes_no_sense_is_400_with_its_field(reader, query, field):
    assert f"/{field}" in faults(get(reader, f"events?{query}", 400))


@pytest.mark.parametrize("cursor", ["x", "cD1ub3RoaW5n"])
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_a_cursor_that_somebody_made_up_is_refused(reader, collection, cursor):
    assert "cursor" in get(reader, f"{collection}?cursor={cursor}", 404)["detail"].lower()


def test_the_ledger_balances_over_journal_and_records(reader):
    Rule.objects.create(**RULE)
    for _ in range(3):
        opened()
    batch, _ = opened()
    validate_batch.run(str(batch))
    match_batch.run(str(batch))
    journal().count_rejected(2)
    assert get(reader, "ledger") == {
        "accepted": 4, "delivered": 0, "ignored": 0, "unmatched": 1, "suppressed": 0, "dead": 0, "lost": 0,
        "pending": 3, "rejected": 2, "balanced": True, "imbalance": 0, "suspects": [], "looked_back_to": None,
    }  # fmt: skip


def test_the_ledger_says_so_when_an_event_is_lost(reader):
    batch, _ = opened()
    with journal().claimed(batch, Stage.VALIDATE) as claim:
        claim.finish()
    assert get(reader, "ledger")["balanced"] is False


@pytest.mark.parametrize("path", [*COLLECTIONS, "ledger", f"events/{uuid4()}"])
@pytest.mark.parametrize("headers", [{}, {"X-API-KEY": "mutt_guess"}])
def test_nobody_sees_anything_without_a_key(path, headers):
    answer = Client(headers=headers).get(f"/api/v1/{path}")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "ApiKey header=X-API-KEY"


def test_a_key_that_may_only_send_events_may_not_look(make_key):
    sensor = Client(headers={"X-API-KEY": make_key("ingest", "write")})
    for path in (*COLLECTIONS, "ledger"):
        get(sensor, path, 403)


@pytest.mark.parametrize("path", ["rules", "dev-hosts", "teams"])
def test_a_key_that_may_only_look_may_change_nothing(reader, path):
    send(reader, "POST", path, {}, 403)
    for method in ("PUT", "PATCH", "DELETE"):
        send(reader, method, f"{path}/1", {}, 403)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nobody_may_write_events(writer, method):
    identifier = recorded()
    send(writer, method, "events" if method == "POST" else f"events/{identifier}", {}, 405)
