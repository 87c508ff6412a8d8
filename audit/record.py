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

from audit import alert
from audit.alert import Alert
from audit.ids import last_id_of
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


# first and last are those of all these batches: bounds that the planner knows spare it the months without any of them.
_PENDING = f"""
SELECT {", ".join(f"owed.{name}" for name in alert.COLUMNS)}, batch.place,
       CASE WHEN owed.deduplication_key <> '' THEN (
            SELECT event_id FROM audit_record
             WHERE outcome = 'pending' AND deduplication_key = owed.deduplication_key
               AND event_id < batch.first AND event_id < %(last)s
             ORDER BY event_id DESC LIMIT 1) END
  FROM unnest(%(firsts)s::uuid[], %(lasts)s::uuid[]) WITH ORDINALITY AS batch (first, last, place)
 CROSS JOIN LATERAL (
       SELECT * FROM audit_record
        WHERE outcome = 'pending' AND event_id BETWEEN batch.first AND batch.last
          AND event_id BETWEEN %(first)s AND %(last)s
        OFFSET 0) AS owed  -- one look into the index for each batch, whatever the statistics say of what is pending
 ORDER BY owed.event_id
"""  # noqa: S608 - names of our own type  # nosec B608


def pending_alerts(batches: Sequence[UUID]) -> list[Alert]:
    """The records of these batches that wait for delivery, in the order of receipt."""
    lasts = [last_id_of(batch) for batch in batches]
    bounds = {
        "first": str(min(batches)),
        "last": str(max(lasts)),
        "firsts": _array_of(batches),
        "lasts": _array_of(lasts),
    }
    with connection.cursor() as cursor:
        cursor.execute(_PENDING, bounds)
        return [Alert._make((*columns, batches[place - 1], ahead)) for *columns, place, ahead in cursor.fetchall()]


def _array_of(identifiers: Iterable[UUID]) -> str:
    """As PostgreSQL writes an array: much cheaper to hand over than one that is quoted item by item."""
    return f"{{{','.join(map(str, identifiers))}}}"


def _records_of(batch: UUID) -> QuerySet[Record]:
    return Record.objects.filter(event_id__gte=batch, event_id__lte=last_id_of(batch))


@dataclass(frozen=True, slots=True)
class Post:
    """One POST to Moogsoft, and what came of it.

    `events` are those of each batch that were in it, `numbers` count the POSTs of each batch, from 1. `reason` is empty
    where Moogsoft took them; `excerpt` is the beginning of the answer, or the error.
    """

    events: Mapping[UUID, Sequence[UUID]]
    numbers: Sequence[int]
    started_at: datetime
    duration_ms: float = 0.0
    status: int | None = None
    reason: str = ""
    excerpt: str = ""


_ATTEMPTS = """
INSERT INTO audit_attempt (batch_id, event_ids, number, started_at, duration_ms, status, reason, excerpt)
SELECT batch, events::uuid[], number, %s, %s, %s, %s, %s
  FROM unnest(%s::uuid[], %s::text[], %s::int[]) AS posted (batch, events, number)
"""
# An index is gone through in the order of the ids: two who mark the same events wait for each other in one order.
_DELIVER = """
UPDATE audit_record SET outcome = 'delivered', outcome_at = %s
 WHERE event_id = ANY(%s::uuid[]) AND outcome = 'pending'
RETURNING event_id
"""
_ATTEMPTS_AND_DELIVERY = f"WITH attempts AS ({_ATTEMPTS}) {_DELIVER}"


@WRITE_SECONDS.labels("attempts").time()
def add_attempts(post: Post) -> None:
    """Record a POST that Moogsoft did not take: an attempt for each batch that had events in it."""
    with connection.cursor() as cursor:
        cursor.execute(_ATTEMPTS, _attempts(post))


@WRITE_SECONDS.labels("delivered").time()
def record_delivery(post: Post, at: datetime) -> list[UUID]:
    """Record a POST that Moogsoft took: its attempts, and that its events are delivered, or neither.

    Returns those events of which that was not known before.
    """
    events = [event for of_batch in post.events.values() for event in of_batch]
    return _deliver(_ATTEMPTS_AND_DELIVERY, [*_attempts(post), at], events)


@WRITE_SECONDS.labels("delivered").time()
def mark_delivered(events: Iterable[UUID], at: datetime) -> list[UUID]:
    """Record that Moogsoft has taken these events; returns those of which that was not known before."""
    return _deliver(_DELIVER, [at], list(events))


def _deliver(statement: str, arguments: list[Any], events: list[UUID]) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [*arguments, _array_of(events)])
        delivered = events if cursor.rowcount == len(events) else [event for (event,) in cursor.fetchall()]
    _count({Outcome.DELIVERED: len(delivered)})
    return delivered


def _attempts(post: Post) -> list[Any]:
    of_each = [f'"{_array_of(events)}"' for events in post.events.values()]
    came_of_it = [post.started_at, post.duration_ms, post.status, post.reason, post.excerpt]
    return [*came_of_it, _array_of(post.events), f"{{{','.join(of_each)}}}", list(post.numbers)]


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
