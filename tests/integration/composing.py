"""Runs what ops/compose.yaml describes without an engine: each service as a plain process, its places put elsewhere.

What a container would find at an address, in a volume or in a file of a secret stands here on 127.0.0.1 and in a folder
of the test. The commands, the settings and the checks of health are those of the file.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ops.local import postgresql
from ops.local.ports import free_port
from ops.local.stack import ROOT
from ops.local.supervisor import end_with_parent
from tests.senders import environment as libraries
from tests.senders import program

FILE = yaml.safe_load((ROOT / "ops" / "compose.yaml").read_text())
VAULT = yaml.safe_load((ROOT / "ops" / "compose.vault.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
RECIPE = re.sub(r"\s*\\\n\s*", " ", (ROOT / "ops" / "docker" / "Dockerfile").read_text())
_INTERPOLATED = re.compile(r"\$\{(\w+)(?::?[-?]([^}]*))?\}")
_PORTS = ("redis:6379", "postgresql:5432", "web:8000", "flower:5555", "127.0.0.1:8443", "proxy:8080", "openbao:8200")
_SECONDS = re.compile(r"(\d+)s")


@dataclass
class Elsewhere:
    """Where things are here that a container finds at places of its own."""

    folder: Path
    moogsoft: str = ""
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in _PORTS})
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets"

    def put(self, text: str, service: str) -> str:
        """A word of a command or a setting, with what stands in it put elsewhere."""
        given = {"MUTT_HOST": "mutt.example.net", "MOOGSOFT_URL": self.moogsoft}
        text = _INTERPOLATED.sub(lambda found: given.get(found[1], found[2] or ""), text).replace("$$", "$")
        places = {
            "/run/secrets": self.secrets,
            "/run/mutt": self.folder / service / "run",
            "/var/lib/mutt": self.folder / service,
            "/tmp": self.folder / service,
            "/wal": self.folder / "wal",
            "/vault": self.folder / "vault",
            "/backup": self.folder / "backups",
            "/etc/postgresql": self.folder / "postgresql-access",
            f"{given['MUTT_HOST']}:8443": f"localhost:{self.ports['127.0.0.1:8443']}",
            **{place: f"127.0.0.1:{port}" for place, port in self.ports.items()},
        }
        return re.sub("|".join(map(re.escape, places)), lambda found: str(places[found[0]]), text)

    def environment(self, name: str, overlay: Mapping[str, str] | None = None) -> dict[str, str]:
        """What the container of one of our services would have: the image's and the service's variables."""
        of_image = dict(re.findall(r"(\w+)=(\S+)", re.findall(r"^ENV (.+)$", RECIPE, re.MULTILINE)[-1]))
        told = {**of_image, **SERVICES[name]["environment"], **(overlay or {})}
        here = {word: self.put(str(value), name) for word, value in told.items()}
        del here["MUTT_STATIC_ROOT"]  # the image has collected them
        return {
            **here,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "MUTT_BIND": f"127.0.0.1:{self.ports['web:8000']}",
            "MUTT_ARCHIVE_DIR": str(self.folder / "archive"),
            "MUTT_METRICS_ADDRESS": "127.0.0.1",
            "MUTT_METRICS_PORT": str(free_port()),
            "MUTT_TRUSTED_PROXIES": "127.0.0.1",
            "FLOWER_PORT": str(self.ports["flower:5555"]),
            # The stub of Moogsoft is on this machine, and few threads are soon used up.
            "MOOGSOFT_ALLOW_HTTP": "true",
            "MOOGSOFT_ALLOWED_NETWORKS": "127.0.0.0/8",
            "MUTT_WEB_PROCESSES": "1",
            "MUTT_WEB_THREADS": "2",
        }

    def start(self, name: str, command: list[str], environment: Mapping[str, str], **how: Any) -> None:
        options: dict[str, Any] = {"cwd": ROOT, "preexec_fn": end_with_parent, "start_new_session": True, **how}
        own = self.folder / name
        own.mkdir(exist_ok=True)
        with (own / "log").open("ab") as log:
            self.processes[name] = subprocess.Popen(command, env=dict(environment), stdout=log, stderr=log, **options)

    def start_ours(self, name: str, *more: str, **environment: str) -> None:
        self.start(name, [*entry(self, name), *more], {**self.environment(name), **environment})

    def start_redis(self) -> None:
        (self.folder / "redis").mkdir()
        words = [self.put(word, "redis").replace("/data", str(self.folder / "redis")) for word in _words("redis")]
        binary = str(program("redis-server"))
        listening = ["--port", str(self.ports["redis:6379"]), "--bind", "127.0.0.1"]
        self.start("redis", [binary, *words[1:], *listening], libraries())

    def start_postgresql(self) -> None:
        (self.folder / "wal").mkdir(mode=0o777)
        (self.folder / "wal").chmod(0o777)
        password = (self.secrets / "postgresql_password").read_text()
        data, port = self.folder / "postgresql-data", self.ports["postgresql:5432"]
        postgresql.prepare(data, password)
        access = self.folder / "postgresql-access"
        access.mkdir(mode=0o755)
        access.chmod(0o755)
        (access / "pg_hba.conf").write_text((ROOT / "ops/postgresql/pg_hba.conf").read_text())
        (access / "pg_hba.conf").chmod(0o644)
        words = [self.put(word, "postgresql") for word in _words("postgresql")]
        command = [*postgresql.command(data, port), *words[1:]]
        self.start("postgresql", command, {"LC_ALL": "C", "PATH": os.environ["PATH"]}, **postgresql.identity(), cwd="/")

    def start_proxy(self) -> None:
        own = self.folder / "proxy"
        own.mkdir()
        (own / "mutt.conf").write_text(proxy_configuration(self))
        words = [word.replace("/etc/nginx/mutt.conf", str(own / "mutt.conf")) for word in _words("proxy")]
        log = ["-e", str(own / "error.log")]  # Debian's nginx would open its own before it reads the file
        self.start("proxy", [str(program("nginx")), *log, *words[1:]], libraries())

    def is_well(self, name: str) -> bool:
        """What the check of health of the file says."""
        test = SERVICES[name]["healthcheck"]["test"]
        words = [self.put(word, name) for word in test[1:]]
        environment = {**libraries(), "PGPORT": str(self.ports["postgresql:5432"])}
        if name in {"redis", "postgresql"}:
            places = [str(program("redis-cli").parent) if name == "redis" else str(postgresql.BIN)]
            environment["PATH"] = ":".join([*places, os.environ["PATH"]])
        elif name != "proxy":
            environment = self.environment(name)
        line = " ".join(words) if test[0] == "CMD-SHELL" else shlex.join(words)
        line = line.replace("redis-cli ", f"redis-cli -p {self.ports['redis:6379']} ")
        done = subprocess.run(["sh", "-c", line], cwd=ROOT, env=environment, capture_output=True, check=False)
        return done.returncode == 0

    def end(self, name: str) -> int:
        """Stop it as an engine would, within its time; returns its exit status."""
        process = self.processes.pop(name)
        process.send_signal(getattr(signal, SERVICES.get(name, {}).get("stop_signal", "SIGTERM")))
        found = _SECONDS.fullmatch(SERVICES.get(name, {}).get("stop_grace_period", "10s"))
        assert found
        return process.wait(timeout=int(found[1]))

    def back_up(self) -> str:
        """What the service `backup` does, with PostgreSQL's programs as in its image; returns what it said."""
        told = {name: self.put(str(value), "backup") for name, value in SERVICES["backup"]["environment"].items()}
        told |= {"PATH": f"{postgresql.BIN}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
        words = entry(self, "backup")
        done = subprocess.run(words, cwd=self.folder, env=told, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def log(self, name: str) -> str:
        return (self.folder / name / "log").read_text(errors="replace")

    def run(self, name: str, overlay: Mapping[str, str] | None = None, command: list[str] | None = None) -> str:
        """A service, or another command in its place, that ends by itself; returns what it said."""
        (self.folder / name).mkdir(exist_ok=True)
        words = [sys.executable, "-m", "ops.docker.run", *(command or _words(name))]
        done = subprocess.run(
            words, cwd=ROOT, env=self.environment(name, overlay), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout + done.stderr


def proxy_configuration(elsewhere: Elsewhere) -> str:
    """ops/nginx/mutt.conf, put elsewhere."""
    text = (ROOT / "ops" / "nginx" / "mutt.conf").read_text()
    own, ports = elsewhere.folder / "proxy", elsewhere.ports
    places = {
        "listen 8080": f"listen 127.0.0.1:{ports['proxy:8080']}",
        "listen 8443": f"listen 127.0.0.1:{ports['127.0.0.1:8443']}",
        "server web:8000": f"server 127.0.0.1:{ports['web:8000']}",
        "/dev/stdout": f"{own}/access.log",
        "/dev/stderr": f"{own}/error.log",
        "/run/secrets": str(elsewhere.secrets),
        "/tmp": str(own),
    }
    return re.sub("|".join(places), lambda found: places[found[0]], text)


def entry(elsewhere: Elsewhere, name: str) -> list[str]:
    """The command line of a container of one of our services."""
    words = [elsewhere.put(word, name) for word in _words(name)]
    return [sys.executable, "-m", "ops.docker.run", *words]


def _words(name: str) -> list[str]:
    return [str(word) for word in SERVICES[name]["command"]]
