"""From a valid event to its canonical form: UTC times, severity names, OIDs, host names."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from rules.event import hostname_of, oid_of, severity_of

_RFC_3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?:[Zz]|([+-])(\d\d):?(\d\d))", re.ASCII
)


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


def time_of(text: str) -> datetime | None:
    """An RFC 3339 time in UTC; digits beyond the microsecond are cut. None if there is no such time."""
    parts = _RFC_3339.fullmatch(text)
    if parts is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in parts.groups()[:6])
    fraction, sign, offset_hours, offset_minutes = parts.groups()[6:]
    microsecond = int((fraction or "0")[:6].ljust(6, "0"))
    try:
        offset = timedelta(hours=int(offset_hours or 0), minutes=int(offset_minutes or 0))
        zone = timezone(-offset if sign == "-" else offset)
        moment = datetime(year, month, day, hour, minute, second, microsecond, tzinfo=zone)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
