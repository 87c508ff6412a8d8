"""From a valid event to its canonical form: UTC times, severity names, OIDs, host names."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from audit.entry import Entry, in_our_words
from audit.ids import received_at_of
from audit.notes import Note
from ingest.times import time_of
from rules.event import hostname_of, oid_of, severity_of

MOST_SKEW = timedelta(days=1)


def normalised(entry: Entry) -> Entry:
    """The entry with its event in canonical form, and what is odd about its clock among its notes."""
    event, received = in_our_words(entry), received_at_of(entry["id"])
    time = time_of(event["timestamp"])
    made: Entry = {**entry, "canonical": _canonical(event, time or received)}
    if notes := [*entry.get("notes", ()), *_notes_on(time, received)]:
        made["notes"] = list(dict.fromkeys(notes))
    return made


def canonical_form(event: Mapping[str, Any], received_at: datetime) -> dict[str, Any]:
    """The fields that MUTT decides by; what a source calls `severity` counts where `syslog_severity` is absent.

    A time that does not exist is replaced by that of receipt: an event is never given up for its clock.
    """
    return _canonical(event, time_of(event["timestamp"]) or received_at)


def notes_on_clock(event: Mapping[str, Any], received_at: datetime) -> list[Note]:
    """What is odd about the clock of a valid event."""
    return _notes_on(time_of(event["timestamp"]), received_at)


def _canonical(event: Mapping[str, Any], time: datetime) -> dict[str, Any]:
    severity = severity_of(event.get("syslog_severity")) or severity_of(event.get("severity"))
    trap_oid = event.get("trap_oid")
    return {
        "hostname": hostname_of(event["hostname"]),
        "message": event["message"],
        "syslog_severity": str(severity) if severity else None,
        "trap_oid": oid_of(trap_oid) if trap_oid else None,
        "source_type": event.get("source_type") or ("snmptrap" if trap_oid else ""),
        "event_time": time.isoformat(),
        "clears": event.get("clear") is True,
        "alert_key": event.get("alert_key"),
    }


def _notes_on(time: datetime | None, received_at: datetime) -> list[Note]:
    if time is None:
        return [Note.TIMESTAMP_UNREADABLE]
    return [Note.CLOCK_SKEW] if abs(time - received_at) > MOST_SKEW else []
