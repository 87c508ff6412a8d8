"""Batches on their way, as the tests of journal, records and ledger need them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from audit.connections import redis_client
from audit.ids import event_id, new_batch_id, received_at
from audit.journal import Burial, Claim, Journal
from audit.outcomes import Outcome, Stage
from audit.record import RecordRow

NOW = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)


def journal(lease_s: float = 30, grace_s: float = 15) -> Journal:
    return Journal(redis_client(), lease_s=lease_s, grace_s=grace_s)


def opened(into: Journal, size: int = 3, now: datetime = NOW) -> UUID:
    """A batch in the journal."""
    batch = new_batch_id(now)
    events = [{"id": str(event_id(batch, number)), "event": {"hostname": f"h{number}"}} for number in range(size)]
    into.open(batch, events, api_key="sensor", address="127.0.0.1")
    return batch


def claim(of: Journal, batch: UUID, stage: Stage) -> Claim:
    """A claim that nobody gives back."""
    return of._claim(batch, stage)  # noqa: SLF001 - the context manager would release it


def row(identifier: UUID, outcome: Outcome = Outcome.UNMATCHED, seq: int = 1, **fields: Any) -> RecordRow:
    values: dict[str, Any] = {
        "journal_seq": seq,
        "received_at": received_at(identifier),
        "api_key": "sensor",
        "address": "127.0.0.1",
        "source": "",
        "correlation_id": "",
        "hostname": "h",
        "event_time": None,
        "message": "m",
        "syslog_severity": "",
        "trap_oid": "",
        "source_type": "",
        "clears": False,
        "notes": [],
        "event": {"hostname": "h"},
        "rule_set_version": 1,
        "rule_id": None,
        "rule_name": "",
        "handling": "",
        "environment": "prod",
        "team": "NETO",
        "reason": "",
        "deduplication_key": "",
        "outcome": outcome,
        "outcome_at": None if outcome is Outcome.PENDING else NOW,
    }
    return RecordRow(event_id=identifier, **{**values, **fields})


def rows(of: Claim, *outcomes: Outcome) -> list[RecordRow]:
    """Records for a claimed batch, with these outcomes in order."""
    identifiers = [UUID(item["id"]) for item in of.events]
    return [row(identifier, outcome, of.seq) for identifier, outcome in zip(identifiers, outcomes, strict=True)]


def bury(books: Journal, batch: UUID, burial: Burial) -> bool:
    """Give a batch up where it stands."""
    place = books.stage_of(batch)
    return books.bury(batch, burial, place[0] if place else Stage.VALIDATE)


def at_once(times: int, work: Callable[[int], Any]) -> list[Any]:
    """The answers of as many threads."""
    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(work, range(times)))
