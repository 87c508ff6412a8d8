"""A pytest plugin: one real PostgreSQL and one real Redis-compatible server for the test run.

It is loaded by `-p` (pyproject.toml), before Django's settings, which it tells where the servers will be.
Where DATABASE_URL and REDIS_URL are set already, those servers are used and nothing is started.
"""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ops.local import postgresql, redis
from ops.local.ports import free_port
from ops.local.supervisor import end_with_parent

_PATIENCE_S = 60


class Servers:
    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mutt-tests-"))
        self.password = secrets.token_urlsafe(16)
        self.postgresql_port, self.redis_port = free_port(), free_port()
        self.processes: list[tuple[subprocess.Popen[bytes], signal.Signals]] = []
        self.embed_postgresql = "DATABASE_URL" not in os.environ
        self.embed_redis = "REDIS_URL" not in os.environ
        if self.embed_postgresql:
            os.environ["DATABASE_URL"] = postgresql.url(self.password, self.postgresql_port)
        if self.embed_redis:
            os.environ["REDIS_URL"] = redis.url(self.password, self.redis_port)

    def start(self) -> None:
        if self.embed_postgresql:
            folder = self.folder / "postgresql"
            postgresql.prepare(folder, self.password)
            command = [*postgresql.command(folder, self.postgresql_port), "-c", "fsync=off"]
            self._start(command, signal.SIGINT, **postgresql.identity())
            self._wait(lambda: postgresql.answers(self.password, self.postgresql_port))
            postgresql.create_database(self.password, self.postgresql_port)
        if self.embed_redis:
            redis.prepare(self.folder / "redis", self.password, self.redis_port)
            self._start(redis.command(self.folder / "redis"), signal.SIGTERM)
            self._wait(lambda: redis.answers(self.password, self.redis_port))

    def stop(self) -> None:
        for process, end in reversed(self.processes):
            process.send_signal(end)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=20)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, command: list[str], end: signal.Signals, **identity: Any) -> None:
        with (self.folder / "servers.log").open("ab") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd="/", preexec_fn=end_with_parent, start_new_session=True, **identity
            )
        self.processes.append((process, end))

    def _wait(self, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not ready():
            if time.monotonic() > deadline:
                raise RuntimeError((self.folder / "servers.log").read_text())
            time.sleep(0.05)


servers = Servers()


def pytest_sessionstart(session: pytest.Session) -> None:
    if not session.config.option.collectonly:
        servers.start()


def pytest_unconfigure() -> None:
    servers.stop()
