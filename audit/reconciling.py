"""Where the ledger does not balance: which batches are involved.

The journal numbers the accepted events: a batch of n events that brought their number to s has the records of s-n+1
to s, so the records form a chain without gaps. Where a link is too long or too short, events are missing or too many.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from audit.connections import redis_client
from audit.ids import batch_of, first_id_at, received_at
from audit.journal import PREFIX, Journal
from audit.ledger import read_ledger
from audit.searching import TooBroadError, in_time

CHECKED = f"{PREFIX}ledger"
MOST_NAMED = 20
# How far it is looked back, as long as the whole imbalance is not explained.
LOOKS = (timedelta(hours=1), timedelta(days=1), timedelta(days=31), timedelta(days=100 * 365))
# Batches that came at once may have their numbers in another order than their ids, by about as much.
_EDGE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Suspect:
    """A batch with other than the expected number of records, or the first one behind batches that have none at all.

    `expected` is how many events were accepted after the batch before it, `found` how many records it has.
    """

    batch: UUID
    received_at: datetime
    before: UUID
    expected: int
    found: int


@dataclass(frozen=True, slots=True)
class Check:
    """What a look at the ledger found. `looked_back_to` is None where it balanced: nobody looked."""

    at: datetime
    imbalance: int
    suspects: list[Suspect]
    looked_back_to: datetime | None = None


def check_ledger(journal: Journal, now: datetime) -> Check:
    """Weigh the ledger; where it does not balance, name the batches involved."""
    imbalance = read_ledger(journal).imbalance
    if not imbalance:
        return Check(now, 0, [])
    return name_suspects(journal, imbalance, now)


def name_suspects(journal: Journal, imbalance: int, now: datetime) -> Check:
    """Look further and further back until the whole imbalance is explained, or time is over."""
    totals = journal.totals()
    openings = journal.openings(list(totals.unrecorded))
    waiting = [(seq, batch, totals.unrecorded[batch]) for batch, seq in openings.items()]
    suspects: list[Suspect] = []
    looked_back_to = now
    for far in LOOKS:
        since = max(now - far, datetime(1970, 1, 3, tzinfo=UTC))
        try:
            suspects = _broken_links(since, totals.accepted, waiting)
        except TooBroadError:
            break
        looked_back_to = since
        if sum(one.expected - one.found for one in suspects) == imbalance:
            break
    return Check(now, imbalance, suspects[-MOST_NAMED:], looked_back_to)


_CHAIN = """
WITH recorded AS (
    SELECT journal_seq AS seq, min(event_id::text)::uuid AS first, count(*) AS found
      FROM audit_record WHERE event_id >= %(since)s AND journal_seq <= %(accepted)s GROUP BY journal_seq
), link AS (
    SELECT seq, first, found FROM recorded
    UNION ALL
    SELECT seq, first, size FROM unnest(%(seqs)s::bigint[], %(batches)s::uuid[], %(sizes)s::bigint[])
           AS waiting (seq, first, size)
     WHERE NOT EXISTS (SELECT 1 FROM recorded WHERE recorded.seq = waiting.seq)
), chain AS (
    SELECT first, found, seq - lag(seq) OVER (ORDER BY seq) AS expected, lag(first) OVER (ORDER BY seq) AS before
      FROM link
)
SELECT first, before, expected, found FROM chain WHERE expected <> found AND first >= %(from)s ORDER BY first
"""


def _broken_links(since: datetime, accepted: int, waiting: Sequence[tuple[int, UUID, int]]) -> list[Suspect]:
    arguments: dict[str, Any] = {
        "since": str(first_id_at(since - _EDGE)),
        "from": str(first_id_at(since)),
        "accepted": accepted,
        "seqs": [seq for seq, _, _ in waiting],
        "batches": [str(batch) for _, batch, _ in waiting],
        "sizes": [size for _, _, size in waiting],
    }
    with in_time(), connection.cursor() as cursor:
        cursor.execute(_CHAIN, arguments)
        return [
            Suspect(batch_of(first), received_at(first), batch_of(before), expected, found)
            for first, before, expected, found in cursor.fetchall()
        ]


def remember(check: Check) -> None:
    """Keep what the last look found, for the metrics and the home page."""
    redis_client().set(CHECKED, orjson.dumps(check))


def remembered() -> Check | None:
    """What the last look at the ledger found. Raises RedisError."""
    kept: Any = redis_client().get(CHECKED)
    if kept is None:
        return None
    found = orjson.loads(kept)
    suspects = [
        Suspect(
            batch=UUID(one["batch"]),
            received_at=datetime.fromisoformat(one["received_at"]),
            before=UUID(one["before"]),
            expected=one["expected"],
            found=one["found"],
        )
        for one in found["suspects"]
    ]
    looked_back_to = found["looked_back_to"] and datetime.fromisoformat(found["looked_back_to"])
    return Check(datetime.fromisoformat(found["at"]), found["imbalance"], suspects, looked_back_to)
