"""Months of the past with something in them, as the tests of retention and archives need them."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connection
from django.test import override_settings

from audit import retaining
from audit.ids import event_id, new_batch_id
from audit.models import Archive, DeadLetter
from audit.outcomes import Outcome
from audit.partitions import Month, create_partitions
from audit.record import Post, add_attempts, write_records
from tests.unit.audit.batches import row

NOW = datetime.now(UTC)
REASON = "the disk is full"
DAYS = 400


def months_ago(number: int, now: datetime = NOW) -> Month:
    month = Month.of(now)
    for _ in range(number):
        month = Month.of(month.start - timedelta(days=1))
    return month


LONG_AGO = months_ago(20)


@contextmanager
def archiving_to(folder: Path | None, **more: Any) -> Iterator[None]:
    given = None if folder is None else str(folder)
    settings = {"MUTT_ARCHIVE_DIR": given, "MUTT_RETENTION_DAYS": DAYS, "MUTT_RETENTION_ARCHIVE": True, **more}
    with override_settings(**settings):
        yield


def fill(month: Month = LONG_AGO, outcomes: Sequence[Outcome] = (Outcome.DELIVERED,), **fields: Any) -> list[UUID]:
    """A month with one batch of its second day; those that died have a dead letter that was discarded."""
    create_partitions(month.start, months_ahead=0)
    batch = new_batch_id(month.start + timedelta(days=1))
    events = [event_id(batch, number) for number in range(len(outcomes))]
    write_records([row(event, outcome, **fields) for event, outcome in zip(events, outcomes, strict=True)])
    for number in (1, 2):
        add_attempts(Post({batch: events}, [number], NOW, 0.1 + 0.2, None, "timeout"))
    for event, outcome in zip(events, outcomes, strict=True):
        if outcome is Outcome.DEAD:
            letter(event, DeadLetter.State.DISCARDED)
    return events


def letter(event: UUID, state: str) -> DeadLetter:
    fields = {"stage": "moog", "reason": "refused", "payload": {"hostname": "h"}, "attempts": 1, "created_at": NOW}
    return DeadLetter.objects.create(event_id=event, state=state, **fields)


def contents() -> dict[str, list[str]]:
    """A digest of each row of the three tables, as PostgreSQL spells it."""
    found = {}
    with connection.cursor() as cursor:
        for table in ("audit_record", "audit_attempt", "audit_deadletter"):
            cursor.execute(f"SELECT md5(t::text) FROM {table} t ORDER BY 1")
            found[table] = [digest for (digest,) in cursor.fetchall()]
    return found


def finish(now: datetime = NOW) -> Archive:
    """Do all steps that are to be done; the month that was begun last."""
    while retaining.work(now):
        pass
    return Archive.objects.latest("started_at", "id")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
