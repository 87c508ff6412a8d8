"""`muttctl refusals` against a stub of the API."""

import json

from tests.unit.mutt_project.muttctl.stub_api import Answer, Muttctl, StubApi

ROW = {
    "why": "revoked_key",
    "api_key": "rsyslog\x1b[31m",
    "address": "192.0.2.7",
    "requests": 12,
    "last_at": "2026-11-23T08:30:00Z",
}
FOUND = {"since": "2026-11-23T08:00:00Z", "more": False, "results": [ROW, {**ROW, "why": "no_key", "api_key": None}]}


def test_the_table_names_reason_key_and_address(api: StubApi, muttctl: Muttctl) -> None:
    api.scripted = [Answer(200, FOUND)]
    result = muttctl("refusals", "--since", "-1d", "--why", "revoked_key")
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["revoked_key", "rsyslog\\x1b[31m", "192.0.2.7", "12", "11-23", "08:30:00"] in lines
    assert ["no_key", "192.0.2.7", "12", "11-23", "08:30:00"] in lines
    assert api.asked[0].query == {"since": "-1d", "why": "revoked_key"}


def test_json_and_csv(api: StubApi, muttctl: Muttctl) -> None:
    api.scripted = [Answer(200, FOUND), Answer(200, FOUND)]
    assert json.loads(muttctl("refusals", "-o", "json").stdout) == FOUND
    header, _, second = muttctl("refusals", "-o", "csv").stdout.splitlines()
    assert header == "why,api_key,address,requests,last_at"
    assert second == "no_key,,192.0.2.7,12,2026-11-23T08:30:00Z"
    assert api.asked[0].query == {"since": "-1h"}


def test_nothing_and_too_much_are_said(api: StubApi, muttctl: Muttctl) -> None:
    api.scripted = [Answer(200, {**FOUND, "results": []}), Answer(200, {**FOUND, "more": True})]
    assert "No request was refused." in muttctl("refusals").stderr
    assert "There are more" in muttctl("refusals").stderr
