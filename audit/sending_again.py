"""Recorded events as the webhook takes them: to be decided anew, as new events."""

from typing import Any

from audit.models import Record


def to_send(record: Record) -> dict[str, Any]:
    """The event by the schema, in canonical form. It names its record, and the object that its alert is about."""
    fields = {
        "hostname": record.hostname,
        "timestamp": (record.event_time or record.received_at).isoformat(),
        "message": record.message,
        "syslog_severity": record.syslog_severity,
        "trap_oid": record.trap_oid,
        "source_type": record.source_type,
        "clear": record.clears or None,
        "alert_key": _alert_key(record),
        "sent_before_as": str(record.event_id),
    }
    return {name: value for name, value in fields.items() if value not in (None, "") or name == "message"}


def _alert_key(record: Record) -> Any:
    """What an alert of another rule is to be told apart by, as that of this one was."""
    if record.rule_id is not None:
        return record.deduplication_key.removeprefix(f"mutt:{record.rule_id}:{record.hostname.casefold()}:")
    return record.event.get("alert_key") if isinstance(record.event, dict) else None
