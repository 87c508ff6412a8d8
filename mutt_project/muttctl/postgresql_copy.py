"""A copy of PostgreSQL by its own programs: a base backup with its WAL, or a dump where replication is not allowed."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from mutt_project.muttctl.errors import MuttctlError
from mutt_project.muttctl.output import one_line
from mutt_project.muttctl.store_settings import Store

BASE, DUMP = "base", "dump"
MANIFEST = "backup_manifest"
_DUMP_FILE = "mutt.dump"
_PERCENT = re.compile(rb"(\d+)/(\d+) kB")


class PostgresqlCopyError(MuttctlError):
    """PostgreSQL cannot be copied; the message says why."""


def copy_postgresql(
    store: Store, environ: Mapping[str, str], folder: Path, kind: str, progress: Callable[[int, int], None]
) -> dict[str, object]:
    """Write a copy into a new folder, and verify it; returns what is known of it. Raises PostgresqlCopyError."""
    environment = _environment(store, environ)
    if kind == DUMP:
        folder.mkdir(mode=0o700)
        dump = folder / _DUMP_FILE
        _run(environment, "pg_dump", "--format=custom", f"--file={dump}", f"--dbname={store.url}")
        verify_postgresql(folder, environ)
        return {"kind": DUMP, "version": _version("pg_dump")}
    command = ["pg_basebackup", "--pgdata", str(folder), "--wal-method=stream", "--checkpoint=fast"]
    command += ["--manifest-checksums=SHA256", "--progress", f"--dbname={store.url}"]
    _run(environment, *command, progress=progress)
    verify_postgresql(folder, environ)
    return {"kind": BASE, "version": _version("pg_basebackup"), **_label(folder)}


def verify_postgresql(folder: Path, environ: Mapping[str, str]) -> str:
    """Have PostgreSQL's own program look whether a copy is whole; returns its name. Raises PostgresqlCopyError."""
    if (folder / MANIFEST).exists():
        _run(environ, "pg_verifybackup", "--exit-on-error", "--quiet", str(folder))
        return "pg_verifybackup"
    _run(environ, "pg_restore", "--list", str(folder / _DUMP_FILE))
    return "pg_restore --list"


def database_bytes(store: Store, environ: Mapping[str, str]) -> int:
    """How large the databases of the server are, as far as we may ask. Raises PostgresqlCopyError."""
    query = "SELECT sum(pg_database_size(oid)) FROM pg_database WHERE has_database_privilege(oid, 'CONNECT')"
    answer = _run(_environment(store, environ), "psql", "--no-psqlrc", "-At", "-c", query, f"--dbname={store.url}")
    return int(answer.strip() or 0)


def _environment(store: Store, environ: Mapping[str, str]) -> dict[str, str]:
    """The password goes by the environment: on a command line everybody could read it."""
    return {**environ, **({"PGPASSWORD": store.password} if store.password else {}), "LC_MESSAGES": "C"}


def _label(folder: Path) -> dict[str, object]:
    """Where the base backup begins in the WAL."""
    label = (folder / "backup_label").read_text(encoding="utf-8")
    found = re.search(r"^START WAL LOCATION: (\S+) \(file (\S+)\)", label, re.MULTILINE)
    return {"start_lsn": found[1], "start_wal_file": found[2]} if found else {}


def _version(program: str) -> str:
    return _run(os.environ, program, "--version").strip()


def _run(environment: Mapping[str, str], *command: str, progress: Callable[[int, int], None] | None = None) -> str:
    program = shutil.which(command[0], path=environment.get("PATH"))
    if program is None:
        raise PostgresqlCopyError(
            f"{command[0]} is not on the PATH. It comes with PostgreSQL's client programs, of the server's version."
        )
    with (
        subprocess.Popen(  # noqa: S603 # nosec B603 # no shell; the words are ours and the operator's own settings
            [program, *command[1:]],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if progress is None else subprocess.STDOUT,
        ) as process
    ):
        try:
            out, err = process.communicate() if progress is None else (_follow(process, progress), b"")
        except BaseException:  # whoever ends us must not have to wait for it
            process.kill()
            raise
    if process.returncode:
        said = one_line((err or out).decode(errors="replace").strip() or "it does not say why", 500)
        raise PostgresqlCopyError(f"{command[0]} failed: {said}")
    return out.decode(errors="replace")


def _follow(process: "subprocess.Popen[bytes]", progress: Callable[[int, int], None]) -> bytes:
    """What it printed last, with its figures handed on as they come."""
    last, line = b"", b""
    while process.stdout and (byte := process.stdout.read(1)):
        if byte not in b"\r\n":
            line += byte
            continue
        if found := _PERCENT.search(line):
            progress(int(found[1]) * 1024, int(found[2]) * 1024)
        elif line.strip():
            last = line
        line = b""
    return last + line
