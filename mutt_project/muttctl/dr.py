"""`muttctl dr`: backups of what must be kept, and the drills of docs/disaster-recovery.md."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from mutt_project import __version__
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
from mutt_project.muttctl.bars import copying
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
from mutt_project.muttctl.partials import delete_partials
from mutt_project.muttctl.postgresql_copy import BASE, DUMP, copy_postgresql, database_bytes, verify_postgresql
from mutt_project.muttctl.redis_copy import check_rdb, copy_redis
from mutt_project.muttctl.rule_files import write_rules
from mutt_project.muttctl.store_settings import read_store
from mutt_project.muttctl.wal_archive import copy_wal, not_needed

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
    with copying() as bars, new_backup(folder, began) as new:
        partial = new.path
        # Redis first: what is closed after its copy is in PostgreSQL's, which is taken later.
        (partial / "redis").mkdir()
        about_redis = copy_redis(redis, os.environ, partial / "redis" / "dump.rdb", bars.add("Redis").reach)
        about = copy_postgresql(postgresql, os.environ, partial / "postgresql", kind, bars.add("PostgreSQL").reach)
        ledger = _export(api, partial / "readable")
        if archives:
            shutil.copytree(archives, partial / "archives")
        known = {
            "muttctl": __version__,
            "versions": api.get("/api/v1/status")["versions"],
            "started_at": began.isoformat(timespec="milliseconds"),
            "ended_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "redis": about_redis,
            "postgresql": about,
            "ledger": ledger,
        }
        seal(partial, known, bars.add("checksums", _size(partial)).advance)
    _tell(read_backup(new.final), form)


@dr.command("verify", epilog=examples("muttctl dr verify /srv/backup/mutt/latest"))
@folder_argument
@output_option
def verify(folder: Path, form: str) -> None:
    """Look whether a backup is still what it was when it was made.

    Each file's size and SHA-256 are compared, and PostgreSQL's own program looks at its part; so does Redis'
    (valkey-check-rdb or redis-check-rdb) where it is on the PATH.
    """
    found = read_backup(folder)
    with copying() as bars:
        wrong = differences(found, bars.add("checksums", found.bytes).advance)
    checked = {}
    if not wrong:
        checked["redis"] = check_rdb(folder / "redis" / "dump.rdb", os.environ)
        checked["postgresql"] = verify_postgresql(folder / "postgresql", os.environ)
    if form != "table":
        record = {"backup": str(folder), "whole": not wrong, "wrong": wrong, "checked_by": checked}
        print_record(record, form, tuple(record))
    if wrong:
        raise BackupError("\n".join([f"{folder} is not whole: do not restore from it.", *wrong[:20]]))
    if form == "table":
        click.echo(f"{folder} is whole: {len(found.manifest['files']):,} files, made {found.manifest['ended_at']}.")
        click.echo(f"Looked at: PostgreSQL's part by {checked['postgresql']}, Redis' by {checked['redis']}.")


@dr.command(
    "prune",
    epilog=examples(
        "muttctl dr prune /srv/backup/mutt --keep 14 --yes",
        "muttctl dr prune /srv/backup/mutt --keep 14 --wal /srv/wal-archive --yes",
    ),
)
@folder_argument
@click.option("--keep", type=click.IntRange(min=1), required=True, help="How many of the newest backups stay.")
@click.option(
    "--wal",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="PostgreSQL's archive: delete the WAL that is older than all that stay.",
)
@yes_option
def prune(folder: Path, keep: int, wal: Path | None, *, yes: bool) -> None:
    """Delete old backups, and what backups left behind that were killed."""
    if partials := delete_partials(folder):
        click.echo(f"{_number(partials, 'backup')} that was never whole: deleted.", err=True)
    found = backups_in(folder)
    old, kept = found[:-keep], found[-keep:]
    segments = not_needed(wal, kept) if wal else []
    if not old and not segments:
        click.echo("There is nothing to delete.")
        return
    for one in old:
        click.echo(f"  {one.path}", err=True)
    if segments:
        click.echo(f"  {segments[0]} … {segments[-1].name}", err=True)
    counted = _number(len(old), "backup") + (f" and {_number(len(segments), 'file')} of WAL" if wal else "")
    confirm(f"Delete {counted}?", yes=yes)
    for one in old:
        _delete(one.path / "manifest.json")  # from now on it is none
        _delete(one.path)
    for path in segments:
        _delete(path)
    click.echo(f"Deleted: {counted}. {_number(len(kept), 'backup')} left.")


def _number(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _delete(path: Path) -> None:
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError as error:
        raise BackupError(f"{path} cannot be deleted: {error.strerror}.") from None


@dr.command(
    "wal",
    epilog=examples("muttctl dr wal /srv/backup/mutt/latest --from /srv/wal-archive --to wal-to-replay"),
)
@folder_argument
@click.option(
    "--from",
    "sources",
    type=click.Path(path_type=Path),
    multiple=True,
    required=True,
    help="A folder with WAL. It may be repeated: the first goes before the others.",
)
@click.option("--to", type=click.Path(path_type=Path), required=True, help="The folder to make.")
@output_option
def wal(folder: Path, sources: tuple[Path, ...], to: Path, form: str) -> None:
    """Copy the WAL that is to be replayed over a backup: all from where it begins."""
    copied = copy_wal(read_backup(folder), sources, to)
    print_record(
        asdict(copied),
        form,
        tuple(asdict(copied)),
        lambda: click.echo(
            f"{to} has {_number(copied.segments, 'segment')}, from {copied.first} to {copied.last},"
            f" {copied.bytes / 2**20:,.1f} MB in all."
        ),
    )


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
    click.echo(f"{made.path} is made and verified (Redis' part by {made.manifest['redis']['checked_by']}).")
    click.echo("Not in it, to be kept elsewhere:")
    for one in SECRETS_TO_KEEP:
        click.echo(f"  {one}")


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
