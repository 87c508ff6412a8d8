"""`make bench-search`: ten million records in a PostgreSQL of their own, and how long the usual searches take.

They are kept under var/bench: a second run finds them there.
"""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from ops.local import postgresql
from ops.local.ports import free_port
from ops.local.supervisor import end_with_parent

FOLDER = Path("var/bench").resolve()


@click.command()
@click.option("--records", default=10_000_000, show_default=True, help="How many; a new number is a new server.")
def main(records: int) -> None:
    """Make the records that are missing, then search."""
    fill(records)
    _run_beside(records, ["-m", "ops.bench.searches", str(records)])


def folder_of(records: int) -> Path:
    """Where so many are kept."""
    return FOLDER / f"{records}-records"


def fill(records: int) -> None:
    """Make the records that are missing."""
    _run_beside(records, ["manage.py", "migrate", "--verbosity=0"], ["-m", "ops.bench.filling", str(records)])


def forget_what_came(records: int) -> None:
    """Take away what was recorded beside them since, so that the next one finds them as they were made."""
    _run_beside(records, ["-m", "ops.bench.filling", str(records), "--forget"])


def _run_beside(records: int, *commands: list[str]) -> None:
    with server(folder_of(records)) as url:
        settings = {"DATABASE_URL": url, "REDIS_URL": "redis://127.0.0.1:1/0"}
        environment = {**os.environ, **settings, "DJANGO_SETTINGS_MODULE": "mutt_project.settings.test"}
        for command in commands:
            subprocess.run([sys.executable, *command], env=environment, check=True)  # nosec B603 # no input of a user is in it


def pid(folder: Path) -> int:
    """Of the server that runs in this folder."""
    return int((folder / "postgresql" / "postmaster.pid").read_text().split("\n")[0])


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """A PostgreSQL with its data in this folder; yields its URL."""
    folder.mkdir(parents=True, exist_ok=True)
    password, port = _password(folder / "password"), free_port()
    postgresql.prepare(folder / "postgresql", password)
    command = [*postgresql.command(folder / "postgresql", port), "-c", "max_wal_size=4GB", "-c", "shared_buffers=512MB"]
    with (folder / "postgresql.log").open("ab") as log:
        process = subprocess.Popen(  # nosec B603 # no input of a user is in it
            command,
            stdout=log,
            stderr=log,
            cwd="/",
            preexec_fn=end_with_parent,  # noqa: PLW1509 - no threads
            **postgresql.identity(),
        )
    try:
        while not postgresql.answers(password, port):
            if process.poll() is not None:
                sys.exit(f"PostgreSQL did not start: see {folder}/postgresql.log")
            time.sleep(0.1)
        postgresql.create_database(password, port)
        yield postgresql.url(password, port)
    finally:
        process.terminate()
        process.wait()


def _password(path: Path) -> str:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(16))
    return path.read_text()


if __name__ == "__main__":
    main()
