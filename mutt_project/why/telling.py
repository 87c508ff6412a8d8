"""Everything that is known of one event, gathered from PostgreSQL, the journal and the rules of its time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from audit.entry import Entry, in_our_words
from audit.ids import batch_of, received_at
from audit.journal import Place, journal
from audit.models import Attempt, DeadLetter, Record
from audit.outcomes import Outcome
from audit.story import Step, story
from forwarder.looking import delivering
from mutt_project.why.normalised import Normalised, normalised
from mutt_project.why.verdicts import Verdict, sentence, verdict_of
from mutt_project.why.waiting import Wait, wait_of
from rules.recorded import Decided, decided


@dataclass(frozen=True, slots=True)
class Told:
    """One event. `record` is not saved while the event is only in the journal; then there is no decision yet."""

    record: Record
    validated: Normalised | None
    decision: Decided | None
    attempts: Sequence[Attempt]
    waiting: Wait | None
    dead_letter: DeadLetter | None
    steps: list[Step]
    verdict: Verdict
    text: str


def tell(identifier: UUID) -> Told | None:
    """All that is known of an event, or None. Raises RedisError if it is not known to have ended and Redis is away."""
    record = Record.objects.filter(pk=identifier).first()
    if record is not None:
        return tell_record(record)
    found = in_journal(identifier)
    if found is None:  # it may have been recorded between the two looks
        record = Record.objects.filter(pk=identifier).first()
        return tell_record(record) if record else None
    return tell_entry(*found)


def tell_record(record: Record, *, explained: bool = True) -> Told:
    """All that is known of a recorded event; `explained` with the rules of its time."""
    batch = batch_of(record.event_id)
    place = journal().place_of(batch) if record.outcome == Outcome.PENDING else None
    wait = wait_of(place, delivering, timezone.now()) if record.outcome == Outcome.PENDING else None
    letter = DeadLetter.objects.filter(event_id=record.event_id).first()
    attempts = list(Attempt.objects.filter(batch_id=batch, event_ids__contains=[record.event_id]))
    is_decided = record.rule_set_version is not None
    decision = decided(record) if is_decided and explained else None
    return Told(
        record=record,
        validated=normalised(record) if is_decided else None,
        decision=decision,
        attempts=attempts,
        waiting=wait,
        dead_letter=letter,
        steps=story(record, attempts, place.stage if place else None, place.parked if place else None),
        verdict=verdict_of(record.outcome, parked=wait is not None and wait.is_parked),
        text=sentence(record, wait.text if wait else "", letter, nearest(decision)),
    )


def nearest(decision: Decided | None) -> str:
    """Which rule nearly matched, and what it lacked."""
    near = decision.explanation.near_misses if decision and decision.explanation else []
    return f"Nearest is “{near[0].rule.name}”: {near[0].why}" if near else ""


def in_journal(identifier: UUID) -> tuple[Entry, Place] | None:
    """An event that is in the journal, and where its batch stands."""
    batch = batch_of(identifier)
    found, place = journal().look(batch), journal().place_of(batch)
    if found is None or place is None:
        return None
    entry = next((entry for entry in found[1] if entry["id"] == str(identifier)), None)
    return (entry, place) if entry else None


def tell_entry(entry: Entry, place: Place) -> Told:
    """All that is known of an event that has no record yet."""
    record = record_of(entry, place)
    wait = wait_of(place, delivering, timezone.now())
    return Told(
        record=record,
        validated=normalised(record) if "canonical" in entry else None,
        decision=None,
        attempts=[],
        waiting=wait,
        dead_letter=None,
        steps=story(record, [], place.stage, place.parked),
        verdict=verdict_of(record.outcome, parked=wait.is_parked),
        text=sentence(record, wait.text),
    )


def record_of(entry: Entry, place: Place) -> Record:
    """What its record would say by now; it is not saved."""
    identifier, event = UUID(entry["id"]), entry.get("canonical") or in_our_words(entry)
    return Record(
        event_id=identifier,
        received_at=received_at(identifier),
        api_key=entry.get("api_key", place.api_key),
        address=entry.get("address", place.address),
        correlation_id=entry.get("correlation_id", place.correlation_id),
        source=entry.get("source", ""),
        hostname=str(event.get("hostname") or ""),
        event_time=_time(event.get("event_time")),
        message=str(event.get("message") or ""),
        syslog_severity=str(event.get("syslog_severity") or "") if "canonical" in entry else "",
        trap_oid=str(event.get("trap_oid") or ""),
        source_type=str(event.get("source_type") or ""),
        clears=event.get("clears", event.get("clear")) is True,
        notes=entry.get("notes", []),
        event=entry["event"],
        outcome=Outcome.PENDING.value,
    )


def _time(text: str | None) -> datetime | None:
    return parse_datetime(text) if text else None
