"""`muttctl events show` and `muttctl events search`."""

import csv
import io
import json
from typing import Any
from uuid import UUID

import pytest

from tests.unit.mutt_project.muttctl.stub_api import Muttctl, StubApi

STEPS = [
    {"at": "2026-11-23T08:52:35.1Z", "stage": "received", "text": "Received in a batch of 100."},
    {"at": "2026-11-23T09:52:36+01:00", "stage": "decided", "text": "Rule 7 decided [it]: " + "word " * 30},
    {"at": None, "stage": "waiting", "text": "Waits for the next try."},
]


def event(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": str(UUID(int=number)),
        "batch": str(UUID(int=99)),
        "received_at": "2026-11-23T08:52:35.123456+00:00",
        "event_time": "2026-11-23T08:52:30Z",
        "hostname": "core-router-01.dc2.example.com",
        "message": "%LINK-3-UPDOWN: Interface GigabitEthernet2/0/3, changed state to down",
        "syslog_severity": "Error",
        "trap_oid": None,
        "source_type": "syslog",
        "environment": "prod",
        "rule_id": 7,
        "rule_name": "Link down",
        "rule_set_version": 3,
        "handling": "Page_and_ticket",
        "team": "NETO",
        "outcome": "delivered",
        "outcome_at": "2026-11-23T08:52:36Z",
        **fields,
    }


def whole_event(number: int, **fields: Any) -> dict[str, Any]:
    return event(number, event={"extra": 1}, deduplication_key="dedup-1", steps=STEPS, **fields)


def test_show_has_head_lines_and_steps(api: StubApi, muttctl: Muttctl) -> None:
    api.events = [whole_event(1, message="x\x1b]0;title\x07 [bold]y[/bold] ü")]
    result = muttctl("events", "show", str(UUID(int=1)))
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["id:", str(UUID(int=1))]
    assert max(map(len, lines)) <= 80
    for words in (
        "Link down (rule 7 of rule set 3)",
        "\\x1b]0;title\\x07 [bold]y[/bold] ü",
        "11-23 08:52:36  decided   Rule 7 decided [it]: word",
        "Waits for the next try.",
        "dedup-1",
    ):
        assert words in result.stdout
    assert "\x1b" not in result.stdout


def test_show_an_event_that_no_rule_matched(api: StubApi, muttctl: Muttctl) -> None:
    api.events = [event(1, rule_id=None, rule_name=None, outcome="unmatched", outcome_at=None)]
    output = muttctl("events", "show", str(UUID(int=1))).stdout
    assert ["rule:", "-"] in [line.split() for line in output.splitlines()]
    assert "What happened" not in output


def test_show_as_json_is_everything(api: StubApi, muttctl: Muttctl) -> None:
    api.events = [whole_event(1, message="\x9b31m \ud800 ü")]
    result = muttctl("events", "show", str(UUID(int=1)), "-o", "json")
    assert json.loads(result.stdout) == api.events[0]
    assert "ü" in result.stdout
    assert "\x9b" not in result.stdout


def test_show_as_csv_is_one_line_like_those_of_search(api: StubApi, muttctl: Muttctl) -> None:
    api.events = [whole_event(1)]
    shown = muttctl("events", "show", str(UUID(int=1)), "-o", "csv").stdout
    assert shown == muttctl("events", "search", "-o", "csv").stdout
    assert next(csv.DictReader(io.StringIO(shown)))["hostname"] == "core-router-01.dc2.example.com"


def test_show_an_unknown_event(muttctl: Muttctl) -> None:
    result = muttctl("events", "show", str(UUID(int=5)))
    assert result.exit_code == 4
    assert result.stderr == "Error: MUTT answered 404: There is no such thing here.\n"


def test_show_wants_an_id(api: StubApi, muttctl: Muttctl) -> None:
    assert muttctl("events", "show", "../rules").exit_code == 2
    assert api.asked == []


def test_search_table_fits_80_columns_and_has_whole_ids(api: StubApi, muttctl: Muttctl) -> None:
    api.events = [event(1), event(2, outcome="suppressed", hostname="sw1", message="short", team=None)]
    output = muttctl("events", "search").stdout
    assert max(map(len, output.splitlines())) <= 80
    for words in (str(UUID(int=1)), str(UUID(int=2)), "11-23 08:52:35", "suppressed", "…"):
        assert words in output


def test_search_stops_at_its_limit_and_says_so(api: StubApi, muttctl: Muttctl) -> None:
    api.events = [event(number) for number in range(7)]
    result = muttctl("events", "search", "--limit", "3", "-o", "json")
    assert [found["id"] for found in json.loads(result.stdout)] == [str(UUID(int=n)) for n in range(3)]
    assert "--limit" in result.stderr
    assert len(api.asked) == 2


def test_search_says_nothing_when_all_is_shown(api: StubApi, muttctl: Muttctl) -> None:
    api.events = [event(number) for number in range(4)]
    result = muttctl("events", "search", "--limit", "4", "-o", "csv")
    assert len(result.stdout.splitlines()) == 5
    assert result.stderr == ""


def test_search_filters_go_to_the_api(api: StubApi, muttctl: Muttctl) -> None:
    arguments = [
        "--hostname",
        "h",
        "--outcome",
        "dead",
        "--since",
        "-1h",
        "--until",
        "2026-11-23T08:00:00+01:00",
    ]
    result = muttctl("events", "search", *arguments, "--limit", "5")
    assert result.exit_code == 0
    assert api.asked[0].query == {
        "hostname": "h",
        "outcome": "dead",
        "since": "-1h",
        "until": "2026-11-23T08:00:00+01:00",
        "limit": "6",
    }
    assert result.stderr == "No events found.\n"


@pytest.mark.parametrize("time", ["-1h", "-30m", "-2d", "2026-11-23", "2026-11-23T08:00:00Z", "2026-11-23 08:00"])
def test_times_that_are_taken(muttctl: Muttctl, time: str) -> None:
    assert muttctl("events", "search", "--since", time).exit_code == 0


@pytest.mark.parametrize("time", ["yesterday", "1h", "-1", "-h", "-1y", "--limit", "2026-02-30", "", "-1h -2h"])
def test_times_that_are_not(api: StubApi, muttctl: Muttctl, time: str) -> None:
    result = muttctl("events", "search", "--until", time)
    assert result.exit_code == 2
    assert "ISO 8601" in result.stderr
    assert api.asked == []


def test_an_outcome_that_does_not_exist(muttctl: Muttctl) -> None:
    result = muttctl("events", "search", "--outcome", "lost")
    assert result.exit_code == 2
    assert "delivered" in result.stderr
