"""A setting that muttctl changes holds in the web server and in the workers within five seconds, and comes back."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
import urllib3

from ops.local.stack import ROOT
from tests.mutt import Mutt, event, eventually

pytestmark = pytest.mark.stack

WITHIN_S = 5
AT_LEAST = 5  # the three workers, beat, and whichever web process answered
TEXT = "no rule has heard of this text"


@pytest.fixture
def config(mutt: Mutt) -> Iterator[Callable[..., str]]:
    """`muttctl config`, as a person types it; what was set is taken back."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MUTT_URL": mutt.stack.web}
    environment["MUTT_API_KEY"] = mutt.stack.secrets["api_key"]

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "mutt_project.muttctl", "config", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    yield run
    changed = [one["name"] for one in json.loads(run("list", "--changed", "-o", "json"))]
    if changed:
        run("reset", *changed, "--yes", "--reason", "the test is over")


def test_the_commands_of_the_page_work_one_after_the_other(config):
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    commands = re.findall(r"^muttctl config (.+)$", page, re.MULTILINE)
    assert len(commands) >= 4
    for command in commands:
        config(*shlex.split(command))


def refused(mutt: Mutt) -> bool:
    return mutt.post(json.dumps(event())).status == 503


def test_a_global_rate_closes_the_door_of_every_web_process_and_its_end_opens_it(mutt: Mutt, config):
    config("set", "MUTT_GLOBAL_RATE", "1/hour", "--reason", "a test")
    time.sleep(WITHIN_S)  # from now on no process may go by the old one
    assert [refused(mutt) for _ in range(20)].count(False) <= 1
    config("reset", "MUTT_GLOBAL_RATE", "--yes", "--reason", "a test")
    time.sleep(WITHIN_S)
    assert not any(refused(mutt) for _ in range(20))
    mutt.settled()


def test_workers_send_moogsoft_so_many_events_at_once_as_are_set(mutt: Mutt, config):
    def sizes() -> list[int]:
        before = mutt.stats()["requests"]
        mutt.send(*(event(hostname=f"size-{number}", message="%LINK-3-UPDOWN: down") for number in range(4)))
        mutt.settled()
        return [mutt.stats()["requests"] - before]

    rule = {"name": "sizes", "match_string": "LINK-3-UPDOWN", "priority": 1}
    made = mutt.api("rules", "POST", {**rule, "prod_handling": "Page_only", "dev_handling": "Page_only"})["id"]
    try:
        time.sleep(2)
        assert sizes() == [1]
        config("set", "MOOGSOFT_BATCH_SIZE", "1", "--reason", "a test")
        time.sleep(WITHIN_S)
        assert [sizes() for _ in range(4)] == [[4]] * 4
        config("reset", "MOOGSOFT_BATCH_SIZE", "--reason", "a test")
        time.sleep(WITHIN_S)
        assert [sizes() for _ in range(4)] == [[1]] * 4
    finally:
        mutt.api(f"rules/{made}", "DELETE")


def test_every_process_says_which_version_it_goes_by(mutt: Mutt, config):
    config("set", "MUTT_UNMATCHED_THRESHOLD", "3", "--reason", "a test")
    version = mutt.api("config")["version"]
    time.sleep(WITHIN_S)
    mutt.send(event())

    def versions() -> list[float]:
        for _ in range(8):  # any request: an idle web process knows nothing. A new connection may lead to the other one
            with urllib3.PoolManager() as fresh:
                assert fresh.request("POST", f"{mutt.stack.web}/webhook", retries=False).status == 401
        lines = urllib3.request("GET", f"{mutt.stack.web}/metrics", retries=False).data.decode().splitlines()
        told = [float(line.rpartition(" ")[2]) for line in lines if line.startswith("mutt_settings_version{")]
        found = [one for one in told if one]  # Flower, and who starts others, go by no setting
        return found if len(found) >= AT_LEAST and set(found) == {float(version)} else []

    assert eventually(versions)
    identifiers = [mutt.send(event(hostname="threshold-1", message=TEXT))[0] for _ in range(3)]
    outcomes = sorted(mutt.outcome(one, "unmatched", "delivered")["outcome"] for one in identifiers)
    assert outcomes == ["delivered", "unmatched", "unmatched"]


def test_the_last_values_hold_while_postgresql_is_away(mutt: Mutt, config):
    config("set", "MUTT_GLOBAL_RATE", "1/hour", "--reason", "a test")
    time.sleep(WITHIN_S)
    refused(mutt)
    mutt.stack.supervisor.call("stopProcess", "postgresql")
    try:
        time.sleep(WITHIN_S)
        assert all(refused(mutt) for _ in range(10))
    finally:
        mutt.stack.supervisor.call("startProcess", "postgresql", False)
    eventually(mutt.ready)
    config("reset", "MUTT_GLOBAL_RATE", "--yes", "--reason", "a test")
    time.sleep(WITHIN_S)
    assert not refused(mutt)
    mutt.settled()
