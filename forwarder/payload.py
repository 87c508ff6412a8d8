"""What Moogsoft is sent for one alert, in the words of its two products.

Cloud: Events API (contract 1.0.0). Onprem: REST LAM. The settings `MOOGSOFT_*` choose between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from audit.alert import Alert
from audit.canary import CANARY, is_canary
from rules.event import Severity

MAX_TEXT = 32_500  # Events API: longest `source` and `description`, in characters
MAX_SIGNATURE_BYTES = 767  # REST LAM: longest `signature`
MANAGER = "MUTT"
_EARLIEST = datetime(2001, 1, 1, tzinfo=UTC)
_FURTHEST_AHEAD = timedelta(days=1)


class Flavour(StrEnum):
    """Which Moogsoft product is at the other end."""

    CLOUD = "cloud"
    ONPREM = "onprem"


# Ours, see docs/adr/0006: emergencies are critical, what asks for nobody is unknown; clear is what the sender clears.
_LEVELS: dict[str, tuple[str, int]] = {
    Severity.EMERGENCY: ("critical", 5),
    Severity.ALERT: ("critical", 5),
    Severity.CRITICAL: ("critical", 5),
    Severity.ERROR: ("major", 4),
    Severity.WARNING: ("minor", 3),
    Severity.NOTICE: ("warning", 2),
    Severity.INFO: ("unknown", 1),
    Severity.DEBUG: ("unknown", 1),
}
_NO_SEVERITY = ("warning", 2)
_CLEAR = ("clear", 0)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one destination wants its body. `auth_token` goes into the body of a REST LAM."""

    flavour: Flavour
    key_field: str = "deduplication_key"
    services_field: str = "services"
    wrap_in_array: bool = True
    auth_token: str = ""


def body_of(alerts: Sequence[Alert], dialect: Dialect, unmatched_threshold: int) -> Any:
    """The JSON body for these alerts."""
    if dialect.flavour is Flavour.ONPREM:
        body: dict[str, Any] = {"events": [_onprem(alert, unmatched_threshold) for alert in alerts]}
        return {**body, "auth_token": dialect.auth_token} if dialect.auth_token else body
    events = [_cloud(alert, dialect, unmatched_threshold) for alert in alerts]
    return events if dialect.wrap_in_array else events[0]


def _cloud(alert: Alert, dialect: Dialect, threshold: int) -> dict[str, Any]:
    return {
        "source": alert.hostname[:MAX_TEXT],
        "check": _check(alert),
        "severity": _level(alert)[0],
        "description": _description(alert, threshold),
        dialect.key_field: alert.deduplication_key,
        "time": int(_time(alert).timestamp()),
        dialect.services_field: [alert.team] if dialect.services_field == "services" else alert.team,
        "manager": MANAGER,
        "class": alert.source_type or "event",
        "type": alert.handling or CANARY,
        "tags": _tags(alert),
    }


def _onprem(alert: Alert, threshold: int) -> dict[str, Any]:
    return {
        "signature": alert.deduplication_key.encode()[:MAX_SIGNATURE_BYTES].decode("utf-8", "ignore"),
        "source_id": alert.hostname,
        "external_id": str(alert.event_id),
        "manager": MANAGER,
        "source": alert.hostname[:MAX_TEXT],
        "class": alert.source_type or "event",
        "agent": MANAGER,
        "agent_location": alert.environment,
        "type": _check(alert),
        "severity": _level(alert)[1],
        "description": _description(alert, threshold),
        "agent_time": int(_time(alert).timestamp()),
        "custom_info": _tags(alert),
    }


def _check(alert: Alert) -> str:
    if is_canary(alert.hostname, alert.source_type):
        return CANARY
    return alert.rule_name or "unmatched events"


def _level(alert: Alert) -> tuple[str, int]:
    return _CLEAR if alert.clears else _LEVELS.get(alert.syslog_severity, _NO_SEVERITY)


def _description(alert: Alert, threshold: int) -> str:
    text = alert.message.strip() or alert.trap_oid or _check(alert)
    if alert.rule_id is None and not is_canary(alert.hostname, alert.source_type):
        text = f"{threshold} events like this one from {alert.hostname} matched no rule: {text}"
    return text[:MAX_TEXT]


def _time(alert: Alert) -> datetime:
    """The sender's time, unless its clock is dead or far ahead: then the time of receipt."""
    latest = alert.received_at + _FURTHEST_AHEAD
    if alert.event_time is None or not _EARLIEST <= alert.event_time <= latest:
        return alert.received_at
    return alert.event_time


def _tags(alert: Alert) -> dict[str, str | int]:
    tags: dict[str, str | int | None] = {
        "handling": alert.handling,
        "environment": alert.environment,
        "team": alert.team,
        "rule_id": alert.rule_id,
        "reason": alert.reason,
        "trap_oid": alert.trap_oid,
        "syslog_severity": alert.syslog_severity,
    }
    told = {name: value for name, value in tags.items() if value is not None and value != ""}
    return {"event_id": str(alert.event_id), "batch_id": str(alert.batch), **told}
