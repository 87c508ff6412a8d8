"""The sums on /metrics are right however many processes count, and however often they are replaced."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3
from prometheus_client.parser import text_string_to_metric_families

from ops.local.ports import free_port
from ops.local.stack import ROOT
from tests.mutt import Mutt, event, eventually

pytestmark = pytest.mark.stack

SOLO = ("worker-pipeline-1", "worker-pipeline-2", "worker-forward-1")


Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scraped(mutt: Mutt, address: str = "") -> Samples:
    """All samples of counters and histograms."""
    page = urllib3.request("GET", f"{address or mutt.stack.web}/metrics", retries=False, timeout=20).data.decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        if family.type in ("counter", "histogram")
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    """The sum of the series with these labels, whatever others they have."""
    return sum(number for (one, theirs), number in found.items() if one == name and theirs >= frozenset(labels.items()))


@contextmanager
def prefork_worker(mutt: Mutt, port: int) -> Iterator[int]:
    """A worker with two children, each of which is replaced after eight tasks, instead of the workers of the stack."""
    command = ["celery", "-A", "mutt_project.worker", "worker", "--pool=prefork", "--concurrency=2"]
    command += [
        "--max-tasks-per-child=8",
        "-Q",
        "pipeline,forward,maintenance,dlq",
        "-n",
        "prefork@%h",
        "--without-mingle",
    ]
    for name in SOLO:
        mutt.stack.supervisor.call("stopProcess", name)
    log = (mutt.stack.folder / "log" / "prefork.log").open("wb")
    environment = {**mutt.stack.environment, "MUTT_METRICS_PORT": str(port)}
    process = subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
        log.close()
        mutt.stack.supervisor.start(*SOLO)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def kill_and_see_it_gone(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not lives(pid))  # so that no connection to it is used any more


def lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


class Watcher(threading.Thread):
    """Scrapes all the time, and notes what went back."""

    def __init__(self, mutt: Mutt) -> None:
        super().__init__(daemon=True)
        self._mutt = mutt
        self._stopping = threading.Event()
        self.went_back: list[object] = []
        self.scrapes = 0

    def run(self) -> None:
        before: Samples = {}
        while not self._stopping.wait(0.2):
            try:
                now = scraped(self._mutt)
            except urllib3.exceptions.HTTPError:  # the web process that answered was killed
                continue
            self.scrapes += 1
            self.went_back += [(key, old, now.get(key)) for key, old in before.items() if now.get(key, 0) < old]
            before = now

    def stop(self) -> None:
        self._stopping.set()
        self.join()


def pids_of_files(folder: Path) -> set[int]:
    found = (re.search(r"_(\d+)\.db$", path.name) for path in folder.glob("*.db"))
    return {int(match[1]) for match in found if match}


def test_sums_are_right_when_children_of_a_pool_and_web_processes_are_replaced(mutt: Mutt):
    mutt.settled()
    before = scraped(mutt)
    watcher = Watcher(mutt)
    watcher.start()
    seen: set[int] = set()
    port = free_port()
    with prefork_worker(mutt, port) as worker:
        eventually(lambda: len(children(worker)) >= 2)
        web = mutt.stack.supervisor.pids()["web"]
        for number in range(12):
            seen |= set(children(worker))
            mutt.send(event(hostname=f"h{number}"), event(message="Interface Gi0/1, changed state to down"))
            mutt.settled()
            if number == 3:
                kill_and_see_it_gone(children(worker)[-1])
            if number == 7:
                kill_and_see_it_gone(children(web)[0])
        after = scraped(mutt)
        from_worker = scraped(mutt, f"http://127.0.0.1:{port}")
        assert len(seen) >= 4, "no child was replaced"
    watcher.stop()

    def grew(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    assert grew("mutt_events_received_total", answer="accepted") == 24
    assert grew("mutt_event_outcomes_total", outcome="unmatched") == 12
    assert grew("mutt_event_outcomes_total", outcome="delivered") == 12
    assert grew("mutt_decision_latency_seconds_count") == 24
    assert grew("mutt_delivery_latency_seconds_count") == 12
    assert grew("mutt_tasks_total", task="rules.match_batch", end="done") == 12
    assert grew("mutt_worker_stalls_total") == 0
    assert value(from_worker, "mutt_event_outcomes_total") == value(after, "mutt_event_outcomes_total")
    assert watcher.scrapes > 10
    assert watcher.went_back == []


def test_files_of_dead_processes_are_added_up_and_gone(mutt: Mutt):
    folder = mutt.stack.folder / "metrics"
    web = mutt.stack.supervisor.pids()["web"]
    victim = children(web)[0]
    eventually(lambda: victim in pids_of_files(folder) or scraped(mutt) is None)
    before = value(scraped(mutt), "mutt_events_received_total")
    kill_and_see_it_gone(victim)
    eventually(lambda: scraped(mutt) and victim not in pids_of_files(folder))
    assert all(lives(pid) for pid in pids_of_files(folder))
    assert value(scraped(mutt), "mutt_events_received_total") == before
    assert (folder / "counter_dead.db").exists()


def test_the_master_of_the_web_processes_does_not_say_which_settings_it_goes_by(mutt: Mutt):
    web = mutt.stack.supervisor.pids()["web"]

    def pids() -> set[int]:
        page = urllib3.request("GET", f"{mutt.stack.web}/metrics", retries=False, timeout=20).data.decode()
        return {int(pid) for pid in re.findall(r'^mutt_settings_version\{pid="(\d+)"', page, re.MULTILINE)}

    eventually(lambda: pids() & set(children(web)))
    assert web not in pids()
