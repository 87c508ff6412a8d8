"""Makes the records that are missing in DATABASE_URL, and takes away those that came beside them."""

from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import click
import django
from django.db import connection
from rich.progress import Progress

django.setup()

from audit.partitions import Month, create_partitions  # noqa: E402 - the models need Django made ready

MONTHS = 3
AT_ONCE = 100_000
BATCH = 100
MAKE = files("ops.bench").joinpath("records.sql").read_text(encoding="utf-8")
MADE = "CREATE TABLE IF NOT EXISTS bench_made (records bigint, first_ms bigint, step_ms bigint)"
TALLY = """
TRUNCATE audit_tally;
INSERT INTO audit_tally (minute, outcome, latency, journal_seq, entered, gone)
SELECT date_trunc('hour', received_at), outcome, 1, max(journal_seq), count(*), 0 FROM audit_record GROUP BY 1, 2
"""


FORGET = """
DELETE FROM audit_attempt;
DELETE FROM audit_loss;
DELETE FROM audit_record
 WHERE received_at > (SELECT to_timestamp((first_ms + records * step_ms) / 1000.0) FROM bench_made)
"""


@click.command()
@click.argument("records", type=int)
@click.option("--forget", is_flag=True, help="Take away what came beside them.")
def main(records: int, *, forget: bool) -> None:
    """Make so many records in all."""
    if forget:
        _execute(FORGET)
        _execute(TALLY)
        return
    build(records, datetime.now(UTC))


def build(count: int, now: datetime) -> None:
    """Make the records that are missing, in the partitions of the last months."""
    made, first_ms, step_ms = _begun(count, now)
    if made >= count:
        return
    with Progress() as progress:
        task = progress.add_task(f"{count:,} records", total=count, completed=made)
        while made < count:
            month = Month.of(datetime.fromtimestamp((first_ms + made * step_ms) / 1000, UTC))
            # The batch that the month ends in goes through the parent; the others straight to where they belong.
            whole = int((month.next.start.timestamp() * 1000 - first_ms) // step_ms) // BATCH * BATCH
            end = min(made + AT_ONCE, count, whole) if whole > made else min(made + BATCH, count)
            sql = MAKE.format(partition=month.partition if whole > made else "audit_record", batch=BATCH)
            _execute(sql, {"first_ms": first_ms, "step_ms": step_ms, "begin": made, "end": end})
            _execute("UPDATE bench_made SET records = %s", [end])
            made = end
            progress.update(task, completed=made)
    _execute(TALLY)
    _execute("VACUUM ANALYZE audit_record")


def _begun(count: int, now: datetime) -> tuple[int, int, int]:
    """How many records there are, when the first of them was received, and how many ms lie between two."""
    _execute(MADE)
    with connection.cursor() as cursor:
        cursor.execute("SELECT records, first_ms, step_ms FROM bench_made")
        found: tuple[int, int, int] | None = cursor.fetchone()
    if found:
        return found
    begin = now - timedelta(days=30 * MONTHS)
    create_partitions(begin, MONTHS)
    first = (0, int(begin.timestamp() * 1000), int((now - begin).total_seconds() * 1000 / count))
    _execute("INSERT INTO bench_made VALUES (%s, %s, %s)", first)
    return first


def _execute(sql: str, arguments: Any = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments)


if __name__ == "__main__":
    main()
