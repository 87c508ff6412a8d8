"""`muttctl config`."""

import json
from typing import Any

from tests.unit.mutt_project.muttctl.stub_api import Answer, Muttctl, StubApi, problem

SIZE: dict[str, Any] = {
    "name": "MOOGSOFT_BATCH_SIZE",
    "topic": "What goes to Moogsoft",
    "type": "whole number",
    "unit": "events",
    "meaning": "most events of one request",
    "bounds": "1 to 10,000",
    "value": 50,
    "default": 100,
    "origin": "run time",
    "by": "ada",
    "at": "2026-11-23T08:30:00Z",
    "why": "CHG-1",
}
RATES = SIZE | {"name": "MUTT_ANONYMOUS_RATES", "value": ["5/hour", "7/day"], "origin": "default", "at": None}
LIST = Answer(200, {"version": 7, "settings": [SIZE, RATES]})
REASON = ("--reason", "CHG-2")


def changes(*found: dict[str, Any], dry_run: bool = False) -> Answer:
    return Answer(200, {"dry_run": dry_run, "changes": list(found)}, {"ETag": '"7"'} if dry_run else {})


SMALLER = {"name": "MOOGSOFT_BATCH_SIZE", "before": 100, "after": 50, "risk": ""}
SHORTER = {"name": "MUTT_RETENTION_DAYS", "before": 400, "after": 30, "risk": "Months leave the database."}


def test_settings_are_listed_in_each_form(api: StubApi, muttctl: Muttctl) -> None:
    api.scripted = [LIST] * 4
    table = muttctl("config", "list").stdout
    assert "MOOGSOFT_BATCH_SIZE" in table
    assert "5/hour,7/day" in table
    assert "MUTT_ANONYMOUS_RATES" not in muttctl("config", "list", "--changed").stdout
    assert json.loads(muttctl("config", "list", "-o", "json").stdout)[1]["value"] == ["5/hour", "7/day"]
    assert 'MUTT_ANONYMOUS_RATES,"5/hour,7/day"' in muttctl("config", "list", "-o", "csv").stdout


def test_one_is_shown_with_who_changed_it(api: StubApi, muttctl: Muttctl) -> None:
    api.scripted = [Answer(200, SIZE), Answer(200, SIZE), problem(404, "Not Found", "No such setting.")]
    shown = muttctl("config", "get", "MOOGSOFT_BATCH_SIZE").stdout
    for text in ("50", "run time", "1 to 10,000", "11-23 08:30:00 by ada: CHG-1"):
        assert text in shown
    assert json.loads(muttctl("config", "get", "MOOGSOFT_BATCH_SIZE", "-o", "json").stdout) == SIZE
    assert muttctl("config", "get", "NO/SUCH").exit_code == 4
    assert api.asked[-1].path == "/api/v1/config/NO%2FSUCH"


def test_values_are_set_together_and_nobody_is_asked_where_no_guard_is_loosened(api: StubApi, muttctl: Muttctl) -> None:
    api.scripted = [changes(SMALLER, dry_run=True), changes(SMALLER)]
    result = muttctl("config", "set", "MOOGSOFT_BATCH_SIZE", "50", "MUTT_GLOBAL_RATE", "", *REASON)
    assert result.exit_code == 0
    assert "100 → 50" in result.stdout
    values = {"MOOGSOFT_BATCH_SIZE": "50", "MUTT_GLOBAL_RATE": ""}
    assert [one["values"] for one in api.sent()] == [values, values]
    assert [one.get("dry_run", False) for one in api.sent()] == [True, False]
    assert api.sent()[1]["reason"] == "CHG-2"


def test_a_guard_is_loosened_only_when_that_is_confirmed(api: StubApi, muttctl: Muttctl) -> None:
    command = ("config", "set", "MUTT_RETENTION_DAYS", "30", *REASON)
    api.scripted = [changes(SHORTER, dry_run=True)]
    refused = muttctl(*command, stdin=b"n\n")
    assert (refused.exit_code, len(api.sent())) == (1, 1)
    assert "Months leave the database." in refused.stderr
    api.scripted = [changes(SHORTER, dry_run=True), changes(SHORTER)]
    assert muttctl(*command, stdin=b"y\n").exit_code == 0
    api.scripted = [changes(SHORTER, dry_run=True), changes(SHORTER)]
    assert muttctl(*command, "--yes", "-o", "json").exit_code == 0


def test_a_dry_run_changes_nothing(api: StubApi, muttctl: Muttctl) -> None:
    api.scripted = [changes(SHORTER, dry_run=True)]
    assert muttctl("config", "reset", "MUTT_RETENTION_DAYS", "--dry-run", *REASON).exit_code == 0
    assert api.sent() == [{"values": {"MUTT_RETENTION_DAYS": None}, "dry_run": True, "reason": "CHG-2"}]


def test_wrong_usage_and_refusals_are_told(api: StubApi, muttctl: Muttctl) -> None:
    assert muttctl("config", "set", "MOOGSOFT_BATCH_SIZE", *REASON).exit_code == 2
    assert muttctl("config", "set", "MOOGSOFT_BATCH_SIZE", "50").exit_code == 2
    api.scripted = [problem(400, "Bad Request", "0 is out of bounds. Give a whole number from 1 to 10,000 (events).")]
    result = muttctl("config", "set", "MOOGSOFT_BATCH_SIZE", "0", *REASON)
    assert (result.exit_code, "1 to 10,000" in result.stderr) == (4, True)
    api.scripted = [changes(dry_run=True), changes()]
    assert "it is so already" in muttctl("config", "reset", "MOOGSOFT_RATE", *REASON).stderr


def test_one_setting_and_changes_come_as_csv(api: StubApi, muttctl: Muttctl) -> None:
    api.scripted = [Answer(200, SIZE), changes(SHORTER, dry_run=True)]
    assert muttctl("config", "get", "MOOGSOFT_BATCH_SIZE", "-o", "csv").stdout.startswith("name,value,default,origin")
    command = ("config", "set", "MUTT_RETENTION_DAYS", "30", "--dry-run", "-o", "csv", *REASON)
    assert muttctl(*command).stdout.splitlines()[1] == "MUTT_RETENTION_DAYS,400,30,Months leave the database."


def test_what_was_looked_at_is_what_is_changed(api: StubApi, muttctl: Muttctl) -> None:
    command = ("config", "set", "MOOGSOFT_BATCH_SIZE", "50", *REASON)
    api.scripted = [changes(SMALLER, dry_run=True), changes(SMALLER)]
    assert muttctl(*command).exit_code == 0
    assert [one.headers.get("If-Match") for one in api.asked] == [None, '"7"']
    api.scripted = [changes(SMALLER, dry_run=True), problem(412, "Precondition Failed", "Somebody has changed this.")]
    refused = muttctl(*command)
    assert (refused.exit_code, refused.stdout) == (4, "")
    assert "Somebody has changed settings since this was planned, so nothing was changed." in refused.stderr


def test_an_api_without_tags_is_asked_all_the_same(api: StubApi, muttctl: Muttctl) -> None:
    api.scripted = [Answer(200, {"dry_run": True, "changes": [SMALLER]}), changes(SMALLER)]
    assert muttctl("config", "set", "MOOGSOFT_BATCH_SIZE", "50", *REASON).exit_code == 0
    assert "If-Match" not in api.asked[-1].headers
