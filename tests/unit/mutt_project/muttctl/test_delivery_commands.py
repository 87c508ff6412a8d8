"""`muttctl breaker` and `muttctl dlq` against MUTT's own API, in this process."""

import json
from typing import Any

import pytest
from django.utils import timezone

from audit.connections import redis_client
from audit.ids import event_id, new_batch_id
from audit.models import Attempt, DeadLetter
from forwarder.breaker import breaker
from ingest.replay_models import Replay
from tests.unit.forwarder.breaking import trip
from tests.unit.forwarder.records import alert
from tests.unit.mutt_project.conftest import make_key
from tests.unit.mutt_project.muttctl.test_with_mutt import fresh_rule_set, run

__all__ = ["fresh_rule_set", "make_key", "run"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_rule_set", "redis_server")]


def dead(reason: str = "refused", stage: str = "moog", **fields: Any) -> DeadLetter:
    batch = new_batch_id(timezone.now())
    identifier = event_id(batch, 0)
    alert(event_id=identifier, outcome="dead", reason=reason).save(force_insert=True)
    values = {"payload": {"hostname": "edge-1"}, "attempts": 1, "created_at": timezone.now(), **fields}
    Attempt.objects.create(
        batch_id=batch, event_ids=[identifier], number=1, started_at=timezone.now(), duration_ms=21.4, status=400,
        reason=reason, excerpt="HTTP 400: the source is too long",
    )  # fmt: skip
    return DeadLetter.objects.create(event_id=identifier, stage=stage, reason=reason, detail="HTTP 400", **values)


def states() -> list[str]:
    return list(DeadLetter.objects.order_by("pk").values_list("state", flat=True))


def test_the_breaker_is_shown_and_its_exit_status_says_whether_anything_is_sent(run):
    result = run("breaker", "status")
    assert result.exit_code == 0
    assert "closed" in result.output
    assert "0 of 50 within 1.0 s" in result.output
    trip(breaker(), "10 failures: HTTP 503")
    result = run("breaker", "status")
    assert result.exit_code == 1
    assert "10 failures: HTTP 503" in result.output
    assert json.loads(run("breaker", "status", "-o", "json").output)["state"] == "open"


def test_the_breaker_is_forced_and_left_alone_again(run):
    result = run("breaker", "open", "--reason", "CHG-1", "--for", "30m")
    assert result.exit_code == 0
    assert "forced open until" in result.output
    forced = breaker().view().forced
    assert forced is not None
    assert 1790 < (forced.until - timezone.now()).total_seconds() <= 1800
    assert run("breaker", "status").exit_code == 1
    assert run("breaker", "close", "--reason", "it is back").exit_code == 0
    assert run("breaker", "status").exit_code == 0
    assert run("breaker", "auto", "--reason", "done").exit_code == 0
    assert breaker().view().forced is None


@pytest.mark.parametrize(
    "arguments", [("open",), ("open", "--reason", " "), ("open", "--reason", "x", "--for", "soon")]
)
def test_a_wish_that_makes_no_sense_is_wrong_usage(run, arguments):
    assert run("breaker", *arguments).exit_code == 2
    assert breaker().view().forced is None


def test_a_paused_destination_is_resumed(run):
    breaker().pause("HTTP 401: unknown key")
    shown = run("breaker", "status")
    assert shown.exit_code == 1
    assert "HTTP 401: unknown key" in shown.output
    assert run("breaker", "resume", "--reason", "mended").exit_code == 0
    assert breaker().view().paused is None


def test_dead_letters_are_inspected_as_the_seed_says(run):
    dead()
    alerter = dead("internal_error", "alerter", payload={"hostname": "edge-2"})
    result = run("dlq", "inspect", "--service", "alerter", "--limit", "10")
    assert result.exit_code == 0
    assert str(alerter.pk) in result.output
    assert "edge-2" in result.output
    assert "refused" not in result.output
    rows = json.loads(run("dlq", "inspect", "-o", "json").output)
    assert [row["stage"] for row in rows] == ["alerter", "moog"]
    assert all(len(line) <= 80 for line in run("dlq", "inspect").output.splitlines())


def test_one_dead_letter_is_shown_with_its_attempts(run):
    letter = dead()
    for name in (str(letter.pk), str(letter.event_id)):
        result = run("dlq", "show", name)
        assert result.exit_code == 0
        assert "HTTP 400: the source is too long" in result.output
        assert "edge-1" in result.output
    assert run("dlq", "show", "999999").exit_code == 4
    assert run("dlq", "show", "../keys").exit_code == 2


def test_a_dead_letter_is_replayed_as_the_seed_says(run):
    letter, other = dead(), dead()
    result = run("dlq", "replay", "--service", "moog", "--id", str(letter.pk))
    assert result.exit_code == 0
    begun = Replay.objects.get()
    assert (begun.filter, begun.total) == ({"ids": [letter.pk], "stage": "moog"}, 1)
    assert redis_client().llen("maintenance") == 1
    assert str(begun.pk) in result.output
    assert other


def test_a_dry_run_counts_only(run):
    for _ in range(3):
        dead()
    assert "3 dead letters would be replayed" in run("dlq", "replay", "--all", "--dry-run").output
    assert json.loads(run("dlq", "replay", "--reason", "refused", "--dry-run", "-o", "json").output) == {"count": 3}
    assert "would be discarded" in run("dlq", "discard", "--all", "--why", "x", "--dry-run").output
    assert (Replay.objects.count(), states()) == (0, ["waiting"] * 3)


def test_many_are_replayed_only_after_a_question(run):
    for _ in range(3):
        dead()
    assert run("dlq", "replay", "--all", stdin="n\n").exit_code == 1
    assert Replay.objects.count() == 0
    assert run("dlq", "replay", "--all", "--rate", "20", "--why", "mended", stdin="y\n").exit_code == 0
    assert (Replay.objects.get().rate, Replay.objects.get().reason) == (20, "mended")


@pytest.mark.parametrize("arguments", [(), ("--all", "--service", "moog"), ("--all", "--id", "1"), ("--id", "x")])
def test_which_are_meant_has_to_be_said(run, arguments):
    dead()
    assert run("dlq", "replay", *arguments, "--yes").exit_code == 2
    assert Replay.objects.count() == 0


def test_replays_are_listed_and_stopped(run):
    dead()
    run("dlq", "replay", "--all", "--yes")
    replay = Replay.objects.get()
    assert str(replay.pk) in run("dlq", "replays").output
    assert "stopped" in run("dlq", "stop", str(replay.pk)).output
    replay.refresh_from_db()
    assert (replay.status, replay.ended_by) == ("stopped", "API key muttctl")


def test_dead_letters_are_discarded_with_a_reason(run):
    first, second = dead(), dead()
    assert run("dlq", "discard", "--id", str(first.pk)).exit_code == 2
    assert run("dlq", "discard", "--id", str(first.pk), "--why", "a test", "--yes").exit_code == 0
    assert states() == ["discarded", "waiting"]
    first.refresh_from_db()
    assert (first.settled_by, first.settled_why) == ("API key muttctl", "a test")
    assert "No dead letters" in run("dlq", "discard", "--id", str(first.pk), "--why", "again").output
    assert second


def test_dead_letters_are_counted(run):
    dead()
    dead()
    output = run("dlq", "summary").output
    assert "refused" in output
    assert "2" in output
    assert json.loads(run("dlq", "summary", "-o", "json").output)["waiting"] == 2
