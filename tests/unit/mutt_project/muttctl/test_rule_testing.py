"""`muttctl rules test`: which event is sent, and how the answer is shown."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.mutt_project.muttctl.stub_api import Muttctl, StubApi, problem

MESSAGE = "%LINK-3-UPDOWN: Interface Gi0/1, changed state to down\n"


def candidate(number: int | None, name: str, why: str, *marks: tuple[str, int, int], wins: bool = False) -> Any:
    highlights = [{"field": field, "begin": begin, "end": end} for field, begin, end in marks]
    return {"id": number, "name": name, "priority": 20, "wins": wins, "why": why, "highlights": highlights}


EXPLANATION: dict[str, Any] = {
    "winner": {"id": 7, "name": "Interface down"},
    "handling": "Page_only",
    "environment": "prod",
    "environment_why": "“sw1” is not on the list of development hosts.",
    "team": "CORE",
    "team_why": "It is the team of the rule “Interface down”.",
    "outcome": "forwarded",
    "candidates": [
        candidate(7, "Interface [bold]down", "It wins.", ("message", 33, 54), ("syslog_severity", 0, 5), wins=True),
        candidate(None, "Drafted", "It matches and loses.", ("message", 50, 54), ("trap_oid", 0, 3)),
    ],
    "near_misses": [candidate(9, "Severe", "It wants Error, the event is Info.", ("message", 0, 5))],
    "event": {"hostname": "sw1\x1b[31m", "message": MESSAGE, "syslog_severity": "Error", "trap_oid": "1.3.6"},
    "rule_set_version": 42,
}
UNMATCHED: dict[str, Any] = {
    "winner": None,
    "handling": None,
    "outcome": "unmatched",
    "candidates": [],
    "near_misses": [],
}


@pytest.fixture
def asks(api: StubApi) -> StubApi:
    api.explanation = EXPLANATION
    return api


def test_the_decision_and_all_that_matched_is_shown(asks: StubApi, muttctl: Muttctl) -> None:
    result = muttctl("rules", "test", "--message", "x")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    for line in (
        "decision: forwarded: Page_only",
        "winner: Interface [bold]down (rule 7, priority 20)",
        "“sw1” is not on the list of development hosts.",
        "team: CORE",
        "host: sw1\\x1b[31m",
        "severity: «Error»",
        "trap OID: 1.3.6",
        "«changed state to down»\\x0a",
        "rule set: 42",
        "Matches, and loses Why",
        "message: …Gi0/1, changed state to",
        "«down»\\x0a",
        "trap_oid: «1.3».6",
        "Nearly matches Why",
    ):
        assert any(line in shown for shown in lines), line
    for words in ("(the draft, priority 20)", "It matches and loses.", "(rule 9, priority 20)", "It wants Error,"):
        assert words in " ".join(lines)
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "\x1b" not in result.stdout


@pytest.mark.usefixtures("asks")
def test_what_matched_is_in_another_colour_on_a_terminal(muttctl: Muttctl) -> None:
    output = muttctl("rules", "test", "--message", "x", FORCE_COLOR="1", TERM="xterm", COLUMNS="160").stdout
    assert "\x1b[1;7mchanged state to down\x1b[0m" in output
    assert "«" not in output


def test_an_event_that_no_rule_matches_is_no_failure(asks: StubApi, muttctl: Muttctl) -> None:
    asks.explanation = {**EXPLANATION, **UNMATCHED}
    result = muttctl("rules", "test", "--message", "x")
    assert result.exit_code == 0
    assert "unmatched: no rule matches" in result.stdout
    assert "Why" not in result.stdout


@pytest.mark.usefixtures("asks")
def test_json_is_what_the_api_says(muttctl: Muttctl) -> None:
    assert json.loads(muttctl("rules", "test", "--message", "x", "-o", "json").stdout) == EXPLANATION


def test_an_event_of_options(asks: StubApi, muttctl: Muttctl) -> None:
    muttctl("rules", "test", "--message", "", "--hostname", "h", "--severity", "error", "--oid", "1.3")
    event = {"message": "", "hostname": "h", "syslog_severity": "Error", "trap_oid": "1.3"}
    assert asks.sent() == [{"event": event}]


@pytest.mark.parametrize(
    ("content", "event"),
    [
        (b'\xef\xbb\xbf{"message": "\xc3\xbc"}\n', {"message": "ü"}),
        (b"<11>1 2026-11-23T08:00:00Z sw1 app - - - caf\xe9\n", "<11>1 2026-11-23T08:00:00Z sw1 app - - - café"),
        (b'[{"message": "a"}]', '[{"message": "a"}]'),
        (b'{"message": ', '{"message": '),
        (b'"text"', '"text"'),
        (b"host1\nUDP: [192.0.2.7]\n", "host1\nUDP: [192.0.2.7]"),
    ],
)
def test_an_event_of_a_file(asks: StubApi, muttctl: Muttctl, content: bytes, event: object) -> None:
    assert muttctl("rules", "test", "-", stdin=content).exit_code == 0
    assert asks.sent() == [{"event": event}]


def test_a_line_of_a_log_file_is_read_as_send_reads_it(asks: StubApi, muttctl: Muttctl, tmp_path: Path) -> None:
    (tmp_path / "line").write_text("2026-11-23T08:00:00+01:00 sw1 kernel: link down\n")
    muttctl("rules", "test", "line")
    muttctl("rules", "test", "-", stdin=b"no header at all")
    first, second = (sent["event"] for sent in asks.sent())
    assert (first["hostname"], first["message"], first["timestamp"]) == ("sw1", "link down", "2026-11-23T07:00:00Z")
    assert (second["hostname"], second["message"]) == ("unnamed-host", "no header at all")


@pytest.mark.parametrize("arguments", [(), ("-", "--message", "x"), ("-", "--draft", "-")])
def test_one_event_is_wanted(api: StubApi, muttctl: Muttctl, arguments: tuple[str, ...]) -> None:
    assert muttctl("rules", "test", *arguments, stdin=b"").exit_code == 2
    assert api.asked == []


def test_an_empty_file(muttctl: Muttctl) -> None:
    result = muttctl("rules", "test", "-", stdin=b" \n")
    assert (result.exit_code, result.stderr) == (1, "Error: There is no event in FILE.\n")


def test_a_draft_goes_along(asks: StubApi, muttctl: Muttctl, tmp_path: Path) -> None:
    (tmp_path / "draft.yaml").write_text("id: 7\nmatch_string: up\n")
    assert muttctl("rules", "test", "--message", "x", "--draft", "draft.yaml").exit_code == 0
    muttctl("rules", "test", "--message", "x", "--draft", "-", stdin=b'{"match_string": "a"}')
    assert [sent["draft"] for sent in asks.sent()] == [
        {"id": 7, "match_string": "up"},
        {"dev_handling": "Ignore", "match_string": "a"},
    ]


def test_what_mutt_refuses_about_a_draft_is_said_at_its_line(api: StubApi, muttctl: Muttctl, tmp_path: Path) -> None:
    (tmp_path / "draft.yaml").write_text("name: a\nmatch_string: (\n")
    errors = [
        {"pointer": "/draft/prod_handling", "detail": "This field is required."},
        {"pointer": "/draft/match_string", "detail": "This expression cannot be taken."},
    ]
    api.scripted = [problem(400, "Bad Request", "See errors.", errors)]
    result = muttctl("rules", "test", "--message", "x", "--draft", "draft.yaml")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "draft.yaml:1: prod_handling: This field is required.",
        "draft.yaml:2: This expression cannot be taken.",
    ]


def test_what_mutt_refuses_about_an_event_is_told(api: StubApi, muttctl: Muttctl) -> None:
    api.scripted = [problem(400, "Bad Request", "See errors.", [{"pointer": "/event/trap_oid", "detail": "No OID."}])]
    result = muttctl("rules", "test", "--oid", "x")
    assert result.exit_code == 4
    assert "/event/trap_oid: No OID." in result.stderr
