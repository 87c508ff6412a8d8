"""The only writer of records, attempts and dead letters: in bulk, and the same result if it runs twice."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import orjson
from django.db import DataError, connection, transaction
from django.db.models import Case, F, Q, QuerySet, Value, When

from audit.ids import batch_of, last_id_of
from audit.metrics import DEAD_LETTERS, OUTCOMES, WRITE_SECONDS
from audit.models import Attempt, DeadLetter, Record
from audit.outcomes import UNMATCHED_THRESHOLD, DeadStage, Outcome
from audit.storable import storable

T = TypeVar("T")


@dataclass(slots=True)  # not frozen: to set so many fields would take three times as long
class RecordRow:
    """A new record; the fields are the columns of the table (see `models.Record`). It is not changed."""

    event_id: UUID
    journal_seq: int
    received_at: datetime
    api_key: str
    address: str
    source: str
    correlation_id: str
    hostname: str
    event_time: datetime | None
    message: str
    syslog_severity: str
    trap_oid: str
    source_type: str
    clears: bool
    notes: list[str]
    event: Any
    rule_set_version: int | None
    rule_id: int | None
    rule_name: str
    handling: str
    environment: str
    team: str
    reason: str
    deduplication_key: str
    outcome: Outcome
    outcome_at: datetime | None


@dataclass(frozen=True, slots=True)
class Death:
    """An event given up: where, why, and how often it was posted before."""

    event_id: UUID
    stage: DeadStage
    reason: str
    detail: str
    payload: dict[str, Any]
    attempts: int


_COLUMNS = [field.name for field in fields(RecordRow)]
_DECISION = ["hostname", "event_time", "message", "syslog_severity", "trap_oid", "source_type", "clears", "notes"]
_DECISION += ["rule_set_version", "rule_id", "rule_name", "handling", "environment", "team", "reason"]
_DECISION += ["deduplication_key", "outcome", "outcome_at"]
_VALUES = ["coalesce(event, 'null')" if name == "event" else name for name in _COLUMNS]  # no JSON is no NULL
# The first decision that was committed stands. What died undecided, and was revived, is decided now.
_INSERT = f"""
INSERT INTO audit_record ({", ".join(_COLUMNS)})
SELECT {", ".join(_VALUES)} FROM json_populate_recordset(NULL::audit_record, %s)
ON CONFLICT (event_id) DO UPDATE SET {", ".join(f"{name} = EXCLUDED.{name}" for name in _DECISION)}
 WHERE audit_record.outcome = 'pending' AND audit_record.rule_set_version IS NULL
RETURNING outcome
"""  # noqa: S608 - names of our own dataclass  # nosec B608
_ROWS_PER_INSERT = 1000


@WRITE_SECONDS.labels("records").time()
def write_records(rows: Sequence[RecordRow]) -> bool:
    """Insert what is not there yet: the first decision that was committed stands.

    Returns whether all of these rows are now the records; False if some event had a decision before.
    """
    try:
        return _insert(rows)
    except (DataError, orjson.JSONEncodeError):  # no event may poison its batch
        return _insert([_storable(row) for row in rows])


def _insert(rows: Sequence[RecordRow]) -> bool:
    written: Counter[str] = Counter()
    distinct = {row.event_id: row for row in reversed(rows)}  # one statement writes no row twice
    in_order = sorted(distinct.values(), key=lambda row: row.event_id.int)  # two writers never wait for each other
    with transaction.atomic(), connection.cursor() as cursor:
        for page in batched(in_order, _ROWS_PER_INSERT):
            cursor.execute(_INSERT, [orjson.dumps(page).decode()])  # one value: dozens for each row are dear to quote
            written.update(outcome for (outcome,) in cursor.fetchall())
        _count(written)
    return written.total() == len(rows)


def _count(written: Mapping[str, int]) -> None:
    """Count the outcomes that are reached, once they are committed."""
    reached = {outcome: events for outcome, events in written.items() if outcome != Outcome.PENDING and events}

    def count() -> None:
        for outcome, events in reached.items():
            OUTCOMES.labels(outcome).inc(events)

    transaction.on_commit(count)


def _storable(row: RecordRow) -> RecordRow:
    return RecordRow(**{name: storable(getattr(row, name)) for name in _COLUMNS})


def batched(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items in pieces of at most `size`."""
    return (items[start : start + size] for start in range(0, len(items), size))


def recorded_outcomes(batch: UUID) -> dict[UUID, Outcome]:
    """The outcomes of a batch's events, so far as they are recorded."""
    rows = _records_of(batch).values_list("event_id", "outcome")
    return {event: Outcome(outcome) for event, outcome in rows}


def decided_before(batch: UUID) -> set[UUID]:
    """The events of a batch that some rule set has decided already: what a replay decides of them changes nothing."""
    return set(_records_of(batch).filter(rule_set_version__isnull=False).values_list("event_id", flat=True))


_PENDING = """
SELECT owed.* FROM unnest(%s::uuid[], %s::uuid[]) AS batch (first, last)
 CROSS JOIN LATERAL (
       SELECT * FROM audit_record
        WHERE outcome = 'pending' AND event_id BETWEEN batch.first AND batch.last
        OFFSET 0) AS owed  -- one look into the index for each batch, whatever the statistics say of what is pending
 ORDER BY owed.event_id
"""


def pending_records(batches: Sequence[UUID]) -> list[Record]:
    """The records of these batches that wait for delivery, in the order of receipt."""
    ranges = [[str(batch) for batch in batches], [str(last_id_of(batch)) for batch in batches]]
    return list(Record.objects.raw(_PENDING, ranges))


_AHEAD = """
SELECT wanted.key, wanted.batch, ahead.event_id
  FROM unnest(%s::text[], %s::uuid[]) AS wanted (key, batch)
 CROSS JOIN LATERAL (
       SELECT event_id FROM audit_record
        WHERE outcome = 'pending' AND deduplication_key = wanted.key AND event_id < wanted.batch
        ORDER BY event_id DESC LIMIT 1) AS ahead
"""


def pending_ahead(wanted: Iterable[tuple[str, UUID]]) -> dict[tuple[str, UUID], UUID]:
    """For each deduplication key and batch: the last earlier batch where that key has a pending event, if any has."""
    pairs = sorted({(key, batch) for key, batch in wanted if key})
    if not pairs:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_AHEAD, [[key for key, _ in pairs], [str(batch) for _, batch in pairs]])
        return {(key, batch): batch_of(event) for key, batch, event in cursor.fetchall()}


def _records_of(batch: UUID) -> QuerySet[Record]:
    return Record.objects.filter(event_id__gte=batch, event_id__lte=last_id_of(batch))


_DELIVER = """
UPDATE audit_record SET outcome = 'delivered', outcome_at = %s
 WHERE event_id = ANY(%s::uuid[]) AND outcome = 'pending'
RETURNING event_id
"""


@WRITE_SECONDS.labels("delivered").time()
def mark_delivered(events: Iterable[UUID], at: datetime) -> list[UUID]:
    """Record that Moogsoft has taken these events; returns those of which that was not known before."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_DELIVER, [at, [str(event) for event in events]])
        delivered = [event for (event,) in cursor.fetchall()]
        _count({Outcome.DELIVERED: len(delivered)})
    return delivered


@WRITE_SECONDS.labels("attempts").time()
def add_attempts(attempts: Sequence[Attempt]) -> None:
    """Record one POST to Moogsoft: an attempt for each batch that had events in it."""
    Attempt.objects.bulk_create(attempts)


def posts_of(batch: UUID) -> Counter[UUID]:
    """How often each event of a batch was posted to Moogsoft."""
    sent = Attempt.objects.filter(batch_id=batch).values_list("event_ids", flat=True)
    return Counter(event for events in sent for event in events)


@WRITE_SECONDS.labels("dead_letters").time()
def bury_events(deaths: Sequence[Death], missing: Sequence[RecordRow], at: datetime) -> int:
    """Write dead letters and their records, in one transaction; a second call changes nothing.

    `missing` are records for those events that died before any decision was written. Returns how many of these
    events are dead now: one that a slow worker has brought to another end meanwhile gets no dead letter.
    """
    with transaction.atomic():
        if missing:
            write_records(missing)
        events = [death.event_id for death in deaths]
        before = set(_dead_among(events)) - {row.event_id for row in missing}
        buried = 0
        for reason in {death.reason for death in deaths}:
            pending = [death.event_id for death in deaths if death.reason == reason]
            buried += Record.objects.filter(event_id__in=pending, outcome=Outcome.PENDING.value).update(
                outcome=Outcome.DEAD.value, outcome_at=at, reason=reason
            )
        died = set(_dead_among(events))
        newly = [death for death in deaths if death.event_id in died - before]
        letters = [_letter(death, at) for death in newly]
        DeadLetter.objects.bulk_create(
            letters,
            batch_size=500,
            update_conflicts=True,
            unique_fields=["event_id"],
            update_fields=["stage", "reason", "detail", "attempts", "created_at", "state"],
        )
        _count({Outcome.DEAD: buried})
        transaction.on_commit(lambda: _count_letters(newly))
    return len(died)


def _count_letters(deaths: Iterable[Death]) -> None:
    for death in deaths:
        DEAD_LETTERS.labels(death.stage, death.reason).inc()


def _dead_among(events: Sequence[UUID]) -> QuerySet[Record, UUID]:
    return Record.objects.filter(event_id__in=events, outcome=Outcome.DEAD.value).values_list("event_id", flat=True)


def revive(events: Sequence[UUID], at: datetime) -> None:
    """Make dead events pending again, whose dead letters wait; the others stay as they are. Safe to run twice."""
    with transaction.atomic():
        letters = DeadLetter.objects.select_for_update().filter(event_id__in=events, state=DeadLetter.State.WAITING)
        revived = list(letters.values_list("event_id", flat=True))
        if not revived:
            return
        was_meta_alert = Q(rule_id=None) & ~Q(deduplication_key="")  # its death took the place of that reason
        reason = Case(When(was_meta_alert, then=Value(UNMATCHED_THRESHOLD)), default=Value(""))
        Record.objects.filter(event_id__in=revived, outcome=Outcome.DEAD.value).update(
            outcome=Outcome.PENDING.value, outcome_at=None, reason=reason
        )
        DeadLetter.objects.filter(event_id__in=revived).update(
            state=DeadLetter.State.REPLAYED, replays=F("replays") + 1, settled_at=at
        )


def _letter(death: Death, at: datetime) -> DeadLetter:
    return DeadLetter(
        event_id=death.event_id,
        stage=death.stage.value,
        reason=death.reason,
        detail=death.detail,
        payload=storable(death.payload),
        attempts=death.attempts,
        created_at=at,
    )
