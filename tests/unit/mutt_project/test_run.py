"""Each process loads what it needs, and no more: what all of them take together was promised to be below 600 MB."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from ops.local.stack import ROOT

LOADED = """
import importlib, json, re, sys
from pathlib import Path
import click
from mutt_project import run
context = click.Context(run.main)
command = run.main.get_command(context, sys.argv[1])
app = context.obj.app
app.loader.import_default_modules()
app.finalize()
private = re.findall(r"^Private_Dirty:\\s+(\\d+) kB", Path("/proc/self/smaps_rollup").read_text(), re.MULTILINE)
told = {
    "command": command.name,
    "modules": sorted(name for name, module in sys.modules.items() if module),
    "tasks": sorted(app.tasks),
    "conf": {name: repr(app.conf[name]) for name in ("beat_schedule", "task_routes", "broker_transport")},
    "mib": int(private[0]) / 1024,
}
sys.__stdout__.write(json.dumps(told))
"""
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith(("MUTT_", "VAULT_", "OTEL_"))},
    "DJANGO_SETTINGS_MODULE": "mutt_project.settings.checks",
}


def loaded(process: str) -> Any:
    words = [sys.executable, "-W", "ignore", "-c", LOADED, process, "--auth=by somebody else"]
    ended = subprocess.run(words, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_a_worker_has_all_tasks_and_neither_pages_nor_what_only_some_need():
    found = loaded("worker")
    assert found["command"] == "worker"
    assert {"ingest.validate_batch", "rules.match_batch", "forwarder.forward_batch"} <= set(found["tasks"])
    needless = (
        "mutt_project.urls",
        "rules.admin",
        "rest_framework.views",
        "flower",
        "rich",
        "hvac",
        "google",
    )
    assert not [name for name in needless if name in found["modules"]]
    assert found["mib"] < 85, "MiB of its own; see docs/scaling.md"


@pytest.mark.parametrize("process", ["beat", "flower"])
def test_beat_and_flower_know_queues_and_schedule_and_load_no_models(process):
    found = loaded(process)
    assert found["command"] == process
    assert not [
        name for name in found["modules"] if name.startswith(("django.contrib.", "django.db.models", "psycopg2"))
    ]
    assert found["conf"] == loaded("worker")["conf"]
    assert found["mib"] < 55, "MiB of its own; see docs/scaling.md"


def test_a_process_that_there_is_not_is_told_with_those_there_are():
    words = [sys.executable, "-m", "mutt_project.run"]
    ended = subprocess.run([*words, "worke"], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert ended.returncode
    assert "say one of worker, beat, flower" in ended.stderr
    asked = subprocess.run([*words, "--help"], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert all(name in asked.stdout for name in ("worker", "beat", "flower"))
