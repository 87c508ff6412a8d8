"""Our own processes killed, stopped and restarted under load."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ops.local.stack import ROOT
from tests.faults.conftest import MANY
from tests.faults.harness import DOWN, WORKERS, Faults, hold
from tests.mutt import event, eventually

pytestmark = [pytest.mark.stack, pytest.mark.timeout(3600)]


def test_random_kills_of_any_process_under_load_lose_nothing_and_record_nothing_twice(faults: Faults):
    kills, events = (200, 100_000) if MANY else (10, 2_000)
    load = faults.load(events, rate=300 if MANY else 200)
    done = 0
    while done < kills:
        assert load.is_on or not MANY, f"the load ended after {done} kills"
        done += faults.kill(faults.chance.choice([*WORKERS, "web", "beat"]))
        time.sleep(faults.chance.uniform(0.3, 2.2 if MANY else 1.2))
    load.finish()
    faults.drained()
    hold(faults.account(load), load, doubles=events // 200 if MANY else kills * 100)


def test_a_worker_that_is_stopped_beyond_its_lease_and_the_visibility_timeout_can_change_nothing(faults: Faults):
    """What it holds goes to others; when it wakes up, its claim is stale."""
    load = faults.load(4_000 if MANY else 1_200, rate=40 if MANY else 45)
    for name in WORKERS[: 3 if MANY else 1]:
        assert faults.kill(name, signal.SIGSTOP)
        time.sleep(24)
        assert faults.kill(name, signal.SIGCONT)
        time.sleep(2)
    load.finish()
    faults.drained()
    hold(faults.account(load), load, doubles=100)


def test_a_rolling_restart_under_load_loses_and_doubles_nothing(faults: Faults):
    load = faults.load(20_000 if MANY else 1_500, rate=100)
    for _ in range(5 if MANY else 1):
        for name in (*WORKERS, "beat", "web"):
            faults.mutt.stack.supervisor.call("stopProcess", name)
            faults.mutt.stack.supervisor.call("startProcess", name, False)
    load.finish()
    faults.drained()
    hold(faults.account(load), load, doubles=0)


def stopped_at_brpop(faults: Faults, queue: str, folder: Path, through: int) -> "tuple[subprocess.Popen[bytes], Path]":
    marker = folder / f"popped-{queue}-{time.monotonic_ns()}"
    script = str(ROOT / "tests" / "faults" / "brpop_worker.py")
    arguments = [str(marker), str(through), "--pool=solo", "-Q", queue, "-n", f"brpop-{queue}@%h", "--without-mingle"]
    environment = {**faults.mutt.stack.environment, "PYTHONPATH": str(ROOT)}
    with (folder / "brpop.log").open("ab") as log:
        command = [sys.executable, script, *arguments]
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log), marker


def lose_a_message(faults: Faults, queue: str, folder: Path, through: int = 0) -> list[str]:
    """Events one of whose messages a worker took along to its end, between BRPOP and its note of it."""
    its_own = [name for name in WORKERS if queue in name]
    for name in its_own:
        faults.mutt.stack.supervisor.call("stopProcess", name)
    worker, marker = stopped_at_brpop(faults, queue, folder, through)
    try:
        events = [event(hostname=f"brpop-{number}", message=DOWN) for number in range(through + 1)]
        identifiers = [faults.mutt.send(one)[0] for one in events]
        eventually(marker.exists)
        os.kill(worker.pid, signal.SIGKILL)
    finally:
        worker.kill()
        worker.wait()
        for name in its_own:
            faults.mutt.stack.supervisor.call("startProcess", name, False)
    return identifiers


@pytest.mark.parametrize("queue", ["pipeline", "forward"])
def test_a_worker_killed_between_brpop_and_its_note_of_the_message_loses_nothing(
    faults: Faults, queue: str, tmp_path: Path
):
    for _ in range(10 if MANY else 1):
        for identifier in lose_a_message(faults, queue, tmp_path, faults.chance.randrange(3)):
            assert faults.mutt.outcome(identifier, "delivered", patience_s=60)


def test_without_the_sweeper_that_message_is_lost_so_this_harness_is_not_blind(faults: Faults, tmp_path: Path):
    """The negative control."""
    with faults.sweepers_held_off():
        (identifier,) = lose_a_message(faults, "pipeline", tmp_path)
        (other,) = faults.mutt.send(event(hostname="after", message=DOWN))
        assert faults.mutt.outcome(other, "delivered", patience_s=60)
        time.sleep(10)
        assert faults.mutt.event(identifier)["outcome"] == "pending"
        assert faults.mutt.ledger()["pending"] == 1
    assert faults.mutt.outcome(identifier, "delivered", patience_s=60)


def test_a_worker_that_fetches_nothing_any_more_is_started_again(faults: Faults):
    """Whatever the reason: here somebody told it so, as Celery's own faults do now and then."""
    before = faults.pid("worker-forward-1")
    order = ["control", "--timeout", "5", "cancel_consumer", "forward"]
    command = [sys.executable, "-m", "celery", "-A", "mutt_project.worker", *order]
    told = subprocess.run(command, cwd=ROOT, env=faults.mutt.stack.environment, capture_output=True, check=True)
    assert told.stdout.count(b"no longer consuming") == len(WORKERS)
    time.sleep(2)  # the BRPOP that is under way still takes a message
    (identifier,) = faults.mutt.send(event(message=DOWN))
    assert faults.mutt.outcome(identifier, "delivered", patience_s=60)
    assert faults.pid("worker-forward-1") != before


def test_beat_being_away_stops_no_sweeper(faults: Faults, tmp_path: Path):
    with faults.stopped("beat"):
        (identifier,) = lose_a_message(faults, "pipeline", tmp_path)
        assert faults.mutt.outcome(identifier, "delivered", patience_s=60)
