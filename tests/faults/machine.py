"""A Redis of the tests whose clock can be put, whose disk can be full, and that can die with half a write done."""

import os
import resource
import signal
import subprocess
import time
from pathlib import Path

import redis

from ops.drills.clock import Clock
from ops.local import redis as valkey
from ops.local.ports import free_port
from ops.local.supervisor import end_with_parent

_PASSWORD = "of-the-tests"
_UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


class Redis:
    """The server, as `make run` has it (AOF on, everysec)."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self.port = free_port()
        self.url = valkey.url(_PASSWORD, self.port)
        valkey.prepare(folder, _PASSWORD, self.port)
        self._process = self._launch()

    def _launch(self) -> "subprocess.Popen[bytes]":
        def before_exec() -> None:
            end_with_parent()
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a file that may not grow is an error then, not the end

        with (self._folder / "redis.log").open("ab") as log:
            process = subprocess.Popen(
                valkey.command(self._folder),
                stdout=log,
                stderr=log,
                preexec_fn=before_exec,
                env={**os.environ, **self._clock.environment},
            )
        deadline = time.monotonic() + 30
        while not valkey.answers(_PASSWORD, self.port):
            assert time.monotonic() < deadline, (self._folder / "redis.log").read_text()
            time.sleep(0.05)
        return process

    def client(self) -> "redis.Redis":
        """A way to it that no proxy can cut."""
        return redis.Redis.from_url(self.url, socket_timeout=5)

    @property
    def log(self) -> str:
        return (self._folder / "redis.log").read_text()

    @property
    def aof(self) -> Path:
        """The file that it appends to."""
        return max(self._folder.glob("appendonlydir/*.incr.aof"), key=lambda path: path.stat().st_mtime)

    def fill_disk(self, left: int) -> None:
        """Let its file grow by so many bytes, and no further."""
        limit = self.aof.stat().st_size + left
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    def clear_disk(self) -> None:
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, _UNLIMITED)

    def die_in_the_middle_of_a_write(self) -> None:
        """Kill it, leave the beginning of a command at the end of its file, and start it again."""
        self._process.kill()
        self._process.wait()
        with self.aof.open("ab") as file:
            file.write(b"*4\r\n$4\r\nHSET\r\n$10\r\nmutt:")
        self._process = self._launch()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
