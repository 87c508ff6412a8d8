"""`make bench` measures a whole MUTT; what a small run says is printed into the report of the tests."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ops.local.stack import ROOT

PARTS = "reference,singles,hundreds,half,open"  # the others measure the same again, and wait for long


@pytest.mark.timeout(600)
def test_a_small_run_accounts_for_every_event_and_says_how_it_compares(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "bench.json"
    done = bench("--events", "2000", "--only", PARTS, "--json", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(file.read_text())
    assert found["faults"] == []
    assert {name: run["events"] for name, run in found["runs"].items() if name != "half"} == {
        "singles": 200,
        "hundreds": 2000,
    }
    assert set(found["redis_bytes"]) == {"1", "100"}
    assert len(found["verdicts"]) == 6
    assert done.stdout.splitlines()[-1] == file.read_text().strip()
    with capsys.disabled():
        print(f"\nbench: {told(found)}")


def test_what_cannot_be_measured_is_refused_with_what_can():
    for arguments, said in (
        (("--only", "fast"), "there is no fast; there are reference, singles"),
        (("--events", "10"), "10 is not in the range"),
        (("--json", "/no/such/folder/bench.json"), "No such file or directory"),
    ):
        done = bench(*arguments)
        assert done.returncode == 2
        assert said in " ".join(done.stderr.split())


def bench(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "ops.bench", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def told(found) -> str:
    """No time is judged here: CI's machines are busy, and never the same."""
    runs = (
        f"{name} {run['ratio_settled']:.1f} times the reference end to end, {run['ratio_cpu']:.1f} times by CPU"
        f" ({run['cost']['mutt_us']:,.0f} µs an event)"
        for name, run in found["runs"].items()
        if name != "half"
    )
    return "; ".join(runs)
