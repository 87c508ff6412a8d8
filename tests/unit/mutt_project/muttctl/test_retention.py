"""`muttctl audit retain`, `restore` and `archives`."""

import json
from typing import Any

import pytest

from tests.unit.mutt_project.muttctl.stub_api import Answer, Muttctl, StubApi, problem

MONTHS = [
    {"month": "2025-01", "records": 1_234_567, "bytes": 912_769_024, "may_go": True, "why_not": ""},
    {"month": "2025-02", "records": None, "bytes": 0, "may_go": False, "why_not": "3 dead letters of 2025-02 wait."},
]
ARCHIVE = {
    "month": "2025-01",
    "state": "dropped",
    "progress": 1.0,
    "problem": "",
    "records": 1_234_567,
    "attempts": 5,
    "dead_letters": 2,
    "path": "/archive/2025-01",
    "bytes": 89_178_902,
    "sha256": "ab" * 32,
    "requested_by": "ada",
    "reason": "the disk is full",
    "started_at": "2026-11-23T08:30:00Z",
    "ended_at": "2026-11-23T08:31:00Z",
    "keep_until": None,
}
REASON = ("--reason", "the disk is full")


def planned(*months: Any) -> Answer:
    return Answer(202, {"dry_run": True, "begun": [], "months": list(months or MONTHS)})


def begun() -> Answer:
    return Answer(202, {"dry_run": False, "begun": ["2025-01"], "months": MONTHS})


def shown(**changed: Any) -> Answer:
    return Answer(200, {"archives": [{**ARCHIVE, **changed}, {**ARCHIVE, "month": "2024-12", "problem": "of old"}]})


def test_a_dry_run_says_what_would_go_and_why_the_rest_stays(api: StubApi, muttctl: Muttctl) -> None:
    api.scripted = [planned()]
    result = muttctl("audit", "retain", "--dry-run", "--days", "200")
    assert result.exit_code == 0
    assert api.sent() == [{"days": 200, "dry_run": True}]
    assert "1,234,567" in result.stdout
    assert "3 dead letters of 2025-02 wait." in result.stdout
    assert "These would go: 2025-01." in result.stderr


def test_months_go_when_that_is_confirmed_and_are_waited_for(api: StubApi, muttctl: Muttctl) -> None:
    api.scripted = [planned(), begun(), shown(state="writing", progress=0.5), shown(state="dropping"), shown()]
    result = muttctl("audit", "retain", *REASON, stdin=b"y\n")
    assert (result.exit_code, len(api.asked)) == (0, 5)
    assert api.sent() == [{"dry_run": True}, {"reason": "the disk is full"}]
    assert "dropped" in result.stdout
    assert "Archive and drop 1 month: 2025-01?" in result.stderr


def test_nothing_goes_when_that_is_refused(api: StubApi, muttctl: Muttctl) -> None:
    api.scripted = [planned()]
    assert muttctl("audit", "retain", *REASON, stdin=b"n\n").exit_code == 1
    assert api.sent() == [{"dry_run": True}]


def test_nobody_is_asked_where_no_month_may_go(api: StubApi, muttctl: Muttctl) -> None:
    api.scripted = [planned(MONTHS[1])]
    result = muttctl("audit", "retain", *REASON)
    assert (result.exit_code, "No month may go." in result.stderr) == (0, True)
    assert len(api.asked) == 1


def test_without_a_reason_nothing_is_asked_for(api: StubApi, muttctl: Muttctl) -> None:
    assert muttctl("audit", "retain", "--yes").exit_code == 2
    assert api.asked == []


def test_a_problem_is_told_and_is_a_failure(api: StubApi, muttctl: Muttctl) -> None:
    api.scripted = [planned(), begun(), shown(state="writing", problem="No space left on device")]
    result = muttctl("audit", "retain", "--yes", *REASON)
    assert result.exit_code == 1
    assert "2025-01: No space left on device" in result.stderr


def test_without_waiting_one_look_is_enough(api: StubApi, muttctl: Muttctl) -> None:
    api.scripted = [planned(), begun(), shown(state="writing", progress=0.5)]
    result = muttctl("audit", "retain", "--yes", "--no-wait", "-o", "json", *REASON)
    assert (result.exit_code, json.loads(result.stdout)[0]["state"]) == (0, "writing")


def test_a_month_is_restored(api: StubApi, muttctl: Muttctl) -> None:
    restored = {"state": "restored", "keep_until": "2026-12-23T08:30:00Z"}
    api.scripted = [Answer(202, ARCHIVE), shown(state="restoring", progress=0.5), shown(**restored)]
    result = muttctl("audit", "restore", "2025-01", *REASON)
    assert result.exit_code == 0
    assert api.sent() == [{"month": "2025-01", "reason": "the disk is full"}]
    assert "2026-12-23T08:30:00Z" in result.stdout


def test_a_month_that_is_there_is_refused(api: StubApi, muttctl: Muttctl) -> None:
    api.scripted = [problem(409, "Conflict", "2025-01 is in the database.")]
    result = muttctl("audit", "restore", "2025-01", *REASON)
    assert (result.exit_code, "2025-01 is in the database." in result.stderr) == (4, True)


@pytest.mark.parametrize("month", ["2025-13", "2025-1", "../etc"])
def test_what_is_no_month_is_not_asked_for(api: StubApi, muttctl: Muttctl, month: str) -> None:
    assert muttctl("audit", "restore", month, *REASON).exit_code == 2
    assert api.asked == []


def test_archives_are_listed(api: StubApi, muttctl: Muttctl) -> None:
    api.scripted = [shown(), shown(), Answer(200, {"archives": []})]
    table = muttctl("audit", "archives").stdout
    assert "89.2 MB" in table
    assert "of old" in table
    header, first, _ = muttctl("audit", "archives", "-o", "csv").stdout.splitlines()
    assert header.startswith("month,state,progress,problem,records")
    assert first.startswith("2025-01,dropped,1.0,,1234567,5,2,89178902,/archive/2025-01")
    assert "No month was archived yet." in muttctl("audit", "archives").stderr
