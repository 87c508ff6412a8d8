"""`make demo` and `make run` as a person starts them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import urllib3

from ops.local.stack import ROOT
from tests.mutt import eventually

TERMS = ("delivered", "ignored", "unmatched", "suppressed", "dead", "lost", "pending")


def launch(folder: Path, *arguments: str, **settings: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    environment |= {"MUTT_CANARY_EVERY_S": "0", **settings}
    return subprocess.Popen(
        [sys.executable, "-m", "ops.local.demo", *arguments, "--folder", str(folder)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def wait_for_run_file(folder: Path, process: subprocess.Popen[str]) -> dict[str, Any]:
    def written() -> Any:
        """By this process: who was killed leaves its own."""
        assert process.poll() is None, process.communicate()
        run = json.loads((folder / "run.json").read_text()) if (folder / "run.json").exists() else None
        return run if run and run["pids"]["launcher"] == process.pid else None

    return eventually(written, patience_s=90)


def interrupt(process: subprocess.Popen[str]) -> str:
    """Ctrl-C; returns what was printed."""
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=90)
    assert process.returncode == 0, output
    return output


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_demo_accounts_for_every_sample_event_and_ends_by_itself(tmp_path: Path):
    process = launch(tmp_path / "var", "demo", "--once")
    output, _ = process.communicate(timeout=280)
    assert process.returncode == 0, output
    line = output.strip().splitlines()[-1]
    ledger = json.loads(line)
    assert list(ledger) == ["accepted", *TERMS, "rejected", "balanced", "imbalance", "suspects", "looked_back_to"]
    assert ledger["balanced"] is True
    assert ledger["accepted"] == sum(ledger[term] for term in TERMS)
    assert min(ledger[term] for term in ("delivered", "ignored", "unmatched", "rejected")) > 0
    assert ledger["pending"] == ledger["dead"] == 0
    assert f"counted {ledger['delivered']:,} distinct events" in output


def test_a_run_ends_whole_however_it_is_ended_and_starts_again_on_the_same_data(tmp_path: Path):
    folder = tmp_path / "var"
    run, kept = _ended_by_ctrl_c(folder)
    _ended_with_its_killed_launcher(folder, run, kept)
    _ended_with_its_killed_supervisord(folder)
    last = launch(folder, "run")
    wait_for_run_file(folder, last)
    told, _ = launch(folder, "stop").communicate(timeout=90)
    output, _ = last.communicate(timeout=90)
    assert ("stopped" in told, last.returncode) == (True, 0)
    assert run["api_key"] not in output
    assert _secrets_in_logs(folder, run) == []


def _ended_by_ctrl_c(folder: Path) -> tuple[dict[str, Any], str]:
    """The first run, and the id of an event that it took."""
    process = launch(folder, "run", MUTT_CANARY_EVERY_S="0.5")
    run = wait_for_run_file(folder, process)
    assert eventually(lambda: canaries_through(run) and canary_age(run) < 30)
    assert (folder / "run.json").stat().st_mode & 0o777 == 0o600
    assert {"web", "api_key", "admin", "flower", "moogsoft_stub", "database_url", "redis_url", "pids"} <= set(run)
    event = b'{"hostname": "h", "timestamp": "2026-11-23T08:00:00Z", "message": "kept over a restart"}'
    answer = urllib3.request("POST", f"{run['web']}/webhook", body=event, headers={"X-API-KEY": run["api_key"]})
    assert urllib3.request("GET", run["flower"], retries=False).status == 401
    output = interrupt(process)
    assert run["api_key"] in output  # shown once
    assert not any(runs(pid) for pid in run["pids"].values())
    return run, answer.json()["events"][0]["id"]


def _ended_with_its_killed_launcher(folder: Path, before: dict[str, Any], kept: str) -> None:
    first = launch(folder, "run")
    run = wait_for_run_file(folder, first)
    headers = {"X-API-KEY": before["api_key"]}
    story = urllib3.request("GET", f"{run['web']}/api/v1/events/{kept}", headers=headers)
    assert story.json()["message"] == "kept over a restart"
    second = launch(folder, "run")
    output, _ = second.communicate(timeout=60)
    assert second.returncode == 1
    assert "runs here already" in output
    assert (folder / "run.json").exists()
    os.kill(run["pids"]["worker-pipeline-1"], signal.SIGKILL)
    died = (None, run["pids"]["worker-pipeline-1"])
    eventually(lambda: json.loads((folder / "run.json").read_text())["pids"].get("worker-pipeline-1") not in died)
    pids = [pid for name, pid in json.loads((folder / "run.json").read_text())["pids"].items() if name != "launcher"]
    time.sleep(1)  # it writes run.json, then says so
    first.kill()
    said, _ = first.communicate(timeout=60)
    assert "worker-pipeline-1 died" in said
    assert "was started again" in said
    assert run["api_key"] not in said
    eventually(lambda: not any(runs(pid) for pid in pids))


def _ended_with_its_killed_supervisord(folder: Path) -> None:
    process = launch(folder, "run")
    run = wait_for_run_file(folder, process)
    os.kill(int((folder / "log" / "supervisord.pid").read_text()), signal.SIGKILL)
    said, _ = process.communicate(timeout=60)
    assert "stopped by somebody else" in said
    assert not (folder / "run.json").exists()
    eventually(lambda: not any(runs(pid) for pid in run["pids"].values()))


def canaries_through(run: dict[str, Any]) -> list[Any]:
    """The scheduled canaries that were decided."""
    path = f"{run['web']}/api/v1/events?hostname=mutt-canary&outcome=suppressed"
    found = urllib3.request("GET", path, headers={"X-API-KEY": run["api_key"]}).json()["results"]
    return [event for event in found if event["api_key"] == "mutt-canary"]


def canary_age(run: dict[str, Any]) -> float:
    """How long ago the newest of them was received, as Prometheus is told."""
    found = urllib3.request("GET", f"{run['web']}/metrics").data.decode()
    (age,) = [line.split()[1] for line in found.splitlines() if line.startswith("mutt_canary_age_seconds ")]
    return float(age)


def _secrets_in_logs(folder: Path, run: dict[str, Any]) -> list[str]:
    kept = json.loads((folder / "secrets.json").read_text())
    secrets = [run["api_key"], run["admin"]["password"], *kept.values()]
    return [
        f"{secret[:4]}… in {file.name}"
        for file in (folder / "log").iterdir()
        for secret in secrets
        if secret in file.read_text(errors="replace")
    ]
