"""From a valid event to its canonical form: UTC times, severity names, OIDs, host names."""

from collections.abc import Mapping
from typing import Any

from ingest.times import time_of
from rules.event import hostname_of, oid_of, severity_of


def canonical_form(event: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that MUTT decides by; what a source calls `severity` counts where `syslog_severity` is absent.

    `event_time` is None for a time that does not exist: an event is never given up for its clock.
    """
    severity = severity_of(event.get("syslog_severity")) or severity_of(event.get("severity"))
    trap_oid = event.get("trap_oid")
    time = time_of(event["timestamp"])
    return {
        "hostname": hostname_of(event["hostname"]),
        "message": event["message"],
        "syslog_severity": severity.value if severity else None,
        "trap_oid": oid_of(trap_oid) if trap_oid else None,
        "source_type": event.get("source_type") or ("snmptrap" if trap_oid else ""),
        "event_time": time.isoformat() if time else None,
    }
