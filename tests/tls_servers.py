"""Real stores that speak TLS, and whose certificates a test chooses: Debian's, since the embedded ones know no TLS."""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2
from redis import Redis
from redis.exceptions import RedisError

from ops.local import postgresql
from ops.local.ports import free_port
from ops.local.supervisor import end_with_parent
from tests import senders
from tests.certificates import Certificates, Files
from tests.mutt import eventually

PASSWORD = "a-password-for-tests"


class TlsRedis:
    """Redis that speaks nothing but TLS, and demands a client certificate if it is told so."""

    def __init__(self, folder: Path, made: Certificates) -> None:
        self._made = made
        self.port = free_port()
        self._configuration = folder / "redis.conf"
        self._configuration.write_text(
            f'bind 127.0.0.1\nport 0\ntls-port {self.port}\ndir "{folder}"\nrequirepass {PASSWORD}\n'
            f"tls-cert-file {made.right.cert}\ntls-key-file {made.right.key}\ntls-ca-cert-file {made.ca}\n"
            'tls-auth-clients optional\nappendonly yes\nmaxmemory 1gb\nsave ""\n'
        )

    @contextmanager
    def running(self) -> Iterator["TlsRedis"]:
        with _process([str(senders.program("redis-server")), str(self._configuration)], signal.SIGTERM):
            eventually(self._answers)
            yield self

    def url(self, host: str = "127.0.0.1", password: str = PASSWORD) -> str:
        return f"rediss://:{password}@{host}:{self.port}/0"

    def show(self, files: Files) -> None:
        """From now on it shows this certificate."""
        self._tell("CONFIG", "SET", "tls-cert-file", str(files.cert), "tls-key-file", str(files.key))

    def demand(self, clients: str) -> None:
        """Client certificates: `yes` or `optional`."""
        self._tell("CONFIG", "SET", "tls-auth-clients", clients)

    def _answers(self) -> bool:
        try:
            self._tell("PING")
        except RedisError:
            return False
        return True

    def _tell(self, *command: str) -> None:
        ours = self._made.client
        options: dict[str, Any] = {"ssl_cert_reqs": "none", "ssl_certfile": ours.cert, "ssl_keyfile": ours.key}
        with Redis.from_url(self.url(), **options) as client:
            client.execute_command(*command)


class TlsPostgresql:
    """PostgreSQL that lets nobody in without TLS; the user `certified` needs a client certificate besides."""

    def __init__(self, folder: Path, made: Certificates) -> None:
        self._bin = senders.postgresql()
        self._folder = folder / "postgresql"
        self.port = free_port()
        postgresql.prepare(self._folder, PASSWORD, self._bin, senders.environment())
        (self._folder / "pg_hba.conf").write_text(
            "hostssl all certified 127.0.0.1/32 scram-sha-256 clientcert=verify-ca\n"
            "hostssl all all 127.0.0.1/32 scram-sha-256\n"
        )
        self._copy(made.ca, "ca.pem")
        self._take(made.right)

    @contextmanager
    def running(self) -> Iterator["TlsPostgresql"]:
        tls = {"ssl": "on", "ssl_cert_file": "own.pem", "ssl_key_file": "own.key", "ssl_ca_file": "ca.pem"}
        settings = [part for name, value in {**tls, "fsync": "off"}.items() for part in ("-c", f"{name}={value}")]
        command = [str(self._bin / "postgres"), "-D", str(self._folder), "-p", str(self.port), *settings]
        with _process(command, signal.SIGINT, **postgresql.identity()):
            eventually(lambda: postgresql.answers(PASSWORD, self.port))
            postgresql.create_database(PASSWORD, self.port)
            yield self

    def url(self, host: str = "127.0.0.1", user: str = postgresql.USER, **options: object) -> str:
        asked = "&".join(f"{name}={quote(str(value))}" for name, value in options.items())
        return f"postgresql://{user}:{PASSWORD}@{host}:{self.port}/{postgresql.DATABASE}?{asked}"

    def show(self, files: Files) -> None:
        """Show this certificate; it is seen a moment later."""
        self._take(files)
        self.run("SELECT pg_reload_conf()")

    def run(self, statement: str) -> None:
        session = psycopg2.connect(postgresql.url(PASSWORD, self.port))
        session.autocommit = True
        with session.cursor() as cursor:
            cursor.execute(statement)
        session.close()

    def _take(self, files: Files) -> None:
        self._copy(files.cert, "own.pem")
        self._copy(files.key, "own.key")

    def _copy(self, file: Path, name: str) -> None:
        place = self._folder / name
        place.unlink(missing_ok=True)
        shutil.copyfile(file, place)
        place.chmod(0o600)
        if user := postgresql.system_user():
            os.chown(place, pwd.getpwnam(user).pw_uid, -1)


@contextmanager
def _process(command: list[str], end: signal.Signals, **identity: Any) -> Iterator[None]:
    options: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **identity}
    process = subprocess.Popen(command, cwd="/", env=senders.environment(), preexec_fn=end_with_parent, **options)
    try:
        yield
    finally:
        process.send_signal(end)
        process.wait(timeout=20)
