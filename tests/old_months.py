"""Months of the past, which only time could bring about."""

from uuid import UUID

from audit.partitions import Month
from tests.mutt import Mutt


def fill_month(mutt: Mutt, month: Month, identifier: UUID) -> None:
    """A month of the past with one record, past the tallies: nothing accepted it here."""
    partition = month.partition
    bounds = [str(month.first_id), str(month.end_id)]
    with mutt.database() as cursor:
        cursor.execute(f"CREATE TABLE {partition} (LIKE audit_record INCLUDING ALL)")
        cursor.execute(
            f"INSERT INTO {partition} (event_id, journal_seq, received_at, api_key, address, hostname, message,"
            " syslog_severity, trap_oid, source_type, event, rule_name, handling, environment, team, reason,"
            " deduplication_key, outcome) VALUES (%s, 1000000000000, %s, '', '', 'old-host', 'long ago', '', '', '',"
            " '{}', '', '', '', '', '', '', 'unmatched')",
            [str(identifier), month.start],
        )
        cursor.execute(f"ALTER TABLE audit_record ATTACH PARTITION {partition} FOR VALUES FROM (%s) TO (%s)", bounds)
