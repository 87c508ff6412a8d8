"""The monthly partitions of the records table, created ahead of need."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection, transaction
from psycopg2 import sql

from audit.ids import first_id_at

TABLE = "audit_record"
DEFAULT_PARTITION = f"{TABLE}_default"
MONTHS_AHEAD = 3


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month in UTC."""

    year: int
    number: int

    @classmethod
    def of(cls, moment: datetime) -> "Month":
        utc = moment.astimezone(UTC)
        return cls(utc.year, utc.month)

    @property
    def next(self) -> "Month":
        return Month(self.year + self.number // 12, self.number % 12 + 1)

    @property
    def start(self) -> datetime:
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    @property
    def partition(self) -> str:
        return f"{TABLE}_{self.year:04d}_{self.number:02d}"


def create_partitions(now: datetime, months_ahead: int = MONTHS_AHEAD) -> list[str]:
    """Create the partitions of this month and the next ones where they are missing; returns the new names."""
    created = []
    month = Month.of(now)
    for _ in range(months_ahead + 1):
        if not _exists(month.partition) and _create(month):
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


def _exists(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [name])
        return bool(cursor.fetchone()[0])


def _create(month: Month) -> bool:
    """Make the table, move what the default partition caught meanwhile into it, attach it.

    False where another process has been quicker. Writers wait meanwhile, before their rows are given a partition:
    one that came into the default partition in between would fail, or make the attachment fail.
    """
    low, high = str(first_id_at(month.start)), str(first_id_at(month.next.start))
    names = {
        "new": sql.Identifier(month.partition),
        "parent": sql.Identifier(TABLE),
        "default": sql.Identifier(DEFAULT_PARTITION),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.SQL("LOCK TABLE ONLY {parent} IN SHARE ROW EXCLUSIVE MODE").format(**names))
        if _exists(month.partition):
            return False
        cursor.execute(sql.SQL("CREATE TABLE {new} (LIKE {parent} INCLUDING ALL)").format(**names))
        cursor.execute(
            sql.SQL(
                "WITH moved AS (DELETE FROM {default} WHERE event_id >= %s AND event_id < %s RETURNING *)"
                " INSERT INTO {new} SELECT * FROM moved"
            ).format(**names),
            [low, high],
        )
        cursor.execute(
            sql.SQL("ALTER TABLE {parent} ATTACH PARTITION {new} FOR VALUES FROM (%s) TO (%s)").format(**names),
            [low, high],
        )
    return True
