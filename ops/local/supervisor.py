"""Our processes under supervisord (pip package supervisor): start, restart, stop, and news of each."""

import ctypes
import hashlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy  # nosec B411 # our own supervisord answers

from supervisor.xmlrpc import SupervisorTransport

_PR_SET_PDEATHSIG = 1
_RUNNING = "RUNNING"
_PATIENCE_S = 60
_RPC = "supervisor.rpcinterface:make_main_rpcinterface"


@dataclass(frozen=True, slots=True)
class Program:
    """One process to keep alive. `bare`: it gets none of our environment, hence none of our secrets."""

    name: str
    command: list[str]
    user: str | None = None
    stop_signal: str = "TERM"
    bare: bool = False


@dataclass(frozen=True, slots=True)
class News:
    """A program whose pid changed; 0 stands for "not running"."""

    name: str
    before: int
    pid: int

    def __str__(self) -> str:
        died = f"died (pid {self.before})" if self.before else ""
        again = f"was started again (pid {self.pid})" if self.pid else "is being started again"
        return " and ".join(part for part in (died, again) if part)


@dataclass
class Supervisor:
    """supervisord with its programs. It ends, and they with it, when the process that started it ends."""

    folder: Path
    root: Path
    programs: list[Program]
    environment: Mapping[str, str]
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _pids: dict[str, int] = field(default_factory=dict, init=False)

    @property
    def socket(self) -> Path:
        """In the folder for temporary files: the path of a Unix socket must be short."""
        name = hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"mutt-{name}.sock"

    def call(self, method: str, *arguments: Any) -> Any:
        """Call one of supervisord's XML-RPC methods. Raises OSError if it does not run."""
        transport = SupervisorTransport(serverurl=f"unix://{self.socket}")
        try:
            return getattr(ServerProxy("http://127.0.0.1", transport=transport).supervisor, method)(*arguments)
        finally:
            transport.close()

    @property
    def alive(self) -> bool:
        """Whether the supervisord that we launched still runs."""
        return self._process is not None and self._process.poll() is None

    def runs(self) -> bool:
        """Whether a supervisord serves this folder, be it ours or another's."""
        try:
            self.call("getState")
        except OSError:
            return False
        except Fault:  # it is shutting down
            return True
        return True

    def launch(self) -> None:
        """Start supervisord itself, with no program yet."""
        (self.folder / "log").mkdir(parents=True, exist_ok=True)
        configuration = self.folder / "supervisord.conf"
        configuration.write_text(self._configuration())
        self._process = subprocess.Popen(  # nosec B603 # no input of a user is in it
            [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(configuration)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=dict(self.environment),
            start_new_session=True,  # Ctrl-C is for us; we stop the programs in order
            preexec_fn=end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no threads yet
        )
        deadline = time.monotonic() + _PATIENCE_S
        while not self.runs():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"supervisord did not start; see {self.folder}/log/supervisord.log")
            time.sleep(0.05)

    def start(self, *names: str) -> None:
        """Start programs; they are started again whenever they die."""
        for name in names:
            self.call("startProcess", name, False)  # noqa: FBT003 - XML-RPC knows no names: do not wait
        deadline = time.monotonic() + _PATIENCE_S
        while late := [
            info["name"]
            for info in self.call("getAllProcessInfo")
            if info["name"] in names and info["statename"] != _RUNNING
        ]:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{late[0]} did not start; see {self.folder}/log/{late[0]}.log")
            time.sleep(0.1)
        self.news()

    def pids(self) -> dict[str, int]:
        """The pid of each program that runs."""
        return {info["name"]: info["pid"] for info in self.call("getAllProcessInfo") if info["pid"]}

    def news(self) -> list[News]:
        """The programs whose pid changed since the last call."""
        now = self.call("getAllProcessInfo")
        changed = [
            News(info["name"], self._pids.get(info["name"], 0), info["pid"])
            for info in now
            if self._pids.get(info["name"], 0) != info["pid"]
        ]
        self._pids = {info["name"]: info["pid"] for info in now}
        return changed

    def stop(self) -> None:
        """Stop our programs, then the servers, then supervisord; nothing happens if it is not ours."""
        if not self.alive:
            return
        try:
            self._stop([program.name for program in self.programs if not program.bare])
            self._stop([program.name for program in self.programs if program.bare])
            self.call("shutdown")
        except (OSError, Fault):
            pass  # it is gone, or going, and its programs with it
        if self._process is not None:
            self._process.wait(timeout=60)

    def _stop(self, names: list[str]) -> None:
        """Stop these at once. Raises OSError and Fault where supervisord is gone or going."""
        while there := [
            info["name"] for info in self.call("getAllProcessInfo") if info["pid"] and info["name"] in names
        ]:
            for name in there:
                with suppress(Fault):  # it is being stopped already
                    self.call("stopProcess", name, False)  # noqa: FBT003 - as above
            time.sleep(0.05)

    def _configuration(self) -> str:
        log = self.folder / "log"
        sections = [
            f"[unix_http_server]\nfile={self.socket}\nchmod=0700",
            f"[supervisord]\nnodaemon=true\nlogfile={log}/supervisord.log\npidfile={log}/supervisord.pid",
            f"[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = {_RPC}",
            *(self._section(program, place) for place, program in enumerate(self.programs, 1)),
        ]
        return "\n\n".join(sections) + "\n"

    def _section(self, program: Program, place: int) -> str:
        words = ["/usr/bin/env", "-i", "LC_ALL=C", *program.command] if program.bare else program.command
        if setpriv := shutil.which("setpriv"):  # no program outlives a supervisord that is killed
            words = [setpriv, "--pdeathsig", program.stop_signal, *words]
        quoted = " ".join(f'"{word}"' for word in words).replace("%", "%%")
        lines = [
            f"[program:{program.name}]",
            f"command={quoted}",
            f"directory={'/' if program.bare else self.root}",
            f"priority={place}",  # the last is stopped first
            "autostart=false",
            "autorestart=true",
            "startsecs=1",
            "startretries=1000000",
            f"stopsignal={program.stop_signal}",
            "stopwaitsecs=40",
            "killasgroup=true",
            f"stdout_logfile={self.folder}/log/{program.name}.log",
            "stdout_logfile_maxbytes=20MB",
            "stdout_logfile_backups=1",
            "redirect_stderr=true",
        ]
        return "\n".join([*lines, f"user={program.user}"] if program.user else lines)


def end_with_parent() -> None:
    """Ask Linux to end supervisord, which ends its programs, should our process be killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
