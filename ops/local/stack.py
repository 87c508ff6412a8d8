"""The whole of MUTT on one machine: embedded servers, web, workers, beat, Flower and the stub Moogsoft."""

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault  # nosec B411 # our own supervisord answers

import urllib3

from ops.local import postgresql, redis
from ops.local.ports import free_port, listens
from ops.local.supervisor import News, Program, Supervisor

ROOT = Path(__file__).resolve().parents[2]
_WORKERS = {
    "worker-pipeline-1": "pipeline,maintenance",
    "worker-pipeline-2": "pipeline,maintenance",
    "worker-forward-1": "forward,dlq",
}
_AFTER_WEB = ("nice", "-n", "5")  # on cores that they share, who answers senders goes first
_OURS = ("MUTT_", "MOOGSOFT_", "DATABASE_", "REDIS_")
_PATIENCE_S = 60


class NotStarted(RuntimeError):  # noqa: N818 - it reads as a sentence
    """The stack cannot be started; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the servers listen on 127.0.0.1."""

    web: int
    flower: int
    stub: int
    postgresql: int
    redis: int

    @classmethod
    def choose(cls, environment: Mapping[str, str]) -> "Ports":
        """Ports given as MUTT_WEB_PORT and so on, free ones for the rest."""
        names = {
            "web": "WEB",
            "flower": "FLOWER",
            "stub": "STUB",
            "postgresql": "POSTGRESQL",
            "redis": "REDIS",
        }
        given = {name: environment.get(f"MUTT_{variable}_PORT", "") for name, variable in names.items()}
        for name, text in given.items():
            if text and listens(int(text)):
                raise NotStarted(f"Port {text} for {name} is taken by another program: choose another, or none.")
        return cls(**{name: int(text) if text else free_port() for name, text in given.items()})


@dataclass
class Stack:
    """Everything, under `folder` (usually var/).

    `given` are addresses, ports and settings from outside, as environment variables; `extra` more settings.
    """

    folder: Path
    extra: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=lambda: os.environ)
    say: Callable[[str], None] = print

    def __post_init__(self) -> None:
        self.folder = self.folder.resolve()
        if "%" in f"{self.folder}{ROOT}":
            raise NotStarted(f"There is a % in {self.folder} or {ROOT}: supervisord cannot take that. Move the folder.")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.secrets = _secrets(self.folder / "secrets.json")
        self.ports = Ports.choose(self.given)
        self.database_url = self.given.get("DATABASE_URL") or postgresql.url(
            self.secrets["postgresql"], self.ports.postgresql
        )
        self.redis_url = self.given.get("REDIS_URL") or redis.url(self.secrets["redis"], self.ports.redis)
        self.embedded = {
            "postgresql": "DATABASE_URL" not in self.given,
            "redis": "REDIS_URL" not in self.given,
        }
        self.supervisor = Supervisor(self.folder, ROOT, self._programs(), self.environment)

    @property
    def run_file(self) -> Path:
        return self.folder / "run.json"

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.ports.web}"

    @property
    def stub(self) -> str:
        return f"http://127.0.0.1:{self.ports.stub}"

    @property
    def environment(self) -> dict[str, str]:
        """What our processes are told, in memory: no secret is on a command line or in a log."""
        return {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ},
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "MALLOC_MMAP_THRESHOLD_": "131072",  # else what large bodies took is kept: docs/settings.md
            "DJANGO_SETTINGS_MODULE": "mutt_project.settings.production",
            "MUTT_TLS": "false",
            "MUTT_BIND": f"127.0.0.1:{self.ports.web}",
            "MOOGSOFT_URL": f"{self.stub}/{self._stub_path()}",
            "MOOGSOFT_ALLOW_HTTP": "true",  # the stub is on this machine
            "MOOGSOFT_ALLOWED_NETWORKS": "127.0.0.0/8",
            "PROMETHEUS_MULTIPROC_DIR": str(self.folder / "metrics"),
            "MUTT_ARCHIVE_DIR": str(self.folder / "archive"),
            **({"STUB_API_KEY": self.secrets["moogsoft"]} if self._uses_vault else self.own_secrets),
            **{name: value for name, value in self.given.items() if name.startswith(self._prefixes)},
            **self.extra,
        }

    @property
    def own_secrets(self) -> dict[str, str]:
        """Our secrets by the names that MUTT knows them by."""
        return {
            "MUTT_SECRET_KEY": self.secrets["django"],
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "MOOGSOFT_API_KEY": self.secrets["moogsoft"],
            "FLOWER_BASIC_AUTH": f"admin:{self.secrets['admin']}",
            "MUTT_ADMIN_PASSWORD": self.secrets["admin"],
            "MUTT_LOCAL_API_KEY": self.secrets["api_key"],
        }

    @property
    def _uses_vault(self) -> bool:
        """Whether our secrets are in Vault. VAULT_ADDR alone may be there for another purpose of who starts us."""
        return any(name.startswith("MUTT_VAULT_ROLE_ID") for name in self.given)

    @property
    def _prefixes(self) -> tuple[str, ...]:
        return (*_OURS, "VAULT_") if self._uses_vault else _OURS

    def _stub_path(self) -> str:
        flavour = self.extra.get("MOOGSOFT_FLAVOUR") or self.given.get("MOOGSOFT_FLAVOUR")
        return "" if flavour == "onprem" else "v1/integrations/events"

    def start(self) -> None:
        """Start everything. Raises NotStarted."""
        if self.supervisor.runs():
            raise NotStarted(f"MUTT runs here already ({self.folder}). Stop it first: make stop.")
        shutil.rmtree(self.folder / "metrics", ignore_errors=True)
        (self.folder / "metrics").mkdir()
        self.run_file.unlink(missing_ok=True)
        try:
            self._start()
        except RuntimeError as error:
            self.stop()
            raise NotStarted(str(error)) from error
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        self._prepare_servers()
        self.supervisor.launch()
        self._start_servers()
        self.say("database: migrations")
        self.manage("prepare", "--with-access")
        self.say("web, workers, beat, Flower, stub Moogsoft")
        ours = [program.name for program in self.supervisor.programs if not program.bare]
        self.supervisor.start(*ours)
        self._wait("web", lambda: _ok(f"{self.web}/readyz"))
        self._wait("moogsoft-stub", lambda: _ok(f"{self.stub}/stats"))
        self._wait("flower", lambda: listens(self.ports.flower))

    def _prepare_servers(self) -> None:
        if self.embedded["postgresql"]:
            self.say("PostgreSQL (embedded)")
            postgresql.prepare(self.folder / "postgresql", self.secrets["postgresql"])
        if self.embedded["redis"]:
            self.say("Redis-compatible server (embedded, AOF on)")
            redis.prepare(self.folder / "redis", self.secrets["redis"], self.ports.redis)

    def _start_servers(self) -> None:
        if self.embedded["postgresql"]:
            self.supervisor.start("postgresql")
            password, port = self.secrets["postgresql"], self.ports.postgresql
            self._wait("postgresql", lambda: postgresql.answers(password, port))
            postgresql.create_database(password, port)
        if self.embedded["redis"]:
            self.supervisor.start("redis")
            self._wait("redis", lambda: redis.answers(self.secrets["redis"], self.ports.redis))

    def stop(self) -> None:
        """Stop everything, the servers last."""
        if self._wrote_run_file():
            self.run_file.unlink(missing_ok=True)
        self.supervisor.stop()

    def _wrote_run_file(self) -> bool:
        """Whether run.json is ours: somebody else may have stopped us, and started anew."""
        try:
            return bool(json.loads(self.run_file.read_text())["pids"]["launcher"] == os.getpid())
        except (OSError, ValueError, KeyError):
            return False

    def news(self) -> list[News]:
        """What died or was started again since the last call; run.json is kept true."""
        news = self.supervisor.news()
        if news and self.supervisor.alive and self.run_file.exists():
            self.write_run_file()
        return news

    def manage(self, *arguments: str) -> None:
        """Run a management command. Raises RuntimeError with its output."""
        finished = subprocess.run(  # nosec B603 # no input of a user is in it
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode:
            raise RuntimeError(f"manage.py {arguments[0]} failed:\n{finished.stdout}{finished.stderr}")

    def write_run_file(self) -> None:
        """Write run.json, which says that all is ready: addresses, access, pids; for this user's eyes only."""
        run = {
            "web": self.web,
            "api_key": self.secrets["api_key"],
            "admin": {"username": "admin", "password": self.secrets["admin"]},
            "flower": f"http://127.0.0.1:{self.ports.flower}",
            "moogsoft_stub": self.stub,
            "database_url": self.database_url,
            "redis_url": self.redis_url,
            "pids": {**self.supervisor.pids(), "launcher": os.getpid()},
        }
        _write_private(self.run_file, run)

    def _wait(self, name: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not ready():
            if time.monotonic() > deadline:
                raise RuntimeError(f"{name} is not ready after {_PATIENCE_S} s; see {self.folder}/log/{name}.log")
            time.sleep(0.1)

    def _programs(self) -> list[Program]:
        """In the order of their start."""
        servers = []
        if self.embedded["postgresql"]:
            command = postgresql.command(self.folder / "postgresql", self.ports.postgresql)
            servers.append(Program("postgresql", command, user=postgresql.system_user(), stop_signal="INT", bare=True))
        if self.embedded["redis"]:
            servers.append(Program("redis", redis.command(self.folder / "redis"), bare=True))
        state = str(self.folder / "moogsoft-stub.ids")
        stub = ["ops.moogsoft_stub", "--host", "127.0.0.1", "--port", str(self.ports.stub), "--state", state]
        # It looks and does nothing. It keeps so many tasks in memory, 9 KB each; its default is 100,000.
        flower = ["flower", "--address=127.0.0.1", f"--port={self.ports.flower}", "--read_only", "--max_tasks=2000"]
        return [
            *servers,
            Program("moogsoft-stub", [sys.executable, "-m", *stub]),
            Program(
                "web",
                [sys.executable, "-m", "gunicorn", "-c", "python:ops.gunicorn_conf", "mutt_project.wsgi"],
            ),
            *(
                Program(
                    name,
                    [
                        *_AFTER_WEB,
                        *_celery("worker", "--pool=solo", "-Q", queues, "-n", f"{name}@%h", "--without-mingle"),
                    ],
                )
                for name, queues in _WORKERS.items()
            ),
            Program("beat", _celery("beat", "--schedule", str(self.folder / "beat-schedule.json"), "--pidfile=")),
            Program("flower", _celery(*flower)),
        ]


def stop_elsewhere(folder: Path) -> bool:
    """Stop a stack that another process started in this folder; False if there was none."""
    supervisor = Supervisor(folder.resolve(), ROOT, [], {})
    if not supervisor.runs():
        return False
    with contextlib.suppress(OSError, Fault):
        supervisor.call("shutdown")
    while supervisor.runs():
        time.sleep(0.2)
    (folder / "run.json").unlink(missing_ok=True)
    return True


def _celery(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "mutt_project.run", *arguments]


def _ok(url: str) -> bool:
    try:
        return urllib3.request("GET", url, timeout=3, retries=False).status == 200  # noqa: PLR2004 - OK
    except urllib3.exceptions.HTTPError:
        return False


def _secrets(path: Path) -> dict[str, str]:
    """Our own random secrets: made at the first start, kept for the next ones."""
    if path.exists():
        kept: dict[str, str] = json.loads(path.read_text())
        return kept
    made = {name: secrets.token_urlsafe(32) for name in ("django", "postgresql", "redis", "moogsoft")}
    made |= {"admin": secrets.token_urlsafe(12), "api_key": f"mutt_{secrets.token_urlsafe(32)}"}
    _write_private(path, made)
    return made


def _write_private(path: Path, content: Any) -> None:
    """Write JSON that nobody else can read at any moment, and never half of it."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file, indent=2)
    draft.replace(path)
