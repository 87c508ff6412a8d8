"""`muttctl events why` and `muttctl events why-not`."""

import json
from typing import Any
from uuid import UUID

from mutt_project.openapi_examples import EXAMPLES
from tests.unit.mutt_project.muttctl.stub_api import Muttctl, StubApi

ID = str(UUID(int=1))
WAITING = {
    "stage": "forward",
    "why": "open",
    "text": "It is parked: Moogsoft's breaker is open.",
    "since": "2026-11-23T08:30:00Z",
    "next_try_at": "2026-11-23T08:35:00Z",
    "behind": None,
}


def event(**fields: Any) -> dict[str, Any]:
    return {**EXAMPLES["Why"], "id": ID, **fields}


def answer(**fields: Any) -> dict[str, Any]:
    return {**EXAMPLES["WhyNot"], **fields}


def test_why_tells_each_step_and_each_rule_in_80_columns(api: StubApi, muttctl: Muttctl) -> None:
    loser = {
        **EXAMPLES["Why"]["decision"]["candidates"][0],
        "name": "Any",
        "wins": False,
        "why": "It matches and loses.",
    }
    decision = {**EXAMPLES["Why"]["decision"], "near_misses": [loser], "caveat": "Not known any more."}
    letter = {"id": 9, "reason": "refused", "state": "replayed", "died_at": "2026-11-23T08:29:00Z"}
    api.events = [event(decision=decision, dead_letter=letter, message="x\x1b[31m [bold]y[/bold]")]
    result = muttctl("events", "why", ID)
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "\x1b" not in result.stdout
    assert "\\x0a" not in result.stdout
    words = " ".join(result.stdout.split())
    for said in (
        "delivered It became an alert",
        "11-23 08:30:00 received With key “rsyslog” from 192.0.2.7, request ticket-4711.",
        "\\x1b[31m [bold]y[/bold]",
        "validated syslog_severity: err → Error",
        "Rule 7 “Interface down” won by rule set 42: Page_and_ticket.",
        "is not on the list of development hosts.",
        "Not known any more.",
        "attempt 1: taken, HTTP 200, 21 ms, 1 events.",
        "It wins: no other rule matches.",
        "It matches and loses.",
        "Dead letter 9 (refused) is replayed.",
    ):
        assert said in words, said


def test_why_says_what_is_waited_for_and_when_it_is_tried_again(api: StubApi, muttctl: Muttctl) -> None:
    api.events = [
        event(verdict="parked", outcome="pending", waiting=WAITING, decision=None, validated=None, attempts=[])
    ]
    words = " ".join(muttctl("events", "why", ID).stdout.split())
    assert "waiting It is parked: Moogsoft's breaker is open. Next try 11-23 08:35:00 UTC." in words
    assert "decided" not in words


def test_why_as_json_is_everything(api: StubApi, muttctl: Muttctl) -> None:
    api.events = [event()]
    assert json.loads(muttctl("events", "why", ID, "-o", "json").stdout) == api.events[0]


def test_why_of_an_unknown_event_is_refused(muttctl: Muttctl) -> None:
    assert muttctl("events", "why", ID).exit_code == 4


def test_why_not_tells_the_verdict_and_what_was_found(api: StubApi, muttctl: Muttctl) -> None:
    api.why_not = answer()
    result = muttctl("events", "why-not", "core router & more", "--days", "2")
    assert result.exit_code == 0
    assert api.asked[0].query == {"q": "core router & more", "days": "2.0"}
    assert result.stdout.splitlines()[0] == "ignored"
    assert answer()["found"][0]["id"] in result.stdout
    assert "Looked at: records of that host" in result.stdout
    assert "What to look at next" not in result.stdout


def test_why_not_of_what_never_arrived_says_what_to_look_at_and_to_try(api: StubApi, muttctl: Muttctl) -> None:
    api.why_not = answer(verdict="never_arrived", found=[], check=["Look here.", "Then there."], try_it="curl it\x1b")
    output = muttctl("events", "why-not", "nobody").stdout
    assert "- Look here.\n- Then there.\n" in output
    assert "curl it\\x1b\n" in output


def test_why_not_as_json_is_everything(api: StubApi, muttctl: Muttctl) -> None:
    api.why_not = answer()
    assert json.loads(muttctl("events", "why-not", "x", "-o", "json").stdout) == answer()
