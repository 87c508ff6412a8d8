"""A month goes out of the database, step by step: written, read back, dropped. Each step is one transaction.

Whoever is killed has lost one step, which the next one does again: a file gets its name when it is complete, and what
was done is noted in the transaction that did it. One process at a time does a step, whichever month it is of.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import Error, connection, transaction
from django.db.models import QuerySet
from psycopg2 import sql
from redis.exceptions import RedisError

from audit.archive import LOCK_WAIT, SOURCES, Source, columns_of, take_time, write_part
from audit.archive_files import MANIFEST, ArchiveError, Part, check_part, read_manifest, write_manifest
from audit.models import Archive
from audit.partitions import TABLE, Month, exists
from audit.restoring import restore_step
from audit.retention import WORKING, count, is_as_counted, note, what_is_owed

logger = logging.getLogger(__name__)

_LOCK = 0x6D757474_61726368  # "muttarch": one number in the whole database
DELETED_AT_ONCE = 10_000
_WRITTEN, _CHECKED = 0.6, 0.9  # the shares of the whole that are done then


def work(now: datetime, month: Month | None = None) -> bool:
    """Do the next step of this month, or of the oldest that is on its way; returns whether there is more to do.

    A problem that will not go away by itself is noted, and its month has to be asked for again. Raises RedisError, and
    OperationalError where a lock is not to be had: that step is done later.
    """
    problem, failed = "", 0
    try:
        with transaction.atomic():
            archive = _next(month)
            if archive is None:
                return False
            failed = archive.id
            take_time()
            _STEPS[archive.state](archive, now)
            archive.updated_at = now
            archive.save()
    except (ArchiveError, OSError) as error:
        problem = str(error)
    except (Error, RedisError):
        raise  # a store is away: that step is done later
    except Exception as error:  # whatever it is, it must not keep all other months waiting for ever
        problem = f"{type(error).__name__}: {error}"
        logger.exception("a step of a month failed in an unknown way")
    if problem:
        logger.error("a month does not go on: %s", problem)
        Archive.objects.filter(pk=failed, state__in=WORKING).update(problem=problem, updated_at=now)
    return on_their_way().exists()


def on_their_way() -> QuerySet[Archive]:
    """The months that go on by themselves."""
    return Archive.objects.filter(state__in=WORKING, problem="")


def _next(month: Month | None) -> Archive | None:
    """The month to work on; None where there is none, or somebody else is at it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return None
    wanted = on_their_way().filter(month=str(month)) if month else on_their_way()
    return wanted.select_for_update().order_by("month").first()


def _write(archive: Archive, now: datetime) -> None:
    """The first step counts, each other one writes a file, the last one the manifest."""
    month = Month.parse(archive.month)
    if not archive.path:
        archive.path = str(_free_folder(archive.month))
        rows, archive.outcomes = count(month)
        for name, number in rows.items():
            setattr(archive, name, number)
        archive.place = {"source": 0, "number": 1, "after": None}
        return
    source, folder = SOURCES[archive.place["source"]], Path(archive.path)
    part = write_part(source, month, folder, archive.place["number"], archive.place["after"])
    if part:
        archive.parts = [*archive.parts, part.as_json()]
        archive.place = {**archive.place, "number": archive.place["number"] + 1, "after": part.last}
        archive.progress = _WRITTEN * _written_share(archive)
    elif archive.place["source"] + 1 < len(SOURCES):
        archive.place = {"source": archive.place["source"] + 1, "number": 1, "after": None}
    else:
        _write_manifest(archive, folder, now)
        archive.state, archive.place, archive.progress = Archive.State.CHECKING, {}, _WRITTEN


def _free_folder(month: str) -> Path:
    """A folder without a manifest: what is archived is never written over."""
    if not settings.MUTT_ARCHIVE_DIR:
        raise ArchiveError("MUTT_ARCHIVE_DIR is not set.")
    folder, number = Path(settings.MUTT_ARCHIVE_DIR) / month, 1
    while (folder / MANIFEST).exists():
        number += 1
        folder = folder.with_name(f"{month}.{number}")
    return folder


def _written_share(archive: Archive) -> float:
    whole = archive.records + archive.attempts + archive.dead_letters
    return min(sum(part["rows"] for part in archive.parts) / whole, 1.0) if whole else 1.0


def _write_manifest(archive: Archive, folder: Path, now: datetime) -> None:
    month = Month.parse(archive.month)
    parts = parts_of(archive)
    contents = {
        "month": archive.month,
        "from": month.start.isoformat(),
        "until": month.next.start.isoformat(),
        "rows": {source.name: getattr(archive, source.name) for source in SOURCES},
        "outcomes": archive.outcomes,
        "columns": {source.name: columns_of(source.table) for source in SOURCES},
        "written_at": now.isoformat(),
        "requested_by": archive.requested_by,
        "reason": archive.reason,
    }
    archive.sha256 = write_manifest(folder, contents, parts)
    archive.bytes = sum(part.bytes for part in parts)


def _check(archive: Archive, now: datetime) -> None:  # noqa: ARG001 - all steps are called in the same way
    """Each step reads one file back; the last one compares the sums with the tables."""
    parts, folder = parts_of(archive), Path(archive.path)
    number = archive.place.get("part", 0)
    if number < len(parts):
        check_part(parts[number], folder)
        archive.place = {"part": number + 1}
        archive.progress = _WRITTEN + (_CHECKED - _WRITTEN) * (number + 1) / len(parts)
        return
    read_manifest(folder, archive.sha256)
    for source in SOURCES:
        written = sum(part.rows for part in parts if part.source == source.name)
        if written != getattr(archive, source.name):
            raise ArchiveError(
                f"{written:,} {source.name} were written, but {getattr(archive, source.name):,} counted."
            )
    archive.state, archive.place, archive.progress = Archive.State.DROPPING, {}, _CHECKED


def _drop(archive: Archive, now: datetime) -> None:
    """The partition goes first, then piece by piece what belongs to its records."""
    month = Month.parse(archive.month)
    if exists(month):
        _drop_partition(archive, month, now)
        archive.progress = (_CHECKED + 1) / 2
    elif not any(_delete_some(source, month) for source in SOURCES[1:]):
        archive.state, archive.progress, archive.ended_at = Archive.State.DROPPED, 1.0, now
        note(archive, now, "dropped", archive.requested_by, archive.reason)


def _drop_partition(archive: Archive, month: Month, now: datetime) -> None:
    """Look once more at everything while nobody can write to the partition, then let it go.

    It is detached by itself, and not emptied: no trigger of the parent table sees that, so whoever keeps tallies of
    records keeps them. The parent is locked for that one moment, and waited for only briefly: behind us, inserts wait.
    """
    if month >= Month.of(now):
        raise ArchiveError(f"{month} is in use.")
    names = {"parent": sql.Identifier(TABLE), "partition": sql.Identifier(month.partition)}
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_WAIT])
        cursor.execute(sql.SQL("LOCK TABLE {partition} IN SHARE MODE").format(**names))
        if owed := what_is_owed(month):
            raise ArchiveError(owed)
        if archive.sha256 and not is_as_counted(archive, month):
            raise ArchiveError(f"{month} has changed since it was written. It is written again when asked for.")
        if not archive.sha256:
            rows, archive.outcomes = count(month)
            archive.records, archive.attempts, archive.dead_letters = (rows[source.name] for source in SOURCES)
        cursor.execute(sql.SQL("ALTER TABLE {parent} DETACH PARTITION {partition}").format(**names))
        cursor.execute(sql.SQL("DROP TABLE {partition}").format(**names))


def _delete_some(source: Source, month: Month) -> bool:
    """Delete some rows of the month; returns whether there were any."""
    query = sql.SQL("DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE {mine} LIMIT {most})")
    with connection.cursor() as cursor:
        cursor.execute(
            query.format(table=source.of(month), mine=source.condition(month), most=sql.Literal(DELETED_AT_ONCE))
        )
        return bool(cursor.rowcount)


def parts_of(archive: Archive) -> list[Part]:
    """The files of an archive."""
    return [Part(**part) for part in archive.parts]


_STEPS: dict[str, Callable[[Archive, datetime], None]] = {
    Archive.State.WRITING: _write,
    Archive.State.CHECKING: _check,
    Archive.State.DROPPING: _drop,
    Archive.State.RESTORING: restore_step,
}
