"""What a run costs: CPU and memory by kind of process, bytes in Redis and PostgreSQL."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import psycopg2
import redis

from ops.bench.processes import cpu_s, family, pss_mib, rss_mib
from ops.local.stack import Stack

OURS = ("web", "worker-pipeline", "worker-forward", "worker", "beat", "flower")
_MIB = 1.048576
STORES = ("postgresql", "redis")
_SIZE = """
SELECT coalesce(sum(pg_total_relation_size(relid)), 0), pg_current_wal_lsn() - '0/0'
  FROM pg_stat_user_tables WHERE relname ~ '^audit_'
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """Counters at one moment; two readings make a cost."""

    cpu_s: Mapping[str, float]
    wal_bytes: int
    table_bytes: int
    redis_bytes: int
    commands: int


def kinds(pids: Mapping[str, int]) -> dict[str, list[int]]:
    """All processes of each kind, children included; `worker-pipeline-2` is of the kind `worker-pipeline`."""
    found: dict[str, list[int]] = {}
    for name, pid in pids.items():
        kind = name.rstrip("0123456789").removesuffix("-")
        found.setdefault(kind, []).extend(family(pid))
    return found


def cpu_by_kind(pids: Mapping[str, int]) -> dict[str, float]:
    """Seconds of CPU so far."""
    return {kind: sum(map(cpu_s, members)) for kind, members in kinds(pids).items()}


def memory_by_kind(pids: Mapping[str, int]) -> dict[str, tuple[float, float]]:
    """PSS, in which what processes share counts once, and RSS, in MB (10⁶ bytes)."""
    return {
        kind: (sum(map(pss_mib, members)) * _MIB, sum(map(rss_mib, members)) * _MIB)
        for kind, members in kinds(pids).items()
    }


def read(pids: Mapping[str, int], stack: Stack) -> Reading:
    """Take a reading."""
    table_bytes, wal_bytes = _of_postgresql(stack.database_url)
    with redis.Redis.from_url(stack.redis_url) as server:
        told: dict[str, Any] = server.info("everything")
    return Reading(
        cpu_by_kind(pids),
        wal_bytes,
        table_bytes,
        int(told["total_net_input_bytes"]),
        int(told["total_commands_processed"]),
    )


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one event: µs of CPU by kind of process, bytes that PostgreSQL writes, what Redis is sent."""

    cpu_us: Mapping[str, float]
    wal_bytes: float
    table_bytes: float
    redis_bytes: float
    commands: float

    @classmethod
    def between(cls, before: Reading, after: Reading, events: int) -> "Cost":
        spent = {kind: (used - before.cpu_s.get(kind, 0.0)) / events * 1e6 for kind, used in after.cpu_s.items()}
        return cls(
            spent,
            (after.wal_bytes - before.wal_bytes) / events,
            (after.table_bytes - before.table_bytes) / events,
            (after.redis_bytes - before.redis_bytes) / events,
            (after.commands - before.commands) / events,
        )

    def beside(self, **cpu_us: float) -> "Cost":
        """The same, with what is no process of ours."""
        return replace(self, cpu_us={**self.cpu_us, **cpu_us})

    @property
    def mutt_us(self) -> float:
        """Of MUTT and its stores, without the sender and what stands for Moogsoft."""
        return sum(self.cpu_us.get(kind, 0.0) for kind in (*OURS, *STORES))


def _of_postgresql(url: str) -> tuple[int, int]:
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(_SIZE)
            row = cursor.fetchone()
    finally:
        connection.close()
    return (int(row[0]), int(row[1])) if row else (0, 0)
