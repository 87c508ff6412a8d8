"""What `stop`, `start` and `manage` of docs/disaster-recovery.md call, by installation; nothing of it runs for real."""

import re
import subprocess
from pathlib import Path

import pytest

from ops.drills.page import PAGE
from ops.local.stack import ROOT

TEXT = PAGE.read_text()
PROGRAMS = ("systemctl", "mutt-manage", "docker", "kubectl")


def functions(installation: str) -> str:
    """The block that follows the line which begins with its name."""
    found = re.search(rf"^{installation}, [^\n]*:\n\n```text\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    assert found, installation
    return found[1]


def called(folder: Path, installation: str, commands: str) -> list[str]:
    """What is called, by programs that only say so; systemctl knows three workers."""
    for name in PROGRAMS:
        program = folder / name
        program.write_text(
            f'#!/bin/sh\necho "{name} $*" >> {folder}/calls\n'
            'case "$*" in list-units*) printf "mutt-worker@pipeline-%s.service loaded active\\n" 1 2 3;;\n'
            '*inspect*) echo "/volumes/$4";; esac\n'
        )
        program.chmod(0o755)
    script = functions(installation) + f"\n: > {folder}/calls\n" + commands
    bash = ["bash", "-euo", "pipefail", "-c", script]
    subprocess.run(bash, check=True, cwd=ROOT, env={"PATH": f"{folder}:/usr/bin:/bin"}, timeout=20)
    return (folder / "calls").read_text().splitlines()


def test_systemd_stops_all_workers_there_are_and_debians_own_servers(tmp_path: Path):
    assert called(tmp_path, "systemd", "stop $WORKERS postgresql; start redis; manage reconcile") == [
        "systemctl stop mutt-beat",
        *(f"systemctl stop mutt-worker@pipeline-{number}.service" for number in (1, 2, 3)),
        "systemctl stop postgresql@18-main",
        "systemctl start redis-server",
        "mutt-manage reconcile",
    ]


def test_compose_stops_services_that_there_are_and_finds_their_volumes(tmp_path: Path):
    services = (ROOT / "ops" / "compose.yaml").read_text()
    found = called(tmp_path, "Compose", "stop $MUTT redis; start postgresql; manage reconcile")
    stopped = found[0].removeprefix("docker compose stop ").split()
    assert [name for name in stopped if not re.search(rf"^  {name}:", services, re.MULTILINE)] == []
    assert found[1:3] == [
        "docker compose up --detach --wait --no-deps postgresql",
        "docker compose run --rm --no-deps -T worker-maintenance manage reconcile",
    ]


@pytest.mark.parametrize(
    ("command", "calls"),
    [
        (
            "stop redis",
            ["scale statefulset/redis --replicas=0", "wait --for=delete pod -l app.kubernetes.io/name=redis"],
        ),
        ("start mutt-web", ["scale deployment/mutt-web --replicas=2", "rollout status deployment/mutt-web"]),
        ("start postgresql", ["scale statefulset/postgresql --replicas=1", "rollout status statefulset/postgresql"]),
        ("manage reconcile", ["scale deployment/mutt-flower --replicas=1"]),
    ],
)
def test_kubernetes_scales_what_there_is_by_its_own_kind(tmp_path: Path, command: str, calls: list[str]):
    found = called(tmp_path, "Kubernetes", command)
    assert [call for call, line in zip(calls, found, strict=False) if not line.startswith(f"kubectl {call}")] == []
