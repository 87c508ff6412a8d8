"""`muttctl rules backtest`: what is asked for, and what is shown once it is done."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.unit.mutt_project.muttctl.stub_api import Muttctl, StubApi, problem

ID = "5f0c9a3e-2b64-4b57-9f5e-0f3c1c2d7a10"
DRAFT = ("--match-string", "CPU high", "--prod-handling", "Ticket_only")


def state(status: str, **fields: Any) -> dict[str, Any]:
    counts = {"progress": 0.5, "examined": 0, "changed": 0, "transitions": [], "rule_set_version": 42}
    return {"id": ID, "status": status, "problem": "", **counts, **fields}


DONE = state(
    "done",
    progress=1.0,
    examined=10000,
    changed=12,
    transitions=[
        {
            "from": {"outcome": "unmatched", "handling": None, "rule": None, "team": "NETO"},
            "to": {"outcome": "forwarded", "handling": "Ticket_only", "rule": "CPU [bold]high", "team": "CORE"},
            "count": 12,
            "examples": [
                {
                    "id": str(UUID(int=1)),
                    "received_at": "2026-11-23T08:52:35.1Z",
                    "hostname": "core-router-01",
                    "message": "CPU high\x1b[31m " + "word " * 30,
                }
            ],
        }
    ],
)


def test_it_is_asked_for_until_it_is_done(api: StubApi, muttctl: Muttctl) -> None:
    api.backtests = [state("running"), state("running", progress=0.9), DONE]
    result = muttctl("rules", "backtest", *DRAFT, "--events", "10000")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    for line in (
        "examined: 10000",
        "changed: 12",
        "rule set version: 42",
        "events: 12",
        "from: unmatched, team NETO",
        "to: forwarded: Ticket_only, team CORE, by “CPU [bold]high”",
        "11-23 08:52:35 core-router-01 00000000-0000-0000-0000-000000000001",
    ):
        assert line in lines
    assert "CPU high\\x1b[31m word" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "\x1b" not in result.stdout
    assert [(asked.method, asked.path.rpartition("/")[2]) for asked in api.asked] == [
        ("POST", "backtests"),
        ("GET", ID),
        ("GET", ID),
    ]
    draft = {"match_string": "CPU high", "prod_handling": "Ticket_only", "dev_handling": "Ignore"}
    assert api.sent() == [{"events": 10000, "draft": draft}]


def test_the_bar_is_on_a_terminals_stderr(api: StubApi, muttctl: Muttctl) -> None:
    api.backtests = [state("running"), state("running"), DONE]
    result = muttctl("rules", "backtest", *DRAFT, "-o", "json", FORCE_COLOR="1", TERM="xterm")
    assert "Trying" in result.stderr
    assert json.loads(result.stdout) == DONE


def test_a_draft_of_a_file_and_days(api: StubApi, muttctl: Muttctl, tmp_path: Path) -> None:
    (tmp_path / "draft.json").write_text('{"id": 7, "priority": 5}')
    api.backtests = [DONE, DONE]
    assert muttctl("rules", "backtest", "--draft", "draft.json", "--days", "0.5").exit_code == 0
    assert muttctl("rules", "backtest", "--id", "7", "--inactive").exit_code == 0
    assert api.sent() == [{"days": 0.5, "draft": {"id": 7, "priority": 5}}, {"draft": {"id": 7, "is_active": False}}]


@pytest.mark.parametrize("form", ["table", "json"])
def test_a_backtest_that_fails(api: StubApi, muttctl: Muttctl, form: str) -> None:
    api.backtests = [state("failed", problem="The rule has\ngone.")]
    result = muttctl("rules", "backtest", *DRAFT, "-o", form)
    assert result.exit_code == 1
    assert result.stderr == "Error: The backtest failed: The rule has gone.\n"
    assert bool(result.stdout) is (form == "json")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "--draft FILE"),
        (("--draft", "-", "--id", "7"), "--draft FILE"),
        ((*DRAFT, "--events", "5", "--days", "1"), "--events or --days"),
        ((*DRAFT, "--events", "0"), "--events"),
        (("--match-string", "x"), "--prod-handling"),
    ],
)
def test_wrong_usage(api: StubApi, muttctl: Muttctl, arguments: tuple[str, ...], words: str) -> None:
    result = muttctl("rules", "backtest", *arguments, stdin=b"")
    assert result.exit_code == 2
    assert words in result.stderr
    assert api.asked == []


def test_what_mutt_refuses_about_the_options_is_told(api: StubApi, muttctl: Muttctl) -> None:
    errors = [{"pointer": "/draft/match_string", "detail": "This expression cannot be taken."}]
    api.scripted = [problem(400, "Bad Request", "See errors.", errors)]
    result = muttctl("rules", "backtest", *DRAFT, "--match-type", "regex")
    assert result.exit_code == 4
    assert "/draft/match_string: This expression cannot be taken." in result.stderr
