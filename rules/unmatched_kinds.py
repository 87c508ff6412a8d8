"""The kinds of events that no rule matches, the most frequent first, and the beginning of a rule for each."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from audit.models import Record
from audit.outcomes import Outcome
from rules.signature import signature
from rules.suggesting import rule_for

LOOKED_AT = 3000  # the newest unmatched events
_COLUMNS = ("event_id", "received_at", "hostname", "message", "trap_oid")


@dataclass(frozen=True, slots=True)
class Kind:
    """Unmatched events that say the same; `event_id`, `message` and `last_at` are those of the newest."""

    count: int
    hosts: int
    event_id: UUID
    message: str
    trap_oid: str
    last_at: datetime

    @property
    def draft(self) -> dict[str, Any]:
        """Fields of a rule that would match them."""
        return rule_for(self.message, self.trap_oid)


@dataclass(frozen=True, slots=True)
class Kinds:
    """The most frequent kinds among so many events, the oldest of which was received `since`."""

    top: list[Kind]
    of: int
    since: datetime | None


def unmatched_kinds(most: int) -> Kinds:
    """Look at the newest unmatched events; however many there are, no more than LOOKED_AT are read."""
    records = Record.objects.filter(outcome=Outcome.UNMATCHED.value).order_by("-event_id")
    rows = list(records.values_list(*_COLUMNS)[:LOOKED_AT])
    return Kinds(_top(rows, most), len(rows), rows[-1][1] if rows else None)


def _top(rows: Iterable[tuple[UUID, datetime, str, str, str]], most: int) -> list[Kind]:
    counts: Counter[str] = Counter()
    hosts: dict[str, set[str]] = {}
    newest: dict[str, tuple[UUID, datetime, str, str, str]] = {}
    for row in rows:
        _, _, hostname, message, trap_oid = row
        name = signature(message, trap_oid or None)
        counts[name] += 1
        hosts.setdefault(name, set()).add(hostname.lower())
        newest.setdefault(name, row)
    return [
        Kind(count, len(hosts[name]), newest[name][0], newest[name][3], newest[name][4], newest[name][1])
        for name, count in counts.most_common(most)
    ]
