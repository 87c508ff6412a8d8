"""Servers that are away for a while, or killed, cost nothing that was accepted."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.faults.conftest import MANY
from tests.mutt import Mutt, event, eventually, pieces

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

DOWN = "Interface Gi0/9, changed state to down"


def test_a_killed_redis_comes_back_with_everything_that_was_accepted(mutt: Mutt):
    before = mutt.settled()
    identifiers = []
    for number, piece in enumerate(pieces([event(message=DOWN) for _ in range(600)], 20)):
        identifiers += mutt.send(*piece)
        if number == 29:
            os.kill(mutt.stack.supervisor.pids()["redis"], signal.SIGKILL)
    eventually(mutt.ready)
    after = mutt.settled(patience_s=120)
    assert after["accepted"] - before["accepted"] == len(identifiers) == 600


def test_events_are_accepted_while_postgresql_is_away_and_recorded_once_when_it_is_back(mutt: Mutt):
    before = mutt.settled()
    mutt.send(event())  # the key is known from now on
    mutt.stack.supervisor.call("stopProcess", "postgresql")
    try:
        identifiers = [identifier for _ in range(20) for identifier in mutt.send(event(message=DOWN), event())]
        time.sleep(240 if MANY else 12)
    finally:
        mutt.stack.supervisor.call("startProcess", "postgresql", False)
    after = eventually(mutt.settled_if_possible, patience_s=120)
    assert len(set(identifiers)) == 40
    assert after["accepted"] - before["accepted"] == 41
    assert after["dead"] == before["dead"]
    assert mutt.stats()["distinct"] == after["delivered"]


def test_run_json_follows_a_child_that_was_started_again(mutt: Mutt):
    file: Path = mutt.stack.folder / "run.json"
    victim = mutt.stack.supervisor.pids()["beat"]
    mutt.stack.news()
    os.kill(victim, signal.SIGKILL)
    news = eventually(lambda: [one for one in mutt.stack.news() if one.name == "beat" and one.pid])
    assert news[0].pid != victim
    assert f'"beat": {news[0].pid}' in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
