"""The pages of delivery, dead letters and replays in admin; and their metrics."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from audit.connections import redis_client
from audit.ids import event_id, new_batch_id
from audit.models import DeadLetter
from forwarder.breaker import breaker
from ingest.replay_models import Replay
from mutt_project.roles import ensure_roles
from tests.unit.forwarder.breaking import trip
from tests.unit.forwarder.records import alert

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]

DELIVERY = "/admin/forwarder/destination/"
LETTERS = "/admin/audit/deadletter/"
REPLAYS = "/admin/ingest/replay/"


def person(role: str) -> Client:
    ensure_roles()
    user = User.objects.create_user("alice", password="a long password", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


def dead(**fields: Any) -> DeadLetter:
    identifier = event_id(new_batch_id(timezone.now()), 0)
    alert(event_id=identifier, outcome="dead", reason="refused").save(force_insert=True)
    values = {"payload": {"hostname": "edge-1"}, "attempts": 1, "created_at": timezone.now(), **fields}
    return DeadLetter.objects.create(event_id=identifier, stage="moog", reason="refused", detail="HTTP 400", **values)


def act(client: Client, path: str, action: str, *chosen: Any, why: str = "") -> list[str]:
    """Do an action of a list; what is said about it."""
    asked = {"action": action, "why": why, "_selected_action": [str(one.pk) for one in chosen]}
    answer: Any = client.post(path, asked, follow=True)
    return [str(message) for message in answer.context["messages"]]


def test_the_page_shows_how_delivery_stands():
    client = person("MUTT viewer")
    assert "closed" in client.get(DELIVERY).content.decode()
    trip(breaker(), "10 failures: HTTP 503")
    breaker().pause("HTTP 401: unknown key")
    page = client.get(DELIVERY).content.decode()
    assert "10 failures: HTTP 503" in page
    assert "HTTP 401: unknown key" in page
    assert "Do it" not in page


def test_an_operator_forces_and_resumes_on_the_page():
    client = person("MUTT operator")
    assert "Do it" in client.get(DELIVERY).content.decode()
    client.post(DELIVERY, {"wish": "open", "minutes": "5", "reason": "CHG-1"})
    forced = breaker().view().forced
    assert forced is not None
    assert (forced.state, forced.reason, forced.by) == ("open", "CHG-1", "alice")
    breaker().pause("HTTP 401")
    client.post(DELIVERY, {"wish": "resume", "minutes": "5", "reason": "mended"})
    client.post(DELIVERY, {"wish": "automatic", "minutes": "5", "reason": "done"})
    assert (breaker().view().forced, breaker().view().paused) == (None, None)


def test_an_error_stands_beside_its_field_and_nothing_happens():
    client = person("MUTT operator")
    page = client.post(DELIVERY, {"wish": "open", "minutes": "0", "reason": ""}).content.decode()
    assert "This field is required." in page
    assert "greater than or equal to 1" in page
    assert breaker().view().forced is None


@pytest.mark.parametrize("role", ["MUTT viewer", "MUTT editor"])
def test_who_may_only_look_changes_nothing(role):
    client, letter = person(role), dead()
    assert client.post(DELIVERY, {"wish": "open", "minutes": "5", "reason": "x"}).status_code == 403
    act(client, LETTERS, "replay", letter)
    act(client, LETTERS, "discard", letter, why="x")
    letter.refresh_from_db()
    assert (letter.state, breaker().view().forced, redis_client().llen("pipeline")) == ("waiting", None, 0)


def test_nobody_sees_it_without_the_right():
    client = Client()
    client.force_login(User.objects.create_user("bob", password="a long password", is_staff=True))
    assert client.get(DELIVERY).status_code == 403


def test_without_redis_the_page_says_so(redis_away):
    page = person("MUTT operator").get(DELIVERY).content.decode()
    assert "Redis is away" in page


def test_dead_letters_are_replayed_from_the_list():
    client, letter = person("MUTT operator"), dead()
    assert act(client, LETTERS, "replay", letter, why="mended") == ["On their way again: 1."]
    letter.refresh_from_db()
    assert (letter.settled_by, letter.settled_why) == ("alice", "mended")
    (said,) = act(client, LETTERS, "replay", letter)
    assert "still on its way" in said


def test_many_dead_letters_are_replayed_in_the_background():
    client = person("MUTT operator")
    letters = [dead() for _ in range(101)]
    (said,) = act(client, LETTERS, "replay", *letters)
    assert said == "101 are replayed in the background: see Replays."
    replay = Replay.objects.get()
    assert act(client, REPLAYS, "stop", replay) == ["Stopped: 1. What is on its way goes on."]
    replay.refresh_from_db()
    assert (replay.status, replay.ended_by) == ("stopped", "alice")


def test_dead_letters_are_discarded_with_a_reason_only():
    client, letter = person("MUTT operator"), dead()
    assert act(client, LETTERS, "discard", letter) == ["Nothing was discarded: say why, beside the action."]
    assert act(client, LETTERS, "discard", letter, why="a test")[0].startswith("Discarded: 1.")
    letter.refresh_from_db()
    assert (letter.state, letter.settled_why) == ("discarded", "a test")


def test_the_lists_and_a_letter_open():
    client, letter = person("MUTT viewer"), dead()
    for path in (LETTERS, f"{LETTERS}{letter.pk}/change/", f"{LETTERS}?q=EDGE-1", REPLAYS):
        assert client.get(path).status_code == 200


def test_the_metrics_say_how_delivery_stands(client):
    trip(breaker(), "away")
    page = client.get("/metrics").content.decode()
    assert 'mutt_breaker_state{state="open"} 1.0' in page
    assert 'mutt_breaker_state{state="closed"} 0.0' in page
    for line in ("mutt_batches_parked 0.0", "mutt_destination_paused 0.0", 'mutt_queue_messages{queue="forward"} 0.0'):
        assert line in page


def test_without_redis_the_other_metrics_are_there(client, redis_away):
    page = client.get("/metrics").content.decode()
    assert "mutt_breaker_state" not in page
    assert "mutt_tasks_total" in page
