"""The image's entry: `web`, `worker`, `beat`, `flower`, `manage`, `muttctl` or `backup`; what follows is handed on.

A worker serves all queues, unless `--queues=pipeline` or the like follows; `worker pipeline-2` is the second one of a
machine for this queue, and is called so.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ops.docker.health import ROLE_FILE, folder_of

_COMMANDS = {
    "web": ("gunicorn", "-c", "python:ops.gunicorn_conf", "mutt_project.wsgi"),
    "worker": (
        *("mutt_project.run", "worker", "--pool=solo", "--without-mingle"),
        "--queues=pipeline,forward,dlq,maintenance",  # the last one holds
    ),
    "beat": ("mutt_project.run", "beat", "--schedule=/tmp/beat-schedule.json", "--pidfile="),
    "flower": ("mutt_project.run", "flower", "--address=0.0.0.0", "--read_only", "--max_tasks=2000"),
    "manage": (f"{Path(__file__).resolve().parents[2]}/manage.py",),
    "muttctl": ("mutt_project.muttctl",),
    "backup": ("ops.docker.backup",),
}
_OF_CONTAINERS = {
    "web",
    "worker",
    "beat",
    "flower",
}  # the others may be run beside one that the check of health is about
ROLES = tuple(_COMMANDS)


def command(arguments: Sequence[str]) -> list[str]:
    """What to run. Raises SystemExit with the reason where that cannot be, or should not."""
    role, *more = arguments or [""]
    if role not in _COMMANDS:
        raise SystemExit(f"There is no “{role}” here: say one of {', '.join(_COMMANDS)}.")
    if role == "worker" and more and not more[0].startswith("-"):
        more = [f"--queues={more[0].rpartition('-')[0] or more[0]}", f"--hostname={more[0]}@%h", *more[1:]]
    first, *rest = _COMMANDS[role]
    return [sys.executable, *(() if first.endswith(".py") else ("-m",)), first, *rest, *more]


def main() -> None:
    program = command(sys.argv[1:])
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        Path(folder).mkdir(parents=True, exist_ok=True)
    if sys.argv[1] in _OF_CONTAINERS and (folder := folder_of(os.environ)):
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / ROLE_FILE).write_text(sys.argv[1])
    os.execv(program[0], program)  # noqa: S606 - as it stands above  # nosec B606


if __name__ == "__main__":
    main()
