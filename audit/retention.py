"""Which months may leave the database, and of each other one why it stays."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from psycopg2 import sql

from audit.archive import SOURCES, Source
from audit.changes import asked_by
from audit.journal import journal
from audit.models import Archive, DeadLetter, Record
from audit.outcomes import Outcome
from audit.partitions import Month, exists, months
from audit.tuning.present import tuned

logger = logging.getLogger(__name__)

WORKING = (Archive.State.WRITING, Archive.State.CHECKING, Archive.State.DROPPING, Archive.State.RESTORING)
_KEPT_FOR_EVER = "Everything is kept: MUTT_RETENTION_DAYS is 0."
_NO_FOLDER = (
    "MUTT_ARCHIVE_DIR is not set, and nothing is dropped without an archive (unless MUTT_RETENTION_ARCHIVE=false)."
)


@dataclass(frozen=True, slots=True)
class MonthPlan:
    """A month in the database. `why_not` says why it stays; it is empty where the month may go.

    `is_due`: it is old enough to go.
    `records` is what PostgreSQL has last estimated, None where it has not yet; `bytes` is with indexes.
    """

    month: Month
    records: int | None
    bytes: int
    is_due: bool
    why_not: str

    @property
    def may_go(self) -> bool:
        return not self.why_not


def plan(now: datetime, days: int | None = None) -> list[MonthPlan]:
    """All months that have a partition, the oldest first; `days` stands in for the setting. Raises RedisError."""
    days = tuned.MUTT_RETENTION_DAYS if days is None else days
    archives = {archive.month: archive for archive in Archive.objects.all()}
    return [_plan_of(month, now, days, archives.get(str(month))) for month in months()]


def _plan_of(month: Month, now: datetime, days: int, archive: Archive | None) -> MonthPlan:
    too_young = _too_young(month, now, days, archive)
    return MonthPlan(month, *_size_of(month), is_due=not too_young, why_not=too_young or _in_the_way(month))


def _too_young(month: Month, now: datetime, days: int, archive: Archive | None) -> str:
    if month >= Month.of(now):
        return "It is in use." if month == Month.of(now) else "It is still to come."
    if not days:
        return _KEPT_FOR_EVER
    until = month.next.start + timedelta(days=days)
    if now < until:
        return f"It is kept until {until:%Y-%m-%d}: {days} days after its end."
    if archive and archive.keep_until and now < archive.keep_until:
        return f"It was restored, and is kept until {archive.keep_until:%Y-%m-%d}."
    return ""


def _in_the_way(month: Month) -> str:
    if settings.MUTT_RETENTION_ARCHIVE and not settings.MUTT_ARCHIVE_DIR:
        return _NO_FOLDER
    return what_is_owed(month)


def what_is_owed(month: Month) -> str:
    """What of a month has not come to an end, in words; empty where everything has. Raises RedisError."""
    events = {"event_id__gte": month.first_id, "event_id__lt": month.end_id}
    waiting = DeadLetter.objects.filter(**events, state=DeadLetter.State.WAITING).count()
    if waiting:
        letters = _say(waiting, f"dead letter of {month} waits", f"dead letters of {month} wait")
        return f"{letters}: replay or discard them."
    pending = Record.objects.filter(**events, outcome=Outcome.PENDING.value).count()
    if pending:
        return _say(pending, f"event of {month} is still pending.", f"events of {month} are still pending.")
    batches = journal().open_between(month.first_id, month.end_id)
    if batches:
        where = "still open in the journal."
        return _say(batches, f"batch of {month} is {where}", f"batches of {month} are {where}")
    return ""


def _say(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def archived_month(moment: datetime) -> str:
    """The month of that moment if it was dropped into an archive; empty where it was not."""
    dropped = Archive.objects.filter(month=str(Month.of(moment)), state=Archive.State.DROPPED).exclude(path="")
    return dropped.values_list("month", flat=True).first() or ""


def begin(now: datetime, by: str, reason: str, days: int | None = None) -> list[str]:
    """Send on their way all months that may go, and once more those that met a problem; returns their names."""
    planned = plan(now, days)
    for one in planned:
        if one.is_due and not one.may_go:
            logger.warning("%s is old enough to go, but stays: %s", one.month, one.why_not)
    begun = [str(one.month) for one in planned if one.may_go]
    halted = Archive.objects.filter(state=Archive.State.DROPPING).exclude(problem="")
    begun += [
        archive.month for archive in halted if archive.month not in begun and not exists(Month.parse(archive.month))
    ]
    for month in begun:
        _begin_month(month, now, by, reason)
    return begun


def _begin_month(name: str, now: datetime, by: str, reason: str) -> None:
    month = Month.parse(name)
    with transaction.atomic(), asked_by(by, reason):
        asked = {"requested_by": by, "reason": reason, "started_at": now, "updated_at": now}
        Archive.objects.get_or_create(month=name, defaults={**asked, "state": Archive.State.DROPPED})
        archive = Archive.objects.select_for_update().get(month=name)
        if archive.state in WORKING and not archive.problem:
            return  # somebody has asked for it before
        if not exists(month):
            archive.problem = ""  # its partition was dropped, what belongs to it is still to go
        elif archive.state == Archive.State.RESTORED and archive.sha256 and is_as_counted(archive, month):
            _rewind(archive, Archive.State.CHECKING)  # it has its archive, for nothing that MUTT does changes its rows
        else:
            _rewind(archive, Archive.State.WRITING if settings.MUTT_RETENTION_ARCHIVE else Archive.State.DROPPING)
            archive.path, archive.sha256, archive.parts, archive.bytes = "", "", [], 0
        for field, value in asked.items():
            setattr(archive, field, value)
        note(archive, now, "retain", by, reason)
        archive.save()


def _rewind(archive: Archive, state: str) -> None:
    archive.state, archive.problem, archive.progress, archive.place = state, "", 0.0, {}
    archive.ended_at = archive.keep_until = None


def is_as_counted(archive: Archive, month: Month) -> bool:
    """Whether the tables have as many rows of the month, and of each outcome, as the archive."""
    counted = {name: getattr(archive, name) for name in _NAMES}
    return count(month) == (counted, archive.outcomes)


_NAMES = [source.name for source in SOURCES]


def count(month: Month) -> tuple[dict[str, int], dict[str, int]]:
    """The rows of a month by table, and its records by outcome."""
    rows = {source.name: _count(source, month) for source in SOURCES[1:]}
    with connection.cursor() as cursor:
        query = sql.SQL("SELECT outcome, count(*) FROM {} GROUP BY outcome ORDER BY outcome")
        cursor.execute(query.format(sql.Identifier(month.partition)))
        outcomes: dict[str, int] = dict(cursor.fetchall())
    return {"records": sum(outcomes.values()), **rows}, outcomes


def _count(source: Source, month: Month) -> int:
    with connection.cursor() as cursor:
        query = sql.SQL("SELECT count(*) FROM {} WHERE {}")
        cursor.execute(query.format(source.of(month), source.condition(month)))
        return int(cursor.fetchone()[0])


def _size_of(month: Month) -> tuple[int | None, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reltuples::bigint, pg_total_relation_size(oid) FROM pg_class WHERE oid = %s::regclass",
            [month.partition],
        )
        estimate, size = cursor.fetchone()
    return (None if estimate < 0 else estimate), size


def note(archive: Archive, now: datetime, what: str, by: str, reason: str) -> None:
    """Keep who had what done with a month, and why."""
    archive.history = [*archive.history, {"at": now.isoformat(), "what": what, "by": by, "reason": reason}]
