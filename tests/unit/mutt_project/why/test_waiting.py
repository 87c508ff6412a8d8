"""What a pending event waits for, and when it is tried again, for each way of waiting."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from audit.journal import Place
from audit.outcomes import Stage
from forwarder.breaker import Forced, Paused, State, Thresholds, View
from forwarder.looking import Delivering
from forwarder.rate_limit import Usage
from mutt_project.why.waiting import wait_of

NOW = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


def place(**fields: Any) -> Place:
    values: dict[str, Any] = {
        "stage": Stage.FORWARD,
        "queued_at": NOW.timestamp() - 60,
        "due": None,
        "held_until": None,
    }
    values |= {"parked": None, "behind": None, "failures": 0}
    values |= {"api_key": "sensor", "address": "192.0.2.9", "correlation_id": "r-1"}
    return Place(**{**values, **fields})


def delivering(held_until: datetime | None = None, **fields: Any) -> Delivering:
    values: dict[str, Any] = {"state": State.CLOSED, "since": None, "reason": "", "failures": 0, "next_try_at": None}
    values |= {"last_success_at": None, "forced": None, "paused": None, "transitions": (), "now": NOW}
    view = View(**{**values, **fields})
    return Delivering(view, Thresholds(10, 60, 300, 30), Usage(50, 1.0, 0, held_until), 0, 0, 0)


def forced(state: str) -> Forced:
    return Forced(state, LATER, "a change", "ada")


OPEN: dict[str, Any] = {"state": State.OPEN, "next_try_at": LATER}


@pytest.mark.parametrize(
    ("parked", "standing", "next_try", "said"),
    [
        ("open", OPEN, LATER, "breaker is open"),
        ("open", {**OPEN, "next_try_at": NOW - timedelta(seconds=3)}, NOW, "breaker is open"),
        ("probing", {"state": State.HALF_OPEN}, None, "one request is trying"),
        ("forced_open", {"forced": forced("open")}, LATER, "forced the breaker open"),
        ("timeout", OPEN, LATER, "Moogsoft failed"),
        ("timeout", {}, None, "Moogsoft failed"),
        ("rate_limited", {"held_until": LATER}, LATER, "asked for a pause"),
        ("rate_limited", {"held_until": LATER, "next_try_at": LATER + timedelta(hours=1)}, LATER, "asked for a pause"),
        ("paused", {**OPEN, "paused": Paused(NOW, "401", for_this_key=True)}, None, "refuses the key"),
        ("open", {**OPEN, "paused": Paused(NOW, "401", for_this_key=True)}, None, "breaker is open"),
        ("open", {**OPEN, "paused": Paused(NOW, "401", for_this_key=False)}, LATER, "breaker is open"),
        ("open", {**OPEN, "forced": forced("closed")}, LATER, "breaker is open"),
    ],
)
def test_what_is_parked_says_why_since_when_and_until_when(
    parked: str, standing: dict[str, Any], next_try: datetime | None, said: str
):
    wait = wait_of(place(parked=parked), lambda: delivering(**standing), NOW)
    assert (wait.why, wait.next_try_at, wait.since) == (parked, next_try, NOW - timedelta(seconds=60))
    assert said in wait.text
    assert wait.is_parked


def test_what_is_in_line_names_the_batch_in_front():
    front = uuid4()
    wait = wait_of(place(parked="order", behind=front), lambda: delivering(**OPEN), NOW)
    assert (wait.why, wait.behind, wait.next_try_at) == ("order", front, None)


def nobody_asks() -> Delivering:
    raise AssertionError("it does not matter how delivery stands")


def test_what_is_tried_again_says_when_and_how_often_it_failed():
    again = wait_of(place(queued_at=LATER.timestamp(), failures=3), nobody_asks, NOW)
    assert (again.why, again.next_try_at, again.is_parked) == ("retry", LATER, False)
    assert "failed it 3 times" in again.text
    assert "failed it once" in wait_of(place(queued_at=LATER.timestamp(), failures=1), nobody_asks, NOW).text


def test_what_a_worker_is_at_says_so_until_its_lease_ends():
    assert wait_of(place(held_until=LATER.timestamp()), nobody_asks, NOW).why == "working"
    assert wait_of(place(held_until=NOW.timestamp() - 1), nobody_asks, NOW).why == "queued"


@pytest.mark.parametrize(("stage", "said"), [(Stage.VALIDATE, "normalise"), (Stage.DLQ, "dead letters")])
def test_what_is_queued_says_for_what_and_when_it_is_queued_again(stage: Stage, said: str):
    wait = wait_of(place(stage=stage, due=LATER.timestamp()), nobody_asks, NOW)
    assert (wait.why, wait.stage, wait.is_parked) == ("queued", stage, False)
    assert said in wait.text
    assert "queued again at 08:35:00 UTC" in wait.text


def test_what_is_in_no_journal_is_not_said_to_wait_for_something():
    wait = wait_of(None, nobody_asks, NOW)
    assert (wait.why, wait.is_parked) == ("lost", False)
    assert "in no journal" in wait.text
