"""`muttctl doctor` against answers of every kind; tests/integration/test_doctor.py plants faults in a running MUTT."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from ops.local.stack import ROOT
from tests.unit.mutt_project.muttctl.stub_api import API_KEY, Answer, Muttctl, StubApi, problem

EVENT = "0199c8a2-1c00-7000-8000-5b2f4c9e0001"
HEALTHY = Answer(200, {"status": "ok"})
READY = Answer(200, {"status": "ok", "checks": {"redis": "ok", "postgresql": "ok", "journal": "ok"}})
TAKEN = Answer(202, {"batch": EVENT, "accepted": 1, "rejected": 0, "events": [{"id": EVENT}]})


def status(*checks: tuple[str, str, str, str], scopes: tuple[str, ...] = ("ingest", "read")) -> Answer:
    told = [dict(zip(("name", "state", "text", "mend"), check, strict=True)) for check in checks]
    versions = {"mutt": "0.1.0", "python": "3.11.2", "redis_server": "Valkey 8.1.4", "postgresql": "16.4"}
    key = {"name": "a doctor", "scopes": list(scopes), "expires_at": None}
    return Answer(200, {"state": "ok", "checks": told, "versions": versions, "key": key})


def story(outcome: str, /, *stages: str, **texts: str) -> Answer:
    steps = [{"at": None, "stage": stage, "text": texts.get(stage, stage)} for stage in stages]
    return Answer(200, {"id": EVENT, "outcome": outcome, "steps": steps})


DECIDED = ("received", "validated", "decided")
WELL = status(("redis", "ok", "It takes writes.", ""), ("clocks", "ok", "They go alike.", ""))


def found(result: Result) -> Any:
    return json.loads(result.stdout)


def named(result: Result, name: str) -> Any:
    return next(check for check in found(result)["checks"] if check["name"] == name)


def test_a_healthy_mutt_is_shown_in_a_short_table(api: StubApi, muttctl: Muttctl):
    delivered = story("delivered", *DECIDED, "attempt", "outcome")
    api.scripted = [HEALTHY, READY, WELL, TAKEN, story("pending", "received"), delivered, delivered, delivered]
    result = muttctl("doctor")
    assert result.exit_code == 0, result.output
    for words in ("MUTT answers.", "“a doctor”", "2 of MUTT's own 2 checks are well.", "Valkey 8.1.4", "All is well."):
        assert words in result.stdout
    marks = [line.split()[:2] for line in result.stdout.splitlines() if line.startswith("✓")]
    assert [name for _, name in marks] == [
        *("reachable", "ready", "key", "versions", "status"),
        *("accepted", "validated", "decided", "delivered"),
    ]
    (event,) = api.received()
    assert (event["hostname"], event["source_type"], event["deliver"]) == ("mutt-canary", "mutt-canary", True)


@pytest.mark.parametrize(
    ("encoding", "marks", "words"),
    [("utf-8", ["✓", "!", "✗"], ["“3” wait…", "→ Look"]), ("ascii", ["ok", "!", "FAIL"], ['"3" wait...', "-> Look"])],
)
def test_a_terminal_gets_the_signs_that_it_has(
    api: StubApi, tmp_path: Path, encoding: str, marks: list[str], words: list[str]
):
    checks = [("dead_letters", "warning", "“3” wait…", "Look at them."), ("rules", "failed", "A bad one.", "Mend it.")]
    api.scripted = [HEALTHY, READY, status(*checks)]
    environment = {"MUTT_URL": api.url, "MUTT_API_KEY": API_KEY, "PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "mutt_project.muttctl", "doctor", "--no-canary"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, check=False)
    shown = done.stdout.decode(encoding)
    assert (done.returncode, api.received()) == (1, [])
    rows = [line.replace("|", " ").split() for line in shown.splitlines()]
    assert [next(row[0] for row in rows if name in row[:2]) for name in ("key", "dead_letters", "rules")] == marks
    assert all(word in shown for word in words)
    assert "The first thing that is wrong: rules." in shown


@pytest.mark.parametrize(
    ("scripted", "name", "words"),
    [
        ([Answer(502, b"<html>")], "reachable", "502"),
        ([Answer(301, b"")], "reachable", "301"),
        ([Answer(400, b"<h1>Bad Request</h1>")], "reachable", "400"),
        (
            [HEALTHY, Answer(503, {"checks": {"redis": "It refuses the password."}}), WELL],
            "ready",
            "It accepts no events. Redis: It refuses the password.",
        ),
        ([HEALTHY, READY, problem(401, "Unauthorized", "Not known.")], "key", "revoked or unknown"),
        ([HEALTHY, READY, problem(403, "Forbidden", "No.")], "key", "lacks the scope “read”"),
        ([HEALTHY, READY, problem(503, "Unavailable", "PostgreSQL is away.")], "key", "PostgreSQL is away."),
        ([HEALTHY, READY, problem(404, "Not Found", "No such thing.")], "key", "404: No such thing."),
        ([HEALTHY, READY, status(("rules", "failed", "Rule 7 is bad.", "Mend it."))], "rules", "Rule 7 is bad."),
    ],
)
def test_the_first_thing_that_is_wrong_is_named(
    api: StubApi, muttctl: Muttctl, scripted: list[Answer], name: str, words: str
):
    api.scripted = scripted
    result = muttctl("doctor", "--no-canary", "-o", "json")
    assert (result.exit_code, found(result)["first_failed"], found(result)["ok"]) == (1, name, False)
    assert words in named(result, name)["text"]
    assert named(result, name)["mend"]


def test_a_host_that_is_not_known_is_told(muttctl: Muttctl):
    result = muttctl("doctor", "-o", "json", MUTT_URL="https://no-such-host.invalid")
    assert result.exit_code == 1
    assert "host name is not known" in named(result, "reachable")["text"]


def test_a_key_that_may_not_send_gets_no_canary(api: StubApi, muttctl: Muttctl):
    api.scripted = [HEALTHY, READY, status(scopes=("read",))]
    result = muttctl("doctor", "-o", "json")
    assert (result.exit_code, named(result, "canary")["state"]) == (0, "warning")
    assert api.received() == []


def test_a_canary_that_is_refused_tells_what_mutt_says(api: StubApi, muttctl: Muttctl):
    full = status(("journal", "failed", "It is full: 10 open batches.", "Wait."))
    api.scripted = [HEALTHY, READY, full, problem(503, "Unavailable", "Too many batches.")]
    result = muttctl("doctor", "-o", "json")
    assert found(result)["first_failed"] == "journal"
    assert named(result, "accepted")["text"].startswith("Not accepted: It is full: 10 open batches.")
    assert named(result, "delivered")["state"] == "skipped"


def test_a_canary_that_is_stuck_is_given_up_as_soon_as_a_check_explains_it(api: StubApi, muttctl: Muttctl):
    text = "The breaker is open for another 200 s: Moogsoft failed."
    broken = status(("breaker", "failed", text, "Wait."))
    parked = story("pending", *DECIDED, "waiting", waiting="It is parked.")
    api.scripted = [HEALTHY, READY, broken, TAKEN, *[parked] * 6, *[broken] * 9]
    result = muttctl("doctor", "-o", "json", "--timeout", "60")
    assert result.exit_code == 1
    hop = named(result, "delivered")
    assert (hop["state"], f": {text}" in hop["text"], hop["mend"]) == ("failed", True, "Wait.")


def test_a_canary_that_nothing_explains_tells_how_its_last_attempt_went(api: StubApi, muttctl: Muttctl):
    failing = story("pending", *DECIDED, "attempt", "waiting", attempt="Attempt 3: timeout.")
    api.scripted = [HEALTHY, READY, WELL, TAKEN, *[failing] * 50]
    result = muttctl("doctor", "-o", "json", "--timeout", "1")
    assert found(result)["first_failed"] == "delivered"
    assert "Attempt 3: timeout." in named(result, "delivered")["text"]


def test_a_canary_that_died_says_so_at_once(api: StubApi, muttctl: Muttctl):
    dead = story("dead", *DECIDED, "attempt", "outcome", outcome="Given up: refused. See the dead letters.")
    api.scripted = [HEALTHY, READY, WELL, TAKEN, dead, dead, dead]
    result = muttctl("doctor", "-o", "json")
    assert named(result, "delivered")["text"] == (
        "It ended as dead, and was not delivered: Given up: refused. See the dead letters."
    )


def test_without_delivery_the_decision_is_the_last_hop(api: StubApi, muttctl: Muttctl):
    suppressed = story("suppressed", *DECIDED, "outcome")
    api.scripted = [HEALTHY, READY, WELL, TAKEN, suppressed, suppressed]
    result = muttctl("doctor", "--no-delivery", "-o", "json")
    assert result.exit_code == 0
    assert [check["name"] for check in found(result)["checks"]][-1] == "decided"
    assert "deliver" not in api.received()[0]
