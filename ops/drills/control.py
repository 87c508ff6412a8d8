"""`stop NAME…` and `start NAME…` of the page, for a sandbox: by its supervisord; what starts is waited for."""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from xmlrpc.client import Fault  # nosec B411 # our own supervisord answers

from ops.local import postgresql, redis
from ops.local.stack import ROOT
from ops.local.supervisor import Supervisor

SERVERS = ("postgresql", "redis")
_NOT_OURS = (*SERVERS, "moogsoft-stub")
_RUNS = {"RUNNING", "STARTING", "BACKOFF"}  # supervisord starts it again by itself
_PATIENCE_S = 60


def control(folder: Path, verb: str, names: list[str]) -> None:
    """Stop or start programs, and wait until that is done. Raises RuntimeError."""
    supervisor = Supervisor(folder, ROOT, [], {})
    states = {info["name"]: info["statename"] for info in supervisor.call("getAllProcessInfo")}
    programs = programs_of(names, list(states))
    if verb == "start":
        supervisor.start(*(name for name in programs if states[name] not in _RUNS))
        for name in set(programs) & set(SERVERS):
            _wait_for_server(folder, name)
        return
    for name in programs:
        try:
            supervisor.call("stopProcess", name, False)  # noqa: FBT003 - XML-RPC knows no names: do not wait
        except Fault as fault:
            if "NOT_RUNNING" not in fault.faultString:
                raise RuntimeError(f"{name} cannot be stopped: {fault.faultString}") from None
    _wait(lambda: not set(programs) & supervisor.pids().keys(), f"{', '.join(programs)} did not stop")


def programs_of(names: list[str], programs: list[str]) -> list[str]:
    """The programs that are meant: `mutt` is all that is no server, `workers` are all workers. Raises RuntimeError."""
    found: list[str] = []
    for name in names:
        if name == "mutt":
            meant = [program for program in programs if program not in _NOT_OURS]
        elif name == "workers":
            meant = [program for program in programs if program.startswith("worker-")]
        else:
            meant = [program for program in programs if program == name]
        if not meant:
            raise RuntimeError(f"there is no {name} here: mutt, workers, {', '.join(programs)}")
        found += meant
    return found


def _wait_for_server(folder: Path, name: str) -> None:
    secrets = json.loads((folder / "secrets.json").read_text())
    port = int(os.environ[f"DRILL_{name.upper()}_PORT"])
    answers = {"postgresql": postgresql.answers, "redis": redis.answers}[name]
    _wait(lambda: answers(secrets[name], port), f"{name} does not answer; see {folder}/log/{name}.log")


def _wait(ready: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not ready():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{complaint} (waited for {_PATIENCE_S} s)")
        time.sleep(0.05)


if __name__ == "__main__":
    try:
        control(Path(os.environ["DRILL_FOLDER"]), sys.argv[1], sys.argv[2:])
    except RuntimeError as error:
        sys.exit(f"{sys.argv[1]}: {error}")
