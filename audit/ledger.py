"""The equation: accepted = delivered + ignored + unmatched + suppressed + dead + lost + pending, at any moment.

Two stores cannot be read in one instant, so the reading is made to fit. Redis gives, in one transaction, the
number of accepted events (A) and the batches which have no record yet (U). PostgreSQL, read afterwards, counts only
records of batches opened up to A, by the tallies that it keeps of them; what it has recorded of U in the meantime is
taken off U. A difference that remains is a loss or a double, never a race.
"""

from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from audit.ids import last_id_of
from audit.journal import Journal
from audit.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Ledger:
    """The equation's terms, as numbers of events. `rejected` were refused at the door, hence not accepted.

    `lost` were booked as that by a person, after a store was put back to an earlier moment (audit/after_restore.py).
    """

    accepted: int
    delivered: int
    ignored: int
    unmatched: int
    suppressed: int
    dead: int
    pending: int
    rejected: int
    lost: int = 0

    @property
    def imbalance(self) -> int:
        """Accepted events that no term explains; below 0: events that were recorded but never accepted."""
        explained = self.delivered + self.ignored + self.unmatched + self.suppressed + self.dead + self.lost
        return self.accepted - explained - self.pending

    @property
    def balanced(self) -> bool:
        return self.imbalance == 0


def read_ledger(journal: Journal, forgotten: int = 0) -> Ledger:
    """Read both stores and weigh them, as if the journal counted so many accepted events more."""
    totals = journal.totals()
    accepted = totals.accepted + forgotten
    recorded, caught_up, lost = tallied(accepted, list(totals.unrecorded))
    unrecorded = sum(totals.unrecorded.values()) - caught_up
    return Ledger(
        accepted=accepted,
        delivered=recorded.get(Outcome.DELIVERED, 0),
        ignored=recorded.get(Outcome.IGNORED, 0),
        unmatched=recorded.get(Outcome.UNMATCHED, 0),
        suppressed=recorded.get(Outcome.SUPPRESSED, 0),
        dead=recorded.get(Outcome.DEAD, 0),
        pending=recorded.get(Outcome.PENDING, 0) + unrecorded,
        rejected=totals.rejected,
        lost=lost,
    )


# One statement, so that all counts are of one snapshot.
_COUNT = """
SELECT outcome, sum(entered - gone)::bigint FROM audit_tally WHERE journal_seq <= %s GROUP BY outcome
UNION ALL
SELECT NULL, count(*) FROM unnest(%s::uuid[], %s::uuid[]) AS batch(first, last)
  JOIN audit_record r ON r.event_id BETWEEN batch.first AND batch.last
UNION ALL
SELECT 'lost', coalesce(sum(events), 0)::bigint FROM audit_loss
"""


def tallied(up_to_seq: int, unrecorded: list[UUID]) -> tuple[dict[Outcome, int], int, int]:
    """The records by outcome, how many of them Redis takes for unrecorded, and what is booked as lost."""
    first = [str(batch) for batch in unrecorded]
    last = [str(last_id_of(batch)) for batch in unrecorded]
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [up_to_seq, first, last])
        rows: dict[str | None, int] = dict(cursor.fetchall())
    caught_up, lost = rows.pop(None), rows.pop("lost")
    return {Outcome(str(outcome)): count for outcome, count in rows.items()}, caught_up, lost
