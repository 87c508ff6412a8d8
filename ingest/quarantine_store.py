"""From the quarantine's inbox into PostgreSQL, and out of it what is too old or too much."""

import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from django.db import DataError, connection, transaction

from audit.ids import first_id_at
from ingest.quarantine_inbox import Entry, Inbox
from ingest.quarantine_models import Quarantined

logger = logging.getLogger(__name__)

AT_ONCE = 500
MOST_PER_RUN = 10_000
PURGE_EVERY_S = 300
PURGE_EVERY_ROWS = 1000


def empty_inbox(inbox: Inbox, now: datetime, *, max_age: timedelta, most_per_source: int) -> int:
    """Move the inbox to PostgreSQL and purge where that is due; returns how many entries were moved.

    An entry leaves the inbox after it was committed, by its exact contents, and its id is its row's: whoever is
    killed in between, or does the same at the same time, neither loses nor doubles one.
    """
    moved = 0
    with inbox.held() as ours:
        while ours and moved < MOST_PER_RUN:
            found = inbox.head(AT_ONCE)
            store(found)
            inbox.remove(found)
            moved += len(found)
            if inbox.purge_is_due(len(found), every_s=PURGE_EVERY_S, every_rows=PURGE_EVERY_ROWS):
                purge(now, max_age=max_age, most_per_source=most_per_source)
            if len(found) < AT_ONCE:
                break
    return moved


def store(found: Sequence[bytes]) -> None:
    """Write the rows of these entries; those that are there already stay as they are."""
    rows = [row for row in map(_row, found) if row is not None]
    try:
        _insert(rows)
    except (DataError, ValueError):  # the second is psycopg2's, for NUL
        for row in rows:
            _insert_alone(row)


def _insert(rows: Sequence[Quarantined]) -> None:
    with transaction.atomic():
        Quarantined.objects.bulk_create(rows, ignore_conflicts=True)


def _insert_alone(row: Quarantined) -> None:
    try:
        _insert([row])
    except (DataError, ValueError) as error:
        logger.error("refused event %s cannot be stored: %s", row.id, type(error).__name__)  # noqa: TRY400 - it may be a thousand


def _row(raw: bytes) -> Quarantined | None:
    try:
        return Quarantined(**asdict(Entry.read(raw)))
    except (ValueError, KeyError, TypeError) as error:
        logger.error("the quarantine's inbox holds what is none of ours: %s", type(error).__name__)  # noqa: TRY400 - as above
        return None


def purge(now: datetime, *, max_age: timedelta, most_per_source: int) -> int:
    """Delete what is too old, and of each source the oldest beyond its number; returns how many rows."""
    with transaction.atomic():
        with connection.cursor() as cursor:  # nobody has chosen these rows: it is no change to be noted
            cursor.execute("SELECT set_config('mutt.pruning', 'on', true)")
        return _purge(now, max_age, most_per_source)


def _purge(now: datetime, max_age: timedelta, most_per_source: int) -> int:
    deleted, _ = Quarantined.objects.filter(id__lt=first_id_at(now - max_age)).delete()
    for source in list(Quarantined.objects.order_by().values_list("source", flat=True).distinct()):
        rows = Quarantined.objects.filter(source=source)
        newest_beyond = rows.order_by("-id").values_list("id", flat=True)[most_per_source : most_per_source + 1].first()
        if newest_beyond is not None:
            deleted += rows.filter(id__lte=newest_beyond).delete()[0]
    return deleted
