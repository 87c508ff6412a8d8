"""The counts of dead processes stay, their files and what they said of the present do not; a kill changes nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest

from mutt_project.shared_metrics import ProcessesCollector, process_metrics, tidy
from ops.gunicorn_conf import child_exit

PROCESS = """
from prometheus_client import Counter, Gauge, Histogram
Counter("events", "Events.", ["source"]).labels("syslog").inc(%d)
Histogram("seconds", "Time.", buckets=(1, 2)).observe(1.5)
Gauge("version", "Version.", multiprocess_mode="liveall").set(7)
"""


def a_process_counts(folder: Path, events: int) -> None:
    """A process that counts in this folder, and ends."""
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    subprocess.run([sys.executable, "-c", PROCESS % events], env=environment, check=True)


def page(folder: Path) -> list[str]:
    registry = CollectorRegistry()
    registry.register(ProcessesCollector(folder))
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if not line.startswith("#")]


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"lock"}


def test_what_dead_processes_counted_stays_in_one_file_of_each_kind(tmp_path):
    for events in (2, 3, 5):
        a_process_counts(tmp_path, events)
        seen = page(tmp_path)
    assert 'events_total{source="syslog"} 10.0' in seen
    assert 'seconds_bucket{le="1.0"} 0.0' in seen
    assert 'seconds_bucket{le="2.0"} 3.0' in seen
    assert "seconds_count 3.0" in seen
    assert "seconds_sum 4.5" in seen
    assert not [line for line in seen if line.startswith("version")], "nobody lives who has a version"
    assert files(tmp_path) == {"counter_dead.db", "histogram_dead.db"}
    assert page(tmp_path) == seen


def test_a_process_that_lives_keeps_its_files(tmp_path):
    a_process_counts(tmp_path, 2)
    (left,) = tmp_path.glob("counter_*.db")
    ours = tmp_path / f"counter_{os.getpid()}.db"
    left.rename(ours)
    assert 'events_total{source="syslog"} 2.0' in page(tmp_path)
    assert ours.exists()


def test_a_process_that_is_about_to_begin_counting_does_not_disturb(tmp_path):
    a_process_counts(tmp_path, 2)
    (tmp_path / f"counter_{os.getpid()}.db").touch()
    assert 'events_total{source="syslog"} 2.0' in page(tmp_path)


@pytest.mark.parametrize("moment", ["before the new sum is in its place", "after it", "amid the removal"])
def test_a_kill_amid_a_merge_neither_loses_nor_doubles(tmp_path, moment):
    a_process_counts(tmp_path, 2)
    page(tmp_path)
    a_process_counts(tmp_path, 3)
    (counted,) = (path for path in tmp_path.glob("counter_*.db") if "dead" not in path.name)
    kept, old = counted.read_bytes(), (tmp_path / "counter_dead.db").read_bytes()
    page(tmp_path)
    new = (tmp_path / "counter_dead.db").read_bytes()
    # As whoever was killed had left it.
    (tmp_path / "merging.json").write_text(json.dumps({"kind": "counter", "merged": [counted.name, "counter_0.db"]}))
    if moment == "before the new sum is in its place":
        (tmp_path / "counter_dead.db").write_bytes(old)
        (tmp_path / "counter_dead.new").write_bytes(new)
    if moment != "amid the removal":
        counted.write_bytes(kept)
    assert 'events_total{source="syslog"} 5.0' in page(tmp_path)
    assert files(tmp_path) == {"counter_dead.db", "histogram_dead.db"}


def test_a_draft_that_nobody_finished_is_written_anew(tmp_path):
    a_process_counts(tmp_path, 2)
    (tmp_path / "counter_dead.new").write_bytes(b"half")
    assert 'events_total{source="syslog"} 2.0' in page(tmp_path)


def test_a_plan_that_never_reached_the_disk_is_no_obstacle(tmp_path):
    a_process_counts(tmp_path, 2)
    (tmp_path / "merging.json").touch()
    assert 'events_total{source="syslog"} 2.0' in page(tmp_path)
    assert files(tmp_path) == {"counter_dead.db", "histogram_dead.db"}


def test_a_web_server_whose_metrics_cannot_be_written_goes_on(tmp_path, monkeypatch):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "gone"))
    said: list[str] = []
    child_exit(SimpleNamespace(log=SimpleNamespace(exception=said.append)), None)
    assert said == ["the metrics of a process that ended were not added up"]


def test_an_empty_file_of_a_process_that_was_killed_at_its_start_is_no_obstacle(tmp_path):
    a_process_counts(tmp_path, 2)
    (tmp_path / "counter_4194304.db").touch()
    assert 'events_total{source="syslog"} 2.0' in page(tmp_path)
    assert files(tmp_path) == {"counter_dead.db", "histogram_dead.db"}


def test_files_are_added_up_where_nobody_asks_for_metrics_too(tmp_path, monkeypatch):
    a_process_counts(tmp_path, 2)
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    tidy()
    assert files(tmp_path) == {"counter_dead.db", "histogram_dead.db"}


def test_without_a_folder_a_process_tells_of_itself(monkeypatch):
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    tidy()
    assert process_metrics() is REGISTRY
