"""`muttctl audit changes` and `muttctl audit export-changes` against a stub of the API."""

import json
from pathlib import Path
from typing import Any

from tests.unit.mutt_project.muttctl.stub_api import Answer, Muttctl, StubApi

CHANGE: dict[str, Any] = {
    "id": 7,
    "at": "2026-11-23T08:30:00Z",
    "who": "ada\x1b[31m",
    "via": "admin",
    "address": "192.0.2.7",
    "correlation_id": "request-1",
    "reason": "CHG-1",
    "kind": "rule",
    "object_id": "3",
    "name": "Down",
    "what": "changed",
    "old": {"priority": 5},
    "new": {"priority": 7},
}


def page(*changes: dict[str, Any]) -> Answer:
    return Answer(200, {"next": None, "previous": None, "results": list(changes)})


def test_the_table_says_who_changed_what_and_why(api: StubApi, muttctl: Muttctl) -> None:
    api.scripted = [page(CHANGE, {**CHANGE, "what": "added", "old": {}, "reason": None})]
    result = muttctl("audit", "changes", "--kind", "rule", "--since", "-7d", "--correlation-id", "request-1")
    assert result.exit_code == 0
    assert "11-23 08:30:00  ada\\x1b[31m  Down          priority: 5 → 7" in result.stdout
    assert "rule changed  “CHG-1”" in result.stdout
    assert api.asked[0].query == {"kind": "rule", "since": "-7d", "correlation_id": "request-1", "limit": "51"}


def test_programs_get_everything(api: StubApi, muttctl: Muttctl) -> None:
    api.scripted = [page(CHANGE), page(CHANGE)]
    assert json.loads(muttctl("audit", "changes", "-o", "json").stdout) == [CHANGE]
    header, row = muttctl("audit", "changes", "-o", "csv").stdout.splitlines()
    assert header.startswith("id,at,who,via,address")
    assert '"{""priority"": 5}"' in row


def test_changes_are_taken_away_as_they_come(api: StubApi, muttctl: Muttctl, tmp_path: Path) -> None:
    api.scripted = [Answer(200, b"id,at\r\n")]
    file = tmp_path / "keys.csv"
    assert muttctl("audit", "export-changes", str(file), "--kind", "key").exit_code == 0
    assert file.read_bytes() == b"id,at\r\n"
    assert (api.asked[0].path, api.asked[0].query) == ("/api/v1/changes/export", {"kind": "key", "form": "csv"})
