"""`muttctl dr`: backups of what must be kept, and the drills of docs/disaster-recovery.md."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

from mutt_project.muttctl.backups import (
    SECRETS_TO_KEEP,
    Backup,
    BackupError,
    backups_in,
    check_room,
    differences,
    new_backup,
    read_backup,
    seal,
)
from mutt_project.muttctl.client import PAGE_SIZE, Client, connect
from mutt_project.muttctl.errors import MuttctlError
from mutt_project.muttctl.output import (
    cell,
    examples,
    new_table,
    output_option,
    print_csv,
    print_json,
    print_record,
    print_table,
)
from mutt_project.muttctl.parameters import confirm, yes_option
from mutt_project.muttctl.postgresql_copy import BASE, DUMP, copy_postgresql, database_bytes, verify_postgresql
from mutt_project.muttctl.redis_copy import check_rdb, copy_redis
from mutt_project.muttctl.rule_files import write_rules
from mutt_project.muttctl.store_settings import read_store

_LISTS = {"dev-hosts.json": "/api/v1/dev-hosts", "teams.json": "/api/v1/teams"}
FIGURES = ("name", "accepted", "lost", "may_be_lost", "told_again", "rpo_s", "accepting_s", "rto_s", "passed")
folder_argument = click.argument("folder", type=click.Path(file_okay=False, path_type=Path))


@click.group("dr", epilog=examples("muttctl dr list", "muttctl dr backup --to /srv/backup/mutt"))
def dr() -> None:
    """Make backups, check them, and drill what docs/disaster-recovery.md says."""


@dr.command("list", epilog=examples("muttctl dr list", "muttctl dr list -o json"))
@output_option
def list_drills(form: str) -> None:
    """Show which drills there are."""
    sys.exit(_drills("--list", form, ("name", "title", "about")))


@dr.command(
    "drill",
    epilog=examples("muttctl dr drill redis_data_loss", "muttctl dr drill all -o json"),
)
@click.argument("name")
@output_option
def drill(name: str, form: str) -> None:
    """Break a MUTT of its own and mend it by docs/disaster-recovery.md.

    NAME is one of `muttctl dr list`, or all. It starts servers of its own on this machine, and touches no
    other MUTT. The exit status is 0 where nothing is lost beyond what the page says.
    """
    sys.exit(_drills(name, form, FIGURES))


def _drills(asked: str, form: str, columns: tuple[str, ...]) -> int:
    """Where MUTT's checkout or image is: drills are a program of their own, with servers that muttctl does not need."""
    if find_spec("ops") is None or find_spec("ops.drills") is None:
        raise MuttctlError(
            "The drills are not here: they are in MUTT's repository, and run from there.\n"
            "In a clone of it: make drills, or .venv/bin/python -m mutt_project.muttctl dr drill NAME."
        )
    command = [sys.executable, "-m", "ops.drills", asked, "-o", "json" if form == "csv" else form]
    pipe = subprocess.PIPE if form == "csv" else None
    done = subprocess.run(command, check=False, stdout=pipe, text=True)  # noqa: S603 # nosec B603 # click has read them
    if form == "csv":
        told = json.loads(done.stdout or "[]")
        print_csv(told["drills"] if isinstance(told, dict) else told, columns)
    return done.returncode


@dr.command(
    "backup",
    epilog=examples(
        "muttctl dr backup --to /srv/backup/mutt",
        "muttctl dr backup --to /srv/backup/mutt --postgresql dump",
        "muttctl dr backup --to /srv/backup/mutt --archives /var/lib/mutt/archive -o json",
    ),
)
@click.option(
    "--to", "folder", type=click.Path(file_okay=False, path_type=Path), required=True, help="The folder with backups."
)
@click.option(
    "--postgresql",
    "kind",
    type=click.Choice([BASE, DUMP]),
    default=BASE,
    show_default=True,
    help="base: with WAL, to go back to any moment; dump: where replication is not allowed.",
)
@click.option(
    "--archives",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Copy the archives of old months (MUTT_ARCHIVE_DIR), too.",
)
@output_option
def backup(folder: Path, kind: str, archives: Path | None, form: str) -> None:
    """Make a verified backup of what must be kept.

    It holds Redis, then PostgreSQL, and rules, hosts and teams as files to read. Where they are say
    DATABASE_URL and REDIS_URL (DATABASE_PASSWORD, REDIS_PASSWORD, or NAME_FILE of each), as for the server.
    MUTT goes on meanwhile. A backup that failed is taken away again. No backup holds the server's own
    secrets: keep them elsewhere.
    """
    redis, postgresql, api = read_store(os.environ, "REDIS"), read_store(os.environ, "DATABASE"), connect()
    began = datetime.now(UTC)
    needed = database_bytes(postgresql, os.environ) + (_size(archives) if archives else 0)
    check_room(folder, needed)
    with _progress() as progress, new_backup(folder, began) as partial:
        # Redis first: what is closed after its copy is in PostgreSQL's, which is taken later.
        (partial / "redis").mkdir()
        about_redis = copy_redis(redis, os.environ, partial / "redis" / "dump.rdb", _bar(progress, "Redis"))
        about = copy_postgresql(postgresql, os.environ, partial / "postgresql", kind, _bar(progress, "PostgreSQL"))
        ledger = _export(api, partial / "readable")
        if archives:
            shutil.copytree(archives, partial / "archives")
        known = {
            "started_at": began.isoformat(timespec="milliseconds"),
            "ended_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "redis": about_redis,
            "postgresql": about,
            "ledger": ledger,
        }
        hashing = progress.add_task("checksums", total=_size(partial))
        seal(partial, known, lambda more: progress.advance(hashing, more))
    _tell(backups_in(folder)[-1], form)


@dr.command("verify", epilog=examples("muttctl dr verify /srv/backup/mutt/latest"))
@folder_argument
@output_option
def verify(folder: Path, form: str) -> None:
    """Look whether a backup is still what it was when it was made.

    Each file's size and SHA-256 are compared, and PostgreSQL's own program looks at its part.
    """
    found = read_backup(folder)
    with _progress() as progress:
        task = progress.add_task("checksums", total=found.bytes)
        wrong = differences(found, lambda more: progress.advance(task, more))
    if not wrong:
        check_rdb(folder / "redis" / "dump.rdb")
        verify_postgresql(folder / "postgresql", os.environ)
    if form != "table":
        record = {"backup": str(folder), "whole": not wrong, "wrong": wrong}
        print_record(record, form, tuple(record))
    if wrong:
        raise BackupError("\n".join([f"{folder} is not whole: do not restore from it.", *wrong[:20]]))
    if form == "table":
        click.echo(f"{folder} is whole: {len(found.manifest['files']):,} files, made {found.manifest['ended_at']}.")


@dr.command("prune", epilog=examples("muttctl dr prune /srv/backup/mutt --keep 14 --yes"))
@folder_argument
@click.option("--keep", type=click.IntRange(min=1), required=True, help="How many of the newest backups stay.")
@yes_option
def prune(folder: Path, keep: int, *, yes: bool) -> None:
    """Delete old backups."""
    old = backups_in(folder)[:-keep]
    if not old:
        click.echo("There is nothing to delete.")
        return
    for one in old:
        click.echo(f"  {one.path}", err=True)
    confirm(f"Delete {len(old)} backup{'' if len(old) == 1 else 's'}?", yes=yes)
    for one in old:
        try:
            (one.path / "manifest.json").unlink()  # from now on it is none
            shutil.rmtree(one.path)
        except OSError as error:
            raise BackupError(f"{one.path} cannot be deleted: {error.strerror}.") from None
    click.echo(f"{len(old)} backups are deleted, {keep} stay.")


def _export(api: Client, folder: Path) -> Any:
    """Rules, hosts and teams as people read them; the ledger is returned."""
    folder.mkdir()
    (folder / "rules.yaml").write_text(write_rules(list(api.pages("/api/v1/rules", {"limit": PAGE_SIZE}))), "utf-8")
    for name, path in _LISTS.items():
        with (folder / name).open("w", encoding="utf-8") as file:
            file.write(_as_json(list(api.pages(path, {"limit": PAGE_SIZE}))))
    return api.get("/api/v1/ledger")


def _as_json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _tell(made: Backup, form: str) -> None:
    told = {"backup": str(made.path), **{name: made.manifest[name] for name in made.manifest if name != "files"}}
    if form == "json":
        print_json(told)
        return
    if form == "csv":
        print_csv([told], tuple(told))
        return
    table = new_table()
    table.add_column("Part")
    table.add_column("MB", justify="right")
    for part in ("redis", "postgresql", "readable", "archives"):
        sizes = [one["bytes"] for name, one in made.manifest["files"].items() if name.startswith(f"{part}/")]
        if sizes:
            table.add_row(cell(part), cell(f"{sum(sizes) / 2**20:,.1f}"))
    print_table(table)
    click.echo(f"{made.path} is made and verified. Not in it, to be kept elsewhere:")
    for one in SECRETS_TO_KEEP:
        click.echo(f"  {one}")


@contextmanager
def _progress() -> Iterator[Progress]:
    columns = (TextColumn("{task.description:<10}"), BarColumn(), DownloadColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        yield progress


def _bar(progress: Progress, name: str) -> Any:
    task: TaskID = progress.add_task(name, total=None)
    return lambda done, total: progress.update(task, completed=done, total=max(done, total))


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
