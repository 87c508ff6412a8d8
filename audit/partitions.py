"""The monthly partitions of the records table, created ahead of need."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.db import connection, transaction
from psycopg2 import sql

from audit.ids import first_id_at

TABLE = "audit_record"
DEFAULT_PARTITION = f"{TABLE}_default"
MONTHS_AHEAD = 3
_WRITTEN_MONTH = re.compile(r"([0-9]{4})[-_](0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month in UTC."""

    year: int
    number: int

    @classmethod
    def of(cls, moment: datetime) -> "Month":
        utc = moment.astimezone(UTC)
        return cls(utc.year, utc.month)

    @classmethod
    def parse(cls, text: str) -> "Month":
        """The month that is written as 2026-11. Raises ValueError."""
        found = _WRITTEN_MONTH.fullmatch(text)
        if not found:
            raise ValueError(f"“{text}” is no month such as 2026-11")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"

    @property
    def next(self) -> "Month":
        return Month(self.year + self.number // 12, self.number % 12 + 1)

    @property
    def start(self) -> datetime:
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    @property
    def partition(self) -> str:
        return f"{TABLE}_{self.year:04d}_{self.number:02d}"

    @property
    def first_id(self) -> UUID:
        """The lowest id of its batches and events."""
        return first_id_at(self.start)

    @property
    def end_id(self) -> UUID:
        """The lowest id of the next month."""
        return first_id_at(self.next.start)


def create_partitions(now: datetime, months_ahead: int = MONTHS_AHEAD) -> list[str]:
    """Create the partitions of this month and the next ones where they are missing; returns the new names."""
    created = []
    month = Month.of(now)
    for _ in range(months_ahead + 1):
        if not exists(month) and _create(month):
            created.append(month.partition)
        month = month.next
    return created


def partitions() -> list[str]:
    """The names of all partitions, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = %s::regclass ORDER BY 1",
            [TABLE],
        )
        return [name for (name,) in cursor.fetchall()]


def months() -> list[Month]:
    """The months that have a partition, the oldest first."""
    names = (name.removeprefix(f"{TABLE}_") for name in partitions())
    return [Month.parse(name) for name in names if _WRITTEN_MONTH.fullmatch(name)]


def exists(month: Month) -> bool:
    """Whether there is a table for this month, attached or not."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [month.partition])
        return bool(cursor.fetchone()[0])


def _create(month: Month) -> bool:
    """Make the table, move what the default partition caught meanwhile into it, attach it.

    False where another process has been quicker. Writers wait meanwhile, before their rows are given a partition:
    one that came into the default partition in between would fail, or make the attachment fail.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.SQL("LOCK TABLE ONLY {} IN SHARE ROW EXCLUSIVE MODE").format(sql.Identifier(TABLE)))
        if exists(month):
            return False
        create_table(month)
        attach(month)
    return True


def create_table(month: Month) -> None:
    """Make the table of a month; it is no partition yet."""
    names = {"new": sql.Identifier(month.partition), "parent": sql.Identifier(TABLE)}
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("CREATE TABLE {new} (LIKE {parent} INCLUDING ALL)").format(**names))


def attach(month: Month) -> None:
    """Make the table of a month a partition, with what the default partition caught meanwhile."""
    bounds = [str(month.first_id), str(month.end_id)]
    names = {
        "new": sql.Identifier(month.partition),
        "parent": sql.Identifier(TABLE),
        "default": sql.Identifier(DEFAULT_PARTITION),
    }
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "WITH moved AS (DELETE FROM {default} WHERE event_id >= %s AND event_id < %s RETURNING *)"
                " INSERT INTO {new} SELECT * FROM moved"
            ).format(**names),
            bounds,
        )
        cursor.execute(
            sql.SQL("ALTER TABLE {parent} ATTACH PARTITION {new} FOR VALUES FROM (%s) TO (%s)").format(**names),
            bounds,
        )
