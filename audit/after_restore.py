"""Bring journal and records together again after Redis or PostgreSQL was put back to an earlier moment.

Where Redis went back, or began anew, it has forgotten how many events were accepted and which batches are open. What
PostgreSQL has a record of is had again: the number, and each alert that is owed. Where PostgreSQL went back, batches
that are open may have lost their records: they are decided anew. What remains is lost, and can be counted.

All of it can be done while MUTT runs, and again: what is well is left as it is.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import connection

from audit.entry import Entry
from audit.ids import batch_of, last_id_of
from audit.journal import Journal
from audit.ledger import read_ledger
from audit.models import Loss, Record
from audit.outcomes import Outcome

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong. Numbers are of events; `imbalance` is what remains once the rest of it is mended.

    `forgotten`: accepted, but the journal does not count them any more. `owed`: pending, and in no journal.
    `undecided`: on their way, but their records are gone.
    """

    forgotten: int
    owed: int
    undecided: int
    imbalance: int

    @property
    def all_is_well(self) -> bool:
        return not (self.forgotten or self.owed or self.undecided or self.imbalance)


def look(journal: Journal) -> Findings:
    """What `mend` would do. Raises RedisError and django.db.Error."""
    forgotten = _forgotten(journal)
    owed = sum(len(records) for records in _owed(journal))
    sizes = journal.sizes([batch for some in _without_records(journal) for batch in some])
    undecided = sum(sizes.values())
    return Findings(forgotten, owed, undecided, read_ledger(journal, forgotten).imbalance - undecided)


def mend(journal: Journal) -> Findings:
    """Mend what can be mended; the imbalance that remains is left to `book`. Raises RedisError and django.db.Error."""
    if forgotten := _forgotten(journal):
        journal.raise_accepted(forgotten)
    owed = sum(len(records) for records in _owed(journal) if _restore(journal, records))
    undecided = 0
    for some in _without_records(journal):
        sizes = journal.sizes(some)
        undecided += sum(sizes.get(batch, 0) for batch in some if journal.restage(batch))
    return Findings(forgotten, owed, undecided, read_ledger(journal).imbalance)


def book(journal: Journal, reason: str, who: str, now: datetime) -> int:
    """Book as lost what no term of the ledger explains, and take back what was found again; returns how many events.

    More records than were ever accepted can only be if Redis has begun anew and counted on: then how many were
    accepted is not known any more, and at least those are that have records.
    """
    ledger = read_ledger(journal)
    events = max(ledger.imbalance, -ledger.lost)
    if events:
        Loss.objects.create(events=events, reason=reason, booked_by=who, booked_at=now)
    if events > ledger.imbalance:
        journal.raise_accepted(events - ledger.imbalance)
    return events


_HIGHEST = "SELECT max(journal_seq) FROM audit_tally WHERE entered > 0"
_ITS_EVENT = "SELECT event_id FROM audit_record WHERE journal_seq = %s ORDER BY event_id DESC LIMIT 1"
# One statement, so that what is recorded meanwhile counts once.
_SINCE = """
SELECT (SELECT count(*) FROM audit_record WHERE event_id > %s AND journal_seq <= %s)
     - (SELECT count(*) FROM unnest(%s::uuid[], %s::uuid[]) AS batch (first, last)
          JOIN audit_record ON event_id BETWEEN batch.first AND batch.last)
"""


def _forgotten(journal: Journal) -> int:
    """By how many events the journal counts too few.

    It must have come to the highest number of any record. What came after that record, and has a low number all the
    same, was accepted since the journal went back. The records are read first: what is accepted and recorded between
    the two looks is not forgotten.
    """
    highest: int = _value(_HIGHEST) or 0
    totals = journal.totals()
    if highest <= totals.accepted:
        return 0
    event = _value(_ITS_EVENT, highest)
    if event is None:
        return highest - totals.accepted
    end = last_id_of(batch_of(event))
    waiting = {batch: size for batch, size in totals.unrecorded.items() if batch > end}
    since = sum(waiting.values()) + int(_value(_SINCE, str(end), totals.accepted, *_ranges(waiting)))
    return highest - totals.accepted + since


def _owed(journal: Journal) -> Iterator[list[Record]]:
    """What is pending and not in the journal, batch by batch."""
    pending = Record.objects.filter(outcome=Outcome.PENDING.value).order_by("event_id").iterator(_AT_ONCE)
    waiting: list[list[Record]] = []
    for _, records in groupby(pending, lambda record: batch_of(record.event_id)):
        waiting.append(list(records))
        if len(waiting) == _AT_ONCE:
            yield from _not_open(journal, waiting)
            waiting = []
    yield from _not_open(journal, waiting)


def _not_open(journal: Journal, batches: Sequence[list[Record]]) -> Iterator[list[Record]]:
    """Those of these batches that are in no journal, with what is owed of them.

    A batch is closed after its records have their outcomes. So who finds it closed, and then a record still pending,
    has found one that nobody works on; what was pending before that look may just have been done.
    """
    still_open = journal.open_among([batch_of(records[0].event_id) for records in batches])
    closed = [records for records in batches if batch_of(records[0].event_id) not in still_open]
    still_pending = _still_pending([batch_of(records[0].event_id) for records in closed])
    owed = ([record for record in records if record.event_id in still_pending] for records in closed)
    return (records for records in owed if records)


def _restore(journal: Journal, records: Sequence[Record]) -> bool:
    first = records[0]
    return journal.restore(
        batch_of(first.event_id),
        [_entry(record) for record in records],
        seq=first.journal_seq,
        api_key=first.api_key,
        address=first.address,
        correlation_id=first.correlation_id,
        decided=all(record.rule_set_version is not None for record in records),
    )


def _entry(record: Record) -> Entry:
    entry: Entry = {
        "id": str(record.event_id),
        "event": record.event,
        "api_key": record.api_key,
        "address": record.address,
        "correlation_id": record.correlation_id,
        "source": record.source,
    }
    if record.notes:
        entry["notes"] = list(record.notes)
    if record.rule_set_version is not None:  # what an adapter has made of it is not kept; what was decided on is
        words: dict[str, Any] = {
            "hostname": record.hostname,
            "timestamp": record.event_time and record.event_time.isoformat(),
            "message": record.message,
            "syslog_severity": record.syslog_severity,
            "trap_oid": record.trap_oid,
            "source_type": record.source_type,
            "clear": record.clears,
        }
        entry["adapted"] = {name: value for name, value in words.items() if value}
    return entry


def _without_records(journal: Journal) -> Iterator[list[UUID]]:
    """The open batches that should have records, and have none. They are written before the journal says so."""
    for batches in journal.decided():
        recorded = _with_records(batches)
        yield [batch for batch in batches if batch not in recorded]


_WITH_RECORDS = """
SELECT batch.first FROM unnest(%s::uuid[], %s::uuid[]) AS batch (first, last)
 WHERE EXISTS (SELECT 1 FROM audit_record WHERE event_id BETWEEN batch.first AND batch.last)
"""
_STILL_PENDING = """
SELECT event_id FROM unnest(%s::uuid[], %s::uuid[]) AS batch (first, last)
  JOIN audit_record ON event_id BETWEEN batch.first AND batch.last AND outcome = %s
"""


def _with_records(batches: Collection[UUID]) -> set[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(_WITH_RECORDS, _ranges(batches))
        return {batch for (batch,) in cursor.fetchall()}


def _still_pending(batches: Collection[UUID]) -> set[UUID]:
    if not batches:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_STILL_PENDING, [*_ranges(batches), Outcome.PENDING.value])
        return {event for (event,) in cursor.fetchall()}


def _ranges(batches: Collection[UUID]) -> list[list[str]]:
    return [[str(batch) for batch in batches], [str(last_id_of(batch)) for batch in batches]]


def _value(query: str, *arguments: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query, arguments)
        return cursor.fetchone()[0] if cursor.rowcount else None
