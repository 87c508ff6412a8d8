"""`make bench-sizing`: what an event costs from the webhook to the stub Moogsoft, and what each process takes."""

import json
import os
import platform
import random
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import psycopg2
import redis
import urllib3
from rich.console import Console
from rich.table import Table

from ops.bench.processes import connections_of, cpu_s, family, pss_mib
from ops.local import samples
from ops.local.stack import Stack

_SETTINGS = {"MOOGSOFT_RATE": "100000/second", "MUTT_CANARY_EVERY_S": "0", "MOOGSOFT_BREAKER_OPEN_S": "1"}
_DOWN = "Interface Gi0/1, changed state to down"  # the sample rules have it delivered
_SENDERS = 8
_HOSTS = 50_000
_SIZES = "SELECT sum(pg_total_relation_size(relid)), sum(n_live_tup) FROM pg_stat_user_tables WHERE relname ~ %s"


@dataclass(frozen=True, slots=True)
class Run:
    """`cpu_ms` is milliseconds of CPU an event, by the kind of process."""

    workers: int
    batch: int
    events: int
    accepted_s: float
    settled_s: float
    cpu_ms: Mapping[str, float]


@click.command()
@click.option("--events", default=20_000, show_default=True, help="Events of each run.")
def main(events: int) -> None:
    """Measure a MUTT of its own, with one and with two workers of the queue `pipeline`."""
    with tempfile.TemporaryDirectory(prefix="mutt-sizing-") as folder, _stack(Path(folder)) as stack:
        client = Client(stack)
        console = Console(width=140)
        console.print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start")
        client.send(events // 10, 20)
        client.settle()
        runs = [_run(stack, client, 2, batch, events) for batch in (1, 20, 100)]
        stack.supervisor.call("stopProcess", "worker-pipeline-2")
        runs += [_run(stack, client, 1, batch, events) for batch in (1, 20, 100)]
        console.print(_of_runs(runs, events))
        console.print(_of_processes(stack))
        console.print(_of_stores(stack, client, events))


@contextmanager
def _stack(folder: Path) -> Iterator[Stack]:
    stack = Stack(folder / "var", given={}, extra=_SETTINGS)
    stack.start()
    try:
        samples.load_rules(stack.web, stack.secrets["api_key"])
        time.sleep(2)  # until the workers know the rules
        yield stack
    finally:
        stack.stop()


class Client:
    """Sends events, and waits until nothing of them is pending."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._http = urllib3.PoolManager(maxsize=_SENDERS, retries=False, timeout=60)
        self._lock = threading.Lock()

    def ask(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """The JSON of an answer; a 503 is asked again, as senders do."""
        told = {"X-API-KEY": self._stack.secrets["api_key"], "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body)
        while True:
            answer = self._http.request(method, f"{self._stack.web}{path}", body=content, headers=told)
            if answer.status < 400:  # noqa: PLR2004 - what is no error
                return answer.json()
            if answer.status != 503:  # noqa: PLR2004 - away for a moment
                raise RuntimeError(f"{method} {path}: {answer.status} {answer.data!r}")
            time.sleep(0.2)

    def send(self, events: int, batch: int) -> float:
        """Send so many, so many a request; returns the seconds until all were accepted."""
        begin = time.monotonic()
        with ThreadPoolExecutor(_SENDERS) as pool:
            list(pool.map(lambda _: self.ask("/webhook", "POST", _batch(batch)), range(events // batch)))
        return time.monotonic() - begin

    def waiting(self) -> int:
        """Batches that wait for Moogsoft, or for such a batch."""
        breaker = self.ask("/api/v1/breaker")
        return int(breaker["parked_batches"] + breaker["waiting_for_order"])

    def settle(self) -> None:
        while self.ask("/api/v1/ledger")["pending"]:
            time.sleep(0.1)


def _batch(size: int) -> list[dict[str, Any]]:
    """Of many hosts: alerts of one host and rule would have to wait for each other."""
    now = datetime.now(UTC).isoformat()
    hosts = random.choices(range(_HOSTS), k=size)  # noqa: S311 - invented hosts need no secrecy  # nosec B311
    return [
        {"hostname": f"router-{host:05}", "timestamp": now, "message": _DOWN, "source_type": "syslog"} for host in hosts
    ]


def _kinds(stack: Stack) -> dict[str, list[int]]:
    """The pids of each kind of process, children included."""
    found: dict[str, list[int]] = {}
    for name, pid in stack.supervisor.pids().items():
        found.setdefault(name, []).extend(family(pid))
    return found


def _run(stack: Stack, client: Client, workers: int, batch: int, events: int) -> Run:
    kinds = _kinds(stack)
    events = events // 10 if batch == 1 else events
    before = {name: sum(map(cpu_s, pids)) for name, pids in kinds.items()}
    begin = time.monotonic()
    accepted_s = client.send(events, batch)
    client.settle()
    settled_s = time.monotonic() - begin
    used = {name: sum(map(cpu_s, pids)) - before[name] for name, pids in kinds.items()}
    grouped = {
        kind: sum(value for name, value in used.items() if name.startswith(kind)) * 1000 / events
        for kind in ("web", "worker-pipeline", "worker-forward", "postgresql", "redis")
    }
    return Run(workers, batch, events, accepted_s, settled_s, grouped)


def _of_runs(runs: Sequence[Run], events: int) -> Table:
    table = _table(
        f"{events:,} events (a tenth of them where they come singly), all delivered; ms of CPU an event, by process"
    )
    headings = ["pipeline workers", "events a request", "accepted/s", "end to end/s"]
    _add(table, [*headings, *runs[0].cpu_ms, "all"])
    for run in runs:
        spent = [f"{value:.2f}" for value in (*run.cpu_ms.values(), sum(run.cpu_ms.values()))]
        rates = [f"{run.events / run.accepted_s:,.0f}", f"{run.events / run.settled_s:,.0f}"]
        table.add_row(str(run.workers), str(run.batch), *rates, *spent)
    return table


def _of_processes(stack: Stack) -> Table:
    table = _table("each process after that")
    _add(table, ["process", "memory (PSS), MiB", "connections to PostgreSQL", "to Redis"])
    ports = stack.ports
    for name, pids in _kinds(stack).items():
        to = [sum(connections_of(pid, port) for pid in pids) for port in (ports.postgresql, ports.redis)]
        shown = ["", ""] if name in {"postgresql", "redis"} else [str(number) for number in to]
        table.add_row(name, f"{sum(map(pss_mib, pids)):.0f}", *shown)
    return table


def _of_stores(stack: Stack, client: Client, events: int) -> Table:
    """What an open event takes in Redis while delivery is held, and a delivered one in PostgreSQL."""
    table = _table("stores")
    _add(table, ["what", "bytes an event"])
    for batch in (1, 20, 100):
        client.ask("/api/v1/breaker", "PUT", {"state": "open", "reason": "to measure", "for_s": 3600})
        server = redis.Redis.from_url(stack.redis_url)
        before = server.info("memory")["used_memory"]
        held = events // 10 if batch == 1 else events // 2
        client.send(held, batch)
        while client.waiting() < held // batch:
            time.sleep(0.2)
        taken = server.info("memory")["used_memory"] - before
        table.add_row(f"Redis, open and parked, {batch} a request", f"{taken / held:,.0f}")
        client.ask("/api/v1/breaker", "PUT", {"state": "automatic", "reason": "measured"})
        client.settle()
    connection = psycopg2.connect(stack.database_url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
            for what, tables in (("records", "^audit_record_"), ("attempts", "^audit_attempt")):
                cursor.execute(_SIZES, [tables])
                size, rows = cursor.fetchone() or (0, 0)
                table.add_row(
                    f"PostgreSQL, {what} with indexes ({int(rows or 0):,} rows)", f"{size / max(rows or 0, 1):,.0f}"
                )
    finally:
        connection.close()
    return table


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left")


def _add(table: Table, headings: Sequence[str]) -> None:
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="right" if place else "left")


if __name__ == "__main__":
    main()
