"""Searches among the records in DATABASE_URL and prints how long that took."""

import statistics
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import django
from rich.console import Console
from rich.table import Table

django.setup()

from audit.ids import received_at  # noqa: E402 - the models need Django made ready
from audit.ledger import tallied  # noqa: E402
from audit.models import Record  # noqa: E402
from audit.searching import Wanted, page_of  # noqa: E402

ROUNDS = 7


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
    """Search, print."""
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
