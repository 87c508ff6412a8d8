"""What happened to one event, step by step, in sentences: plain functions over what was recorded."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from audit.canary import CANARY, is_canary
from audit.notes import Note
from audit.outcomes import Outcome, Stage


class RecordLike(Protocol):
    """The fields of a record that the story tells."""

    event_id: UUID
    received_at: datetime
    api_key: str
    address: str
    hostname: str
    syslog_severity: str
    trap_oid: str
    source_type: str
    rule_set_version: int | None
    rule_id: int | None
    rule_name: str
    handling: str
    environment: str
    team: str
    reason: str
    clears: bool
    notes: list[str]
    outcome: str
    outcome_at: datetime | None


class AttemptLike(Protocol):
    """The fields of an attempt that the story tells."""

    number: int
    started_at: datetime
    duration_ms: float
    status: int | None
    reason: str
    excerpt: str
    event_ids: list[UUID]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened, or (stage `waiting`) that is awaited. `at` is None where no moment is recorded."""

    at: datetime | None
    stage: str
    text: str

    def as_json(self) -> dict[str, Any]:
        return {"at": self.at, "stage": self.stage, "text": self.text}


WAITING = {
    Stage.VALIDATE: "It is in the journal and waits for a worker to normalise it.",
    Stage.MATCH: "It waits for a worker to decide it by the rules.",
    Stage.FORWARD: "It waits to be delivered to Moogsoft.",
    Stage.DLQ: "Delivery was given up; it waits to be written to the dead letters.",
}


# By the word with which forward parked the batch.
PARKED = {
    "open": "It is parked: Moogsoft's breaker is open, and nothing is sent until it is tried again.",
    "probing": "It is parked: one request is trying whether Moogsoft is back.",
    "forced_open": "It is parked: somebody has forced the breaker open.",
    "paused": "It is parked: Moogsoft refuses the key, until somebody resumes delivery or there is another key.",
    "unauthorised": "It is parked: Moogsoft refuses the key, until somebody resumes delivery or there is another key.",
    "rate": "It is parked for a moment: the rate limit is used up.",
    "retry_after": "It is parked: Moogsoft has asked for a pause.",
    "rate_limited": "It is parked: Moogsoft has asked for a pause.",
    "order": "It waits in line: an earlier alert of the same key has to be delivered first.",
}
_PARKED_OTHERWISE = "It is parked: Moogsoft failed, and is tried again later."


def waiting_text(stage: Stage, parked: str | None) -> str:
    """What an open batch waits for."""
    return PARKED.get(parked, _PARKED_OTHERWISE) if parked else WAITING[stage]


def story(
    record: RecordLike, attempts: Iterable[AttemptLike], stage: Stage | None, parked: str | None = None
) -> list[Step]:
    """The steps of a recorded event; `stage` is where its batch stands if it is still open, `parked` why it waits."""
    steps = [
        Step(record.received_at, "received", f"Received with API key “{record.api_key}” from {record.address}."),
    ]
    is_decided = record.rule_set_version is not None
    if is_decided or stage is Stage.MATCH:
        steps.append(Step(None, "validated", _validated(record)))
    if is_decided:
        steps.append(Step(None, "decided", _decided(record)))
    steps += [
        Step(attempt.started_at, "attempt", _attempted(attempt))
        for attempt in attempts
        if record.event_id in attempt.event_ids
    ]
    if record.outcome == Outcome.PENDING:
        steps.append(Step(None, "waiting", waiting_text(stage or Stage.FORWARD, parked)))
    else:
        steps.append(Step(record.outcome_at, "outcome", _ended(record)))
    return steps


def _validated(record: RecordLike) -> str:
    parts = [f"host {record.hostname}"]
    if record.syslog_severity:
        parts.append(f"severity {record.syslog_severity}")
    if record.trap_oid:
        parts.append(f"trap {record.trap_oid}")
    if record.clears:
        parts.append("the problem is over")
    return " ".join([f"Valid: {', '.join(parts)}.", *(_noticed(note) for note in record.notes)])


def _noticed(note: str) -> str:
    """The sentence of a note; a record may hold notes that this version does not know."""
    return Note(note).sentence if note in set(Note) else f"Noted: {note}."


def _decided(record: RecordLike) -> str:
    if is_canary(record.hostname, record.source_type):
        return "It is a canary: no rule decides it, it is never counted as unmatched, and it pages nobody."
    by = f"by rule set {record.rule_set_version}"
    where = f"a {record.environment} host" if record.environment else "a host"
    if record.rule_id is not None:
        return (
            f"Rule {record.rule_id} “{record.rule_name}” won {by};"
            f" from {where}, so: {record.handling}, team {record.team}."
        )
    if record.reason == "unmatched_threshold":
        return (
            f"No rule matched {by}; it was the event that brought its kind to the threshold of unmatched events,"
            f" so one meta-alert for all of them goes to team {record.team}."
        )
    return f"No rule matched {by}; its kind is counted for team {record.team}."


def _attempted(attempt: AttemptLike) -> str:
    request = f"Attempt {attempt.number}, {len(attempt.event_ids)} events in {attempt.duration_ms:.0f} ms"
    if not attempt.reason:
        return f"{request}: Moogsoft took it (HTTP {attempt.status})."
    return f"{request}: {attempt.reason}. {attempt.excerpt}".strip()


def _ended(record: RecordLike) -> str:
    ends = {
        Outcome.DELIVERED: "Delivered to Moogsoft.",
        Outcome.IGNORED: f"Ignored, as the rule says for {record.environment} hosts.",
        Outcome.UNMATCHED: "Counted as unmatched; no alert.",
        Outcome.SUPPRESSED: _suppressed(record.reason),
        Outcome.DEAD: f"Given up: {record.reason}. See the dead letters.",
    }
    return ends[Outcome(record.outcome)]


def _suppressed(reason: str) -> str:
    if reason == CANARY:
        return "Suppressed, as every canary that does not ask for delivery: it has shown that events are decided."
    return f"Suppressed: {reason}."
