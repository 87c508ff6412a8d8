"""How the rules of that time decided a recorded event: told by them, and held against what the record says."""

import json
from dataclasses import dataclass
from uuid import UUID

from audit.canary import is_canary
from audit.models import Record
from audit.outcomes import UNMATCHED_THRESHOLD
from rules.event import Event, severity_of
from rules.explaining import Explanation
from rules.past import UnknownVersionError, rules_of


@dataclass(frozen=True, slots=True)
class Decided:
    """The explanation, if the rules of that time are known; `caveat` says what is to be known about it, or is empty."""

    explanation: Explanation | None
    caveat: str = ""


def event_of(record: Record) -> Event:
    """The event as the rules saw it."""
    return Event(
        hostname=record.hostname,
        message=record.message,
        syslog_severity=severity_of(record.syslog_severity),
        trap_oid=record.trap_oid or None,
        source_type=record.source_type,
        event_time=record.event_time,
        clears=record.clears,
    )


def decided(record: Record) -> Decided:
    """Why a recorded event was decided as it was."""
    if record.rule_set_version is None:
        return Decided(None, "No rule set has decided it.")
    if is_canary(record.hostname, record.source_type):
        return Decided(None, "It is a canary of MUTT's own: no rule decides it.")
    try:
        past = rules_of(record.rule_set_version)
    except UnknownVersionError as error:
        return Decided(None, f"{error} What the record says stands.")
    explanation = past.explain(event_of(record))
    return Decided(explanation, _caveat(record, explanation))


def _caveat(record: Record, explanation: Explanation) -> str:
    """What differs between the record and what the rules of that time say: there should be nothing."""
    winner = explanation.winner
    is_meta_alert = winner is None and record.reason == UNMATCHED_THRESHOLD
    pairs = {
        "rule": (record.rule_id, winner.id if winner else None),
        "handling": (record.handling, record.handling if is_meta_alert else explanation.handling or ""),
        "environment": (record.environment, explanation.environment.value),
        "team": (record.team, explanation.team),
    }
    different = [f"{name} {was} instead of {now}" for name, (was, now) in pairs.items() if was != now]
    if not different:
        return ""
    return f"The record says otherwise than the rules of that time would, and it stands: {', '.join(different)}."


def record_called(text: str) -> Record | None:
    """The record whose id stands in an address, if there is one."""
    try:
        return Record.objects.filter(pk=UUID(text)).first()
    except ValueError:
        return None


def as_text(record: Record) -> str:
    """The event as somebody would type it to try it on rules."""
    fields = ("hostname", "message", "syslog_severity", "trap_oid")
    return json.dumps(
        {name: value for name in fields if (value := getattr(record, name))}, ensure_ascii=False, indent=1
    )
