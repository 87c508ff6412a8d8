"""Alerts to be sent: records as match_batch writes them."""

from datetime import UTC, datetime
from typing import Any

from audit.alert import COLUMNS, Alert
from audit.ids import batch_of, event_id, new_batch_id, received_at
from audit.models import Record

NOW = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)


def alert(**fields: Any) -> Record:
    """An alert that a rule has won, not saved."""
    identifier = fields.pop("event_id", None) or event_id(new_batch_id(NOW), 0)
    values: dict[str, Any] = {
        "received_at": received_at(identifier),
        "journal_seq": 1,
        "api_key": "sensor",
        "address": "127.0.0.1",
        "hostname": "edge-1",
        "event_time": NOW,
        "message": "Interface Gi0/7 down",
        "syslog_severity": "Error",
        "event": {"hostname": "edge-1"},
        "source_type": "syslog",
        "rule_set_version": 3,
        "rule_id": 7,
        "rule_name": "Interface down",
        "handling": "Page_and_ticket",
        "environment": "prod",
        "team": "NETO",
        "deduplication_key": "mutt:7:edge-1:0123",
        "outcome": "pending",
    }
    return Record(event_id=identifier, **{**values, **fields})


def to_send(**fields: Any) -> Alert:
    """The same as it is read again, to be sent."""
    record = alert(**fields)
    return Alert(**{name: getattr(record, name) for name in COLUMNS}, batch=batch_of(record.event_id))
