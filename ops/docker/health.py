"""Whether what runs in this container is well: ends with 0 if it is. No store is asked: a restart would not mend one.

The web server and Flower must answer; workers and beat must have said within a minute that they get on (they touch a
file: mutt_project/alive.py).
"""

import http.client
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

ROLE_FILE = "role"
_TIMEOUT_S = 4
_FRESH_S = 60


def folder_of(environment: Mapping[str, str]) -> str:
    """Where the role of this container is noted, and that it lives; empty: nowhere."""
    return environment.get("MUTT_ALIVE_DIR", "")


def is_well(environment: Mapping[str, str], now: Callable[[], float] = time.time) -> bool:
    """As the role of this container, which its entry has noted, demands; without one it is the web server."""
    role = _role(environment)
    if role in {"worker", "beat"}:
        return _is_fresh(Path(folder_of(environment)) / role, now())
    if role == "flower":
        return _answers(int(environment.get("FLOWER_PORT", "5555")), "/healthcheck", "localhost")
    return _web_answers(environment)


def _role(environment: Mapping[str, str]) -> str:
    try:
        return (Path(folder_of(environment)) / ROLE_FILE).read_text().strip()
    except OSError:
        return "web"


def _is_fresh(path: Path, now: float) -> bool:
    try:
        return abs(now - path.stat().st_mtime) < _FRESH_S
    except OSError:
        return False


def _web_answers(environment: Mapping[str, str]) -> bool:
    """By a name that the server answers to, on the port that it listens on."""
    name = (environment.get("MUTT_ALLOWED_HOSTS") or "localhost").split(",")[0].strip().lstrip(".")
    port = int(environment.get("MUTT_BIND", ":8000").rpartition(":")[2])
    return _answers(port, "/healthz", "localhost" if name == "*" else name)


def _answers(port: int, path: str, host: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path, headers={"Host": host})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not is_well(os.environ))
