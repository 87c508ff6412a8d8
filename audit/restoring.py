"""A month comes back into the database from its archive, step by step; each step is one transaction."""

from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import DataError, IntegrityError, connection, transaction
from psycopg2 import sql

from audit.archive import BY_NAME, LOCK_WAIT, SOURCES, load_part
from audit.archive_files import MANIFEST, ArchiveError, Part, read_manifest
from audit.changes import asked_by
from audit.models import Archive
from audit.partitions import TABLE, Month, attach, create_table, exists
from audit.retention import count, note
from audit.tuning.present import tuned

_BOUNDS = "of_its_month"


class RefusedError(Exception):
    """The month cannot be restored as things are; the message says why."""


class NoArchiveError(Exception):
    """There is no archive of the month."""


def begin_restore(month: Month, now: datetime, by: str, reason: str, folder: Path | None = None) -> Archive:
    """Have a month restored, from this folder or where it was archived.

    Raises RefusedError where it is there or on its way, NoArchiveError.
    """
    with transaction.atomic(), asked_by(by, reason):
        archive = Archive.objects.select_for_update().filter(month=str(month)).first()
        if archive is None:
            archive = Archive(month=str(month), state=Archive.State.DROPPED, path=str(_folder_of(month, folder)))
        goes_on = archive.state == Archive.State.RESTORING and archive.problem
        if archive.state != Archive.State.DROPPED and not goes_on:
            raise RefusedError(_why_not(archive))
        if exists(month) and not goes_on:
            raise RefusedError(f"{month} is in the database.")
        if folder and str(folder) != archive.path:
            archive.path, archive.sha256 = str(folder), ""
        if not archive.path:
            raise NoArchiveError(f"{month} was dropped without an archive.")
        if not goes_on:
            archive.place, archive.progress = {}, 0.0
        archive.state, archive.problem = Archive.State.RESTORING, ""
        archive.requested_by, archive.reason = by, reason
        archive.started_at = archive.updated_at = now
        archive.ended_at = None
        note(archive, now, "restore", by, reason)
        archive.save()
    return archive


def _why_not(archive: Archive) -> str:
    if archive.state == Archive.State.RESTORED:
        return f"{archive.month} is in the database: it was restored at {archive.ended_at:%Y-%m-%d %H:%M}."
    return f"{archive.month} is on its way ({archive.state}): wait until that has ended."


def _folder_of(month: Month, folder: Path | None) -> Path:
    """Where a month lies that this database has never dropped; of several the one that was written last."""
    if folder:
        return folder
    if settings.MUTT_ARCHIVE_DIR:
        found = Path(settings.MUTT_ARCHIVE_DIR).glob(f"{month}*/{MANIFEST}")
        if latest := max(found, key=lambda manifest: manifest.stat().st_mtime, default=None):
            return latest.parent
    raise NoArchiveError(f"There is no archive of {month}.")


def restore_step(archive: Archive, now: datetime) -> None:
    """The first step makes the table, each other one loads a file, the last one attaches the table.

    Rows go into the table itself, before it is a partition: no trigger of the parent counts them a second time.
    """
    month = Month.parse(archive.month)
    number = archive.place.get("part", -1)
    if number < 0:
        _prepare(archive, month)
    elif number < len(archive.parts):
        _load(Part(**archive.parts[number]), month, Path(archive.path))
        archive.progress = 0.95 * (number + 1) / len(archive.parts)
    else:
        _attach(archive, month)
        archive.state, archive.progress, archive.ended_at = Archive.State.RESTORED, 1.0, now
        archive.keep_until = now + timedelta(days=tuned.MUTT_RESTORED_DAYS)
        note(archive, now, "restored", archive.requested_by, archive.reason)
    archive.place = {"part": number + 1}


def _prepare(archive: Archive, month: Month) -> None:
    """Read the manifest, and make a table that takes rows of this month only."""
    manifest = read_manifest(Path(archive.path), archive.sha256)
    if manifest["month"] != archive.month:
        raise ArchiveError(f"{archive.path} is of {manifest['month']}, not of {archive.month}.")
    archive.sha256, archive.outcomes = manifest["sha256"], manifest["outcomes"]
    archive.parts = [part.as_json() for part in manifest["parts"]]
    archive.bytes = sum(part.bytes for part in manifest["parts"])
    for source in SOURCES:
        setattr(archive, source.name, manifest["rows"][source.name])
    if exists(month):
        raise ArchiveError(f"{month} is in the database.")
    create_table(month)
    add = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} CHECK ({})")  # so that nothing need be looked through to attach it
    with connection.cursor() as cursor:
        names = sql.Identifier(month.partition), sql.Identifier(_BOUNDS)
        cursor.execute(add.format(*names, SOURCES[0].condition(month)))


def _load(part: Part, month: Month, folder: Path) -> None:
    try:
        load_part(part, month, folder)
    except (IntegrityError, DataError) as error:
        raise ArchiveError(f"{part.file} cannot be loaded: {_first_line(error)}") from error
    table = BY_NAME[part.source].table
    if table == TABLE:
        return
    # In another database than it came from, what is new must not get the numbers of what came back.
    query = sql.SQL(
        "SELECT setval(seq, greatest((SELECT max(id) FROM {table}), nextval(seq)))"
        " FROM (SELECT pg_get_serial_sequence({name}, 'id')::regclass AS seq) AS numbers"
    )
    with connection.cursor() as cursor:
        cursor.execute(query.format(table=sql.Identifier(table), name=sql.Literal(table)))


def _attach(archive: Archive, month: Month) -> None:
    rows, outcomes = count(month)
    if outcomes != archive.outcomes:
        raise ArchiveError(f"{rows['records']:,} records are there, but the archive says {archive.records:,}.")
    names = {
        "parent": sql.Identifier(TABLE),
        "partition": sql.Identifier(month.partition),
        "bounds": sql.Identifier(_BOUNDS),
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("ANALYZE {partition}").format(**names))
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_WAIT])
        cursor.execute(sql.SQL("LOCK TABLE ONLY {parent} IN SHARE ROW EXCLUSIVE MODE").format(**names))
        try:
            attach(month)
        except IntegrityError as error:
            raise ArchiveError(f"Events of {month} have come in again: {_first_line(error)}") from error
        cursor.execute(sql.SQL("ALTER TABLE {partition} DROP CONSTRAINT {bounds}").format(**names))


def _first_line(error: Exception) -> str:
    """What PostgreSQL complains of, without the row that it complains of."""
    return str(error).partition("\n")[0]
