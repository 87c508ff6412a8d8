"""An archive: what MUTT knows of one month, as compressed CSV files with checksums and a manifest that names them.

CSV as PostgreSQL writes it is exact by construction: the server reads back what it wrote, and tells an empty text from
none. Whoever has no MUTT any more loads it with psql.
"""

import gzip
import io
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.db import connection
from psycopg2 import sql

from audit.archive_files import ArchiveError, Part, check_part, digest_of, replacing
from audit.partitions import TABLE, Month

PART_ROWS = 20_000  # about a second of a worker's time
_BUFFER = 1 << 17
_LONGEST = "10min"
LOCK_WAIT = "2s"  # on the records table: inserts wait behind whoever waits for it


@dataclass(frozen=True, slots=True)
class Source:
    """A table that has rows of a month: its column `key` tells which; rows are written in this order."""

    name: str
    table: str
    key: str
    order: str
    only: str = "true"

    def of(self, month: Month) -> sql.Identifier:
        """Where the rows are read and written: those of records in the partition itself, never through its parent.

        So no trigger of the parent counts them: what is dropped and restored has happened all the same.
        """
        return sql.Identifier(month.partition if self.table == TABLE else self.table)

    def condition(self, month: Month) -> sql.Composed:
        """What is true of the rows of a month."""
        return sql.SQL("{key} >= {first} AND {key} < {end} AND {only}").format(
            key=sql.Identifier(self.key),
            first=_uuid(month.first_id),
            end=_uuid(month.end_id),
            only=sql.SQL(self.only),
        )


SOURCES = (
    Source("records", TABLE, "event_id", "event_id"),
    Source("attempts", "audit_attempt", "batch_id", "batch_id, id"),
    Source("dead_letters", "audit_deadletter", "event_id", "event_id", only="state <> 'waiting'"),
)
BY_NAME = {source.name: source for source in SOURCES}


def take_time() -> None:
    """Let the statements of this transaction take longer than others may, and write values in one way only."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('statement_timeout', %s, true), set_config('datestyle', 'ISO', true),"
            " set_config('extra_float_digits', '1', true), set_config('timezone', 'UTC', true)",
            [_LONGEST],
        )


def write_part(source: Source, month: Month, folder: Path, number: int, after: str | None) -> Part | None:
    """Write the rows that follow the key `after`; None where there are no more.

    A part that was half written, or not yet noted, is written again under the same name.
    """
    bounds = _bounds(source, month, after)
    if bounds is None:
        return None
    first, last = bounds
    chosen = sql.SQL("SELECT {columns} FROM {table} WHERE {mine} AND {key} BETWEEN {first} AND {last} ORDER BY {order}")
    query = chosen.format(
        columns=sql.SQL(", ").join(map(sql.Identifier, columns_of(source.table))),
        table=source.of(month),
        mine=source.condition(month),
        key=sql.Identifier(source.key),
        first=_uuid(first),
        last=_uuid(last),
        order=sql.SQL(source.order),
    )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{source.name.replace('_', '-')}-{number:04d}.csv.gz"
    with replacing(path) as raw:
        rows = _copy_out(query, raw)
    return Part(source.name, path.name, rows, path.stat().st_size, digest_of(path), str(first), str(last))


def _bounds(source: Source, month: Month, after: str | None) -> tuple[UUID, UUID] | None:
    """The first and last key of the next part; rows of the same key stay together."""
    key = sql.Identifier(source.key)
    further = sql.SQL("{} AND {} > {}").format(
        source.condition(month), key, _uuid(UUID(after) if after else UUID(int=0))
    )
    query = sql.SQL("SELECT {key} FROM {table} WHERE {further} ORDER BY {key} {place} LIMIT 1")
    found: list[UUID | None] = []
    with connection.cursor() as cursor:
        for place in (sql.SQL(""), sql.SQL("OFFSET {}").format(sql.Literal(PART_ROWS - 1)), sql.SQL("DESC")):
            cursor.execute(query.format(key=key, table=source.of(month), further=further, place=place))
            row = cursor.fetchone()
            found.append(row[0] if row else None)
    first, full, last = found
    end = full or last
    return (first, end) if first and end else None


def _copy_out(query: sql.Composed, raw: io.BufferedWriter) -> int:
    copy = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, HEADER)").format(query)
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6) as packed,
        io.BufferedWriter(packed, _BUFFER) as out,
        connection.cursor() as cursor,
        connection.wrap_database_errors,
    ):
        cursor.copy_expert(copy.as_string(cursor.cursor), out)
        return int(cursor.rowcount)


def load_part(part: Part, month: Month, folder: Path) -> None:
    """Load a file into its table; columns that an older MUTT did not have get their defaults."""
    check_part(part, folder)
    with gzip.open(folder / part.file, "rt", encoding="utf-8") as lines:
        columns = lines.readline().strip().split(",")
    unknown = set(columns) - set(columns_of(BY_NAME[part.source].table))
    if unknown:
        raise ArchiveError(
            f"{part.file} has columns that {BY_NAME[part.source].table} has not: {', '.join(sorted(unknown))}."
        )
    copy = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, HEADER)").format(
        BY_NAME[part.source].of(month), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with gzip.open(folder / part.file) as lines, connection.cursor() as cursor, connection.wrap_database_errors:
        cursor.copy_expert(copy.as_string(cursor.cursor), lines, _BUFFER)
        loaded = int(cursor.rowcount)
    if loaded != part.rows:
        raise ArchiveError(f"{part.file}: {loaded:,} rows were loaded, not {part.rows:,}.")


def columns_of(table: str) -> list[str]:
    """The names of a table's columns."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
            " ORDER BY attnum",
            [table],
        )
        return [name for (name,) in cursor.fetchall()]


def _uuid(identifier: UUID) -> sql.Composed:
    return sql.SQL("{}::uuid").format(sql.Literal(str(identifier)))
