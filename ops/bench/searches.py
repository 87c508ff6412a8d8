"""Makes the records that are missing in DATABASE_URL, searches among them and prints how long that took."""

import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.resources import files
from typing import Any
from uuid import UUID

import django
from django.db import connection
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

django.setup()

from audit.ids import received_at  # noqa: E402 - the models need Django made ready
from audit.ledger import tallied  # noqa: E402
from audit.models import Record  # noqa: E402
from audit.partitions import Month, create_partitions  # noqa: E402
from audit.searching import Wanted, page_of  # noqa: E402

MONTHS = 3
AT_ONCE = 100_000
BATCH = 100
ROUNDS = 7
MAKE = files("ops.bench").joinpath("records.sql").read_text(encoding="utf-8")
MADE = "CREATE TABLE IF NOT EXISTS bench_made (records bigint, first_ms bigint, step_ms bigint)"
TALLY = """
TRUNCATE audit_tally;
INSERT INTO audit_tally (minute, outcome, latency, journal_seq, entered, gone)
SELECT date_trunc('hour', received_at), outcome, 1, max(journal_seq), count(*), 0 FROM audit_record GROUP BY 1, 2
"""


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


def searches() -> dict[str, Callable[[], Any]]:
    """The usual ones, by name."""
    newest = Record.objects.values_list("event_id", flat=True)[0]
    now = received_at(newest)
    hour, day = now - timedelta(hours=1), now - timedelta(days=1)
    wanted = {
        "the newest": Wanted(),
        "a busy host": Wanted(hostname="core-router-1"),
        "a host in the last hour": Wanted(hostname="CORE-router-5", since=hour),
        "a host that is not there": Wanted(hostname="core-router-9999"),
        "a rule": Wanted(rule_id=8),
        "a rule and a quiet host": Wanted(rule_id=8, hostname="core-router-1999"),
        "dead": Wanted(outcome="dead"),
        "dead in the last day": Wanted(outcome="dead", since=day),
        "a team": Wanted(team="TEAM-7"),
        "a team, unmatched": Wanted(team="TEAM-7", outcome="unmatched"),
        "a common word": Wanted(text="link"),
        "words of few events": Wanted(text="neighbor 10.17.33.1"),
        "a word of one event": Wanted(text=_rare_word(newest)),
        "a word that is not there": Wanted(text="unheard-of"),
        "the beginning of a word": Wanted(text="GigabitEthernet17"),
        "a common word, a quiet host": Wanted(text="failed password", hostname="core-router-1999"),
        "a correlation id": Wanted(correlation_id=Record.objects.all()[1000].correlation_id),
        "a batch": Wanted(batch=newest),
        "unmatched, from 40 days ago on back": Wanted(outcome="unmatched", until=now - timedelta(days=40)),
    }
    runs: dict[str, Callable[[], Any]] = {name: partial(_page, one) for name, one in wanted.items()}
    return {**runs, "the ledger's sums": lambda: tallied(10**15, [])[0]}


def _rare_word(newest: UUID) -> str:
    ticket = Record.objects.filter(message__startswith="ticket", pk__lte=newest)[0]
    return ticket.message.split()[1]


def _page(wanted: Wanted) -> list[Record]:
    return page_of(wanted, 100)


def _timed(run: Callable[[], Any]) -> tuple[float, float, int]:
    """The first and the median time in ms, and how much was found."""
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        found = run()
        times.append((time.perf_counter() - begin) * 1000)
    return times[0], statistics.median(times), len(found)


def main(count: int) -> None:
    """Build, search, print."""
    build(count, datetime.now(UTC))
    table = Table(title=f"Searches over {count:,} records, a page of 100")
    table.add_column("search")
    for heading in ("first ms", "median ms", "rows"):
        table.add_column(heading, justify="right")
    for name, run in searches().items():
        first, median, rows = _timed(run)
        table.add_row(name, f"{first:.1f}", f"{median:.1f}", str(rows))
    Console().print(table)


if __name__ == "__main__":
    main(int(sys.argv[1]))
