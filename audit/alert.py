"""What waits to be sent to Moogsoft: of a record only what an alert is made of."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class Alert(NamedTuple):
    """A record that waits for delivery; the fields down to `clears` are columns of the table (see `models.Record`).

    `batch` is the one that it came in. `ahead`: the last earlier event of its deduplication key that is pending in
    another batch, if any is.
    """

    event_id: UUID
    received_at: datetime
    hostname: str
    event_time: datetime | None
    message: str
    syslog_severity: str
    trap_oid: str
    source_type: str
    rule_id: int | None
    rule_name: str
    handling: str
    environment: str
    team: str
    reason: str
    deduplication_key: str
    clears: bool
    batch: UUID
    ahead: UUID | None = None


COLUMNS = Alert._fields[: Alert._fields.index("batch")]
