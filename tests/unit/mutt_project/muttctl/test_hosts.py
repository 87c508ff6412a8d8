"""`muttctl hosts` and `muttctl teams`."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.mutt_project.muttctl.stub_api import Muttctl, StubApi, problem


def reason_of(api: StubApi) -> str | None:
    return api.asked[-1].headers.get("X-Change-Reason")


def hosts(*names: str) -> list[dict[str, Any]]:
    return [{"id": number, "hostname": name, "description": "Lab"} for number, name in enumerate(names, 1)]


def teams(**names: str) -> list[dict[str, Any]]:
    return [{"id": number, "hostname": name, "team": team} for number, (name, team) in enumerate(names.items(), 1)]


def test_hosts_are_listed_by_name_and_what_is_printed_can_be_imported(api: StubApi, muttctl: Muttctl) -> None:
    api.hosts.entries = hosts("b", "C", "a\x1b[31m")
    result = muttctl("hosts", "list", "--search", "lab")
    assert [line.split()[0] for line in result.stdout.splitlines()[2:]] == ["a\\x1b[31m", "b", "C"]
    assert api.asked[0].query == {"search": "lab", "limit": "100"}
    assert [one["id"] for one in json.loads(muttctl("hosts", "list", "-o", "json").stdout)] == [3, 1, 2]
    api.hosts.entries = hosts("b", "c")
    printed = muttctl("hosts", "list", "-o", "csv").stdout
    assert next(csv.DictReader(io.StringIO(printed))) == {"hostname": "b", "description": "Lab"}
    counts = json.loads(muttctl("hosts", "import", "-", "-o", "json", stdin=printed.encode()).stdout)
    assert counts == {"dry_run": False, "created": 0, "updated": 0, "deleted": 0, "unchanged": 2}


def test_empty_lists(muttctl: Muttctl) -> None:
    assert muttctl("hosts", "list").stderr == "No development hosts found.\n"
    assert muttctl("teams", "list").stderr == "No teams found.\n"
    assert json.loads(muttctl("teams", "list", "-o", "json").stdout) == []


def test_add_as_it_stands_in_the_manual(api: StubApi, muttctl: Muttctl) -> None:
    result = muttctl("hosts", "add", "dev-switch-01", "--description", "Lab device")
    assert result.exit_code == 0
    assert "dev-switch-01" in result.stdout
    assert api.sent() == [{"hostname": "dev-switch-01", "description": "Lab device"}]
    assert reason_of(api) is None
    assert json.loads(muttctl("hosts", "add", "x", "--reason", "CHG-1", "-o", "json").stdout)["hostname"] == "x"
    assert reason_of(api) == "CHG-1"


def test_add_what_is_there_already(api: StubApi, muttctl: Muttctl) -> None:
    errors = [{"pointer": "/hostname", "detail": "x is in this list already: change that entry."}]
    api.scripted = [problem(400, "Bad Request", "See errors.", errors)]
    result = muttctl("hosts", "add", "x")
    assert result.exit_code == 4
    assert "x is in this list already" in result.stderr


@pytest.mark.parametrize("noun", ["hosts", "teams"])
def test_remove(api: StubApi, muttctl: Muttctl, noun: str) -> None:
    api.hosts.entries, api.teams.entries = hosts("sw1"), teams(sw1="CORE")
    result = muttctl(noun, "remove", "SW1", "--yes", "--reason", "CHG-1")
    assert (result.exit_code, result.stdout) == (0, "sw1 is no longer in this list.\n")
    assert reason_of(api) == "CHG-1"
    assert len(api.hosts.entries) + len(api.teams.entries) == 1
    result = muttctl(noun, "remove", "sw1", "--yes")
    assert (result.exit_code, result.stderr) == (4, "Error: “sw1” is not in this list.\n")
    api.scripted = [problem(403, "Forbidden", "This key may not write.")]
    assert "may not write" in muttctl(noun, "remove", "sw1", "--yes").stderr


def test_remove_asks_first(api: StubApi, muttctl: Muttctl) -> None:
    api.hosts.entries = hosts("sw1")
    result = muttctl("hosts", "remove", "sw1", stdin=b"n\n")
    assert (result.exit_code, api.asked) == (1, [])
    assert "Take 1 host, sw1, off" in result.stderr
    result = muttctl("hosts", "remove", "sw1", stdin=b"")
    assert (result.exit_code, api.asked) == (1, [])
    assert "add --yes" in result.stderr


def test_remove_as_json(api: StubApi, muttctl: Muttctl) -> None:
    api.hosts.entries = hosts("sw1")
    assert json.loads(muttctl("hosts", "remove", "sw1", "--yes", "-o", "json").stdout)["deleted"] == 1


def test_teams_are_listed(api: StubApi, muttctl: Muttctl) -> None:
    api.teams.entries = teams(sw2="CORE", sw1="FIELD")
    result = muttctl("teams", "list", "--team", "CORE", "--search", "sw")
    assert [line.split() for line in result.stdout.splitlines()[2:]] == [["sw1", "FIELD"], ["sw2", "CORE"]]
    assert api.asked[0].query == {"search": "sw", "team": "CORE", "limit": "100"}
    assert muttctl("teams", "list", "-o", "csv").stdout == "hostname,team\nsw1,FIELD\nsw2,CORE\n"


def test_set_a_team(api: StubApi, muttctl: Muttctl) -> None:
    for team, said in (("CORE", "now"), ("CORE", "already"), ("FIELD", "now")):
        result = muttctl("teams", "set", "sw1", team, "--reason", "CHG-1")
        assert result.stdout == f"sw1 {said} belongs to {team}.\n"
        assert reason_of(api) == "CHG-1"
    assert [(one["hostname"], one["team"]) for one in api.teams.entries] == [("sw1", "FIELD")]
    assert json.loads(muttctl("teams", "set", "sw1", "X", "-o", "json").stdout)["updated"] == 1


CSV = b"\xef\xbb\xbfhostname;description\r\nsw1;Lab\r\nsw2;new\r\n"


def test_import_adds_and_changes_and_keeps_the_rest(api: StubApi, muttctl: Muttctl) -> None:
    api.hosts.entries = hosts("sw1", "sw9")
    result = muttctl("hosts", "import", "-", "--reason", "CHG-1", stdin=CSV)
    assert result.exit_code == 0
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["created:", "1"],
        ["updated:", "0"],
        ["deleted:", "0"],
        ["unchanged:", "1"],
    ]
    assert reason_of(api) == "CHG-1"
    assert [one["hostname"] for one in api.hosts.entries] == ["sw1", "sw9", "sw2"]
    planned, done = api.sent()
    assert (planned["dry_run"], planned["others"], done["dry_run"]) == (True, "keep", False)
    assert done["rule_set_version"] is None


def test_a_dry_run_changes_nothing(api: StubApi, muttctl: Muttctl) -> None:
    api.hosts.entries = hosts("sw9")
    result = muttctl("hosts", "import", "-", "--dry-run", "--delete-others", stdin=CSV)
    assert result.exit_code == 0
    assert [line.split()[1] for line in result.stdout.splitlines()] == ["2", "0", "1", "0"]
    assert "dry run" in result.stderr
    assert len(api.asked) == 1
    shown = muttctl("hosts", "import", "-", "--dry-run", "-o", "json", stdin=CSV).stdout
    assert json.loads(shown) == {"dry_run": True, "created": 2, "updated": 0, "deleted": 0, "unchanged": 0}


def test_deleting_others_is_asked_for(api: StubApi, muttctl: Muttctl, tmp_path: Path) -> None:
    (tmp_path / "hosts.csv").write_bytes(CSV)
    command = ("hosts", "import", "hosts.csv", "--delete-others")
    api.hosts.entries = hosts("sw1", "sw8", "sw9")
    result = muttctl(*command, stdin=b"n\n")
    assert result.exit_code == 1
    assert "Delete 2 that are not in the file?" in result.stderr
    assert len(api.hosts.entries) == 3
    assert muttctl("hosts", "import", "-", "--delete-others", stdin=CSV).exit_code == 2
    assert muttctl(*command, stdin=b"y\n").exit_code == 0
    assert [one["hostname"] for one in api.hosts.entries] == ["sw1", "sw2"]
    assert api.sent()[-1]["rule_set_version"] == 7
    api.hosts.entries = hosts("sw9")
    assert muttctl(*command, "--yes").exit_code == 0
    assert [one["hostname"] for one in api.hosts.entries] == ["sw1", "sw2"]


def test_an_import_of_nothing_deletes_nothing(api: StubApi, muttctl: Muttctl) -> None:
    api.teams.entries = teams(sw1="CORE")
    result = muttctl("teams", "import", "-", "--delete-others", "--yes", stdin=b"hostname,team\n")
    assert result.exit_code == 1
    assert "names no hosts" in result.stderr
    assert muttctl("teams", "import", "-", stdin=b"hostname,team\n").exit_code == 0
    assert len(api.teams.entries) == 1


def test_all_wrong_rows_are_named_at_once(api: StubApi, muttctl: Muttctl, tmp_path: Path) -> None:
    (tmp_path / "teams.csv").write_text("hostname,team\nsw1,CORE\n\nsw2\nbad,X\nsw3,\nsw1.,X\n")

    def faults_of(entry: dict[str, Any]) -> dict[str, str]:
        if entry["hostname"] == "sw1.":
            return {"hostname": "It is the same as entry 1: leave out one of them."}
        return {} if entry["team"] and entry["hostname"] != "bad" else {"team": "This field cannot be blank."}

    api.teams.faults_of = faults_of
    result = muttctl("teams", "import", "teams.csv")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "teams.csv:4: Too few columns: 1, and the header has 2. Leave a column empty, not out.",
        "teams.csv:5: team: This field cannot be blank.",
        "teams.csv:6: team: This field cannot be blank.",
        "teams.csv:7: hostname: It is the same as line 2: leave out one of them.",
    ]
    assert api.teams.entries == []


def test_a_missing_header_is_said(api: StubApi, muttctl: Muttctl) -> None:
    result = muttctl("teams", "import", "-", stdin=b"sw1,CORE\n")
    assert result.exit_code == 1
    assert result.stderr.startswith("stdin:1: The header hostname,team is missing")
    assert api.asked == []


def test_thousands_of_rows_go_in_one_request_and_too_many_in_none(api: StubApi, muttctl: Muttctl) -> None:
    content = b"hostname,team\n" + b"".join(b"sw%d,CORE\n" % number for number in range(10_000))
    result = muttctl("teams", "import", "-", "--dry-run", stdin=content)
    assert "10,000" in result.stdout
    assert [len(sent["entries"]) for sent in api.sent()] == [10_000]
    result = muttctl("teams", "import", "-", stdin=content + b"more,CORE\n")
    assert result.exit_code == 1
    assert "10,001 entries; 10,000 can be sent at once" in result.stderr
