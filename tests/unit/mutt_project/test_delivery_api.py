"""The breaker and the dead letters over the REST API: to look at, to operate, and who may."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from audit.connections import redis_client
from audit.ids import event_id, new_batch_id
from audit.models import Attempt, DeadLetter
from forwarder.breaker import Wish, breaker
from ingest.replay_models import Replay
from mutt_project.roles import ensure_roles
from tests.unit.forwarder.breaking import trip
from tests.unit.forwarder.records import alert
from tests.unit.mutt_project.calls import faults, get

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]


def person(role: str) -> Client:
    ensure_roles()
    user = User.objects.create_user(role.replace(" ", "-"), password="a long password", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


def send(client: Client, method: str, path: str, body: Any = None) -> Any:
    content = "" if body is None else json.dumps(body)
    return client.generic(method.upper(), f"/api/v1/{path}", content_type="application/json", data=content)


def dead(reason: str = "refused", stage: str = "moog", **fields: Any) -> DeadLetter:
    identifier = event_id(new_batch_id(timezone.now()), 0)
    alert(event_id=identifier, outcome="dead", reason=reason).save(force_insert=True)
    values = {"payload": {"hostname": "edge-1"}, "attempts": 1, "created_at": timezone.now(), **fields}
    return DeadLetter.objects.create(event_id=identifier, stage=stage, reason=reason, **values)


def test_the_breaker_says_how_it_stands(reader):
    shown = get(reader, "breaker")
    assert (shown["state"], shown["failures_to_open"], shown["window_s"], shown["open_s"]) == ("closed", 10, 60, 300)
    assert (shown["forced"], shown["paused"], shown["transitions"], shown["parked_batches"]) == (None, None, [], 0)
    assert shown["rate_limit"] == {"requests": 50, "window_s": 1.0, "used": 0, "held_until": None}
    trip(breaker(), "HTTP 503")
    breaker().pause("HTTP 401: unknown key")
    shown = get(reader, "breaker")
    assert (shown["state"], shown["reason"], shown["paused"]["reason"]) == ("open", "HTTP 503", "HTTP 401: unknown key")
    assert shown["next_try_at"] is not None
    assert [(one["was"], one["became"]) for one in shown["transitions"]] == [("running", "paused"), ("closed", "open")]


def test_the_breaker_can_be_forced_with_a_reason_and_an_end(writer):
    shown = send(writer, "put", "breaker", {"state": "open", "reason": "CHG-1", "for_s": 60}).json()
    assert shown["forced"]["state"] == "open"
    assert (shown["forced"]["reason"], shown["forced"]["by"]) == ("CHG-1", "API key a writer")
    assert shown["state"] == "open"
    shown = send(writer, "put", "breaker", {"state": "automatic", "reason": "done"}).json()
    assert shown["forced"] is None
    assert shown["transitions"][0]["by"] == "API key a writer"


@pytest.mark.parametrize(
    ("wish", "pointer"),
    [
        ({"state": "open"}, "/reason"),
        ({"state": "open", "reason": " "}, "/reason"),
        ({"state": "ajar", "reason": "x"}, "/state"),
        ({"state": "open", "reason": "x", "for_s": 0}, "/for_s"),
        ({"state": "open", "reason": "x", "for_s": 1e9}, "/for_s"),
        ({}, "/state"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused_with_a_pointer(writer, wish, pointer):
    answer = send(writer, "put", "breaker", wish)
    assert answer.status_code == 400
    assert pointer in faults(answer.json())
    assert breaker().view().forced is None


def test_a_paused_destination_is_resumed(writer):
    breaker().pause("HTTP 401")
    assert send(writer, "post", "breaker/resume", {"reason": "mended"}).json()["paused"] is None
    assert send(writer, "post", "breaker/resume", {"reason": "again"}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("put", "breaker", {"state": "open", "reason": "x"}),
        ("post", "breaker/resume", {"reason": "x"}),
        ("post", "dead-letters/replay", {"filter": {"all": True}}),
        ("post", "dead-letters/discard", {"filter": {"all": True}, "reason": "x"}),
        ("post", "dead-letters/{id}/replay", {}),
        ("post", "dead-letters/{id}/discard", {"reason": "x"}),
        ("post", "replays/{replay}/stop", None),
    ],
)
@pytest.mark.parametrize("who", ["reader", "MUTT viewer", "MUTT editor", "nobody"])
def test_who_may_only_look_changes_nothing(reader, method, path, body, who):
    letter = dead()
    replay = Replay.objects.create(
        requested_by="x", filter={}, rate=1, started_at=timezone.now(), next_at=timezone.now(), total=1
    )
    client = reader if who == "reader" else Client() if who == "nobody" else person(who)
    answer = send(client, method, path.format(id=letter.pk, replay=replay.pk), body)
    assert answer.status_code in (401, 403)
    letter.refresh_from_db()
    replay.refresh_from_db()
    assert (letter.state, replay.status, Replay.objects.count()) == ("waiting", "running", 1)
    assert breaker().view().forced is None
    assert redis_client().llen("pipeline") == 0


@pytest.mark.parametrize("role", ["MUTT operator", "MUTT admin"])
def test_who_operates_may_do_all_of_it(role):
    client, first, second = person(role), dead(), dead()
    assert send(client, "put", "breaker", {"state": "open", "reason": "x"}).status_code == 200
    assert send(client, "post", "breaker/resume", {"reason": "x"}).status_code == 200
    assert send(client, "post", f"dead-letters/{first.pk}/replay", {}).status_code == 202
    assert send(client, "post", f"dead-letters/{second.pk}/discard", {"reason": "x"}).status_code == 200
    begun = send(client, "post", "dead-letters/replay", {"filter": {"all": True}}).json()
    assert send(client, "post", f"replays/{begun['replay']['id']}/stop").json()["status"] == "stopped"


def test_dead_letters_are_listed_and_filtered(reader):
    moog, alerter = dead(), dead("internal_error", "alerter", payload={"hostname": "edge-2"})
    dead(state="discarded")
    ids = lambda query="": [one["id"] for one in get(reader, f"dead-letters{query}")["results"]]  # noqa: E731
    assert len(ids()) == 3
    assert ids("?stage=alerter") == [alerter.pk]
    assert ids("?reason=refused&state=waiting") == [moog.pk]
    assert ids("?hostname=edge-2") == [alerter.pk]
    assert ids("?since=-1h&until=-1m") == []
    assert len(ids("?limit=2")) == 2


@pytest.mark.parametrize("query", ["?stage=router", "?state=undead", "?since=yesterday"])
def test_a_filter_that_makes_no_sense_is_refused(reader, query):
    assert reader.get(f"/api/v1/dead-letters{query}").status_code == 400


def test_a_dead_letter_is_shown_with_its_attempts_by_its_number_or_its_events_id(reader):
    letter = dead()
    batch = UUID(int=letter.event_id.int - 1)
    for number, others in ((1, []), (2, [event_id(batch, 1)])):
        Attempt.objects.create(
            batch_id=batch, event_ids=[letter.event_id, *others], number=number, started_at=timezone.now(),
            duration_ms=12.5, status=400, reason="refused", excerpt="HTTP 400: no",
        )  # fmt: skip
    Attempt.objects.create(
        batch_id=batch, event_ids=[event_id(batch, 1)], number=3, started_at=timezone.now(), duration_ms=1
    )
    shown = get(reader, f"dead-letters/{letter.pk}")
    assert [(one["number"], one["events"], one["status"]) for one in shown["posts"]] == [(1, 1, 400), (2, 2, 400)]
    assert shown["posts"][0]["excerpt"] == "HTTP 400: no"
    assert get(reader, f"dead-letters/{letter.event_id}")["id"] == letter.pk


@pytest.mark.parametrize("name", ["999999", "0199c8a2-1c00-7000-8000-5b2f4c9e0000", "-" * 36])
def test_a_dead_letter_that_is_not_there_is_404(reader, name):
    answer = reader.get(f"/api/v1/dead-letters/{name}")
    assert answer.status_code == 404
    assert name in answer.json()["detail"]


def test_a_dead_letter_is_replayed_once(writer):
    letter = dead()
    answer = send(writer, "post", f"dead-letters/{letter.pk}/replay", {"reason": "mended"})
    assert answer.status_code == 202
    assert (answer.json()["settled_by"], answer.json()["settled_why"]) == ("API key a writer", "mended")
    assert redis_client().llen("pipeline") == 1
    again = send(writer, "post", f"dead-letters/{letter.pk}/replay", {})
    assert again.status_code == 409
    assert "still on its way" in again.json()["detail"]


def test_a_dry_run_counts_and_does_nothing(writer):
    for _ in range(3):
        dead()
    body = {"filter": {"stage": "moog"}, "dry_run": True}
    assert send(writer, "post", "dead-letters/replay", body).json() == {"count": 3, "replay": None}
    body = {"filter": {"reason": "refused"}, "reason": "a test", "dry_run": True}
    assert send(writer, "post", "dead-letters/discard", body).json() == {"count": 3, "dry_run": True}
    assert (Replay.objects.count(), DeadLetter.objects.filter(state="waiting").count()) == (0, 3)


def test_many_are_replayed_in_the_background_and_that_can_be_followed_and_stopped(writer, reader):
    for _ in range(3):
        dead()
    begun = send(writer, "post", "dead-letters/replay", {"filter": {"stage": "moog"}, "rate": 5, "reason": "r"}).json()
    assert (begun["count"], begun["replay"]["status"], begun["replay"]["rate"]) == (3, "running", 5)
    assert redis_client().llen("maintenance") == 1
    path = f"replays/{begun['replay']['id']}"
    assert get(reader, path)["requested_by"] == "API key a writer"
    assert [one["id"] for one in get(reader, "replays")["results"]] == [begun["replay"]["id"]]
    assert send(writer, "post", f"{path}/stop").json()["status"] == "stopped"
    assert send(writer, "post", f"{path}/stop").json()["status"] == "stopped"


def test_many_are_discarded_with_a_reason(writer):
    letters = [dead(), dead(), dead("internal_error", "alerter")]
    body = {"filter": {"ids": [letters[0].pk, letters[2].pk]}, "reason": "a test"}
    assert send(writer, "post", "dead-letters/discard", body).json()["count"] == 2
    assert list(DeadLetter.objects.order_by("pk").values_list("state", flat=True)) == [
        "discarded",
        "waiting",
        "discarded",
    ]
    assert send(writer, "post", f"dead-letters/{letters[0].pk}/discard", {"reason": "x"}).status_code == 409


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("replay", {}, "/filter"),
        ("replay", {"filter": {}}, "/filter"),
        ("replay", {"filter": {"all": False}}, "/filter"),
        ("replay", {"filter": {"ids": []}}, "/filter/ids"),
        ("replay", {"filter": {"ids": ["x"]}}, "/filter/ids/0"),
        ("replay", {"filter": {"stage": "moo"}}, "/filter/stage"),
        ("replay", {"filter": {"since": "soon"}}, "/since"),
        ("replay", {"filter": {"all": True}, "rate": 0}, "/rate"),
        ("discard", {"filter": {"all": True}}, "/reason"),
        ("discard", {"filter": {"all": True}, "reason": ""}, "/reason"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_with_a_pointer(writer, path, body, pointer):
    dead()
    answer = send(writer, "post", f"dead-letters/{path}", body)
    assert answer.status_code == 400
    assert any(found.startswith(pointer) for found in faults(answer.json())), faults(answer.json())
    assert DeadLetter.objects.get().state == "waiting"


def test_dead_letters_are_counted_by_stage_reason_and_state(reader):
    for _ in range(2):
        dead()
    dead("internal_error", "alerter", state="discarded")
    shown = get(reader, "dead-letters/summary")
    assert shown["waiting"] == 2
    assert [(one["stage"], one["reason"], one["state"], one["count"]) for one in shown["results"]] == [
        ("moog", "refused", "waiting", 2),
        ("alerter", "internal_error", "discarded", 1),
    ]


def test_without_redis_the_breaker_is_503(writer, redis_away):
    answer = writer.get("/api/v1/breaker")
    assert (answer.status_code, "away" in answer.json()["detail"]) == (503, True)


def test_a_force_ends_by_itself(reader):
    breaker().want(Wish.OPEN, "maintenance", "alice", 60)
    redis_client().hset("mutt:moogsoft:breaker", "forced_until", (timezone.now() - timedelta(seconds=1)).timestamp())
    assert get(reader, "breaker")["forced"] is None
