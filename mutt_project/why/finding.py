"""Looking for events: by id, host or text, in records, quarantine and journal, and never further than is said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from audit.entry import Entry, in_our_words
from audit.ids import batch_of, first_id_at, last_id_of, received_at
from audit.journal import Place, journal
from audit.models import Record
from audit.retention import archived_month
from audit.searching import TooBroadError, Wanted, page_of, words_of
from ingest.quarantine_models import Quarantined
from rules.event import host_key, hostname_of

MOST_FOUND = 20
NEWEST_RECORDS = 20_000
NEWEST_WITH_WORDS = 500
NEWEST_REFUSED = 1000
NEWEST_BATCHES = 60
_AT_ONCE = 20
_MOST_EVENTS = 20_000  # in flight, looked at

_WITH_TEXT = """
SELECT * FROM (
    SELECT * FROM audit_record WHERE event_id >= %s ORDER BY event_id DESC LIMIT %s) AS newest
 WHERE position(%s IN lower(message)) > 0 OR position(%s IN lower(hostname)) > 0 OR address = %s
 ORDER BY event_id DESC LIMIT %s
"""
# The body is bytes: PostgreSQL's format `escape` spells what is no ASCII by numbers, on both sides.
_REFUSED = """
SELECT * FROM (SELECT * FROM ingest_quarantined ORDER BY id DESC LIMIT %s) AS newest
 WHERE position(lower(encode(%s, 'escape')) IN lower(encode(body, 'escape'))) > 0 OR address = %s OR api_key = %s
 ORDER BY id DESC LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class InFlight:
    """Events of the journal that have no record yet; `looked_at` batches of so many `open_batches`."""

    found: Sequence[tuple[Entry, Place]]
    looked_at: int
    open_batches: int


def records_of_host(name: str, since: datetime) -> list[Record]:
    """The newest records of a host since then, by the index on hosts."""
    return list(_of_host(name).filter(event_id__gte=first_id_at(since))[:MOST_FOUND])


def last_of_host(name: str) -> Record | None:
    """The last record of a host, however old."""
    return _of_host(name).first()


def _of_host(name: str) -> QuerySet[Record]:
    """In the order of the index: one value, so that the newest are read first and no more than are wanted."""
    host = hostname_of(name).lower()
    return Record.objects.alias(host=Lower("hostname")).filter(host=host).order_by("-event_id")


def records_with_text(text: str, since: datetime) -> tuple[list[Record], str]:
    """The newest records whose message or host holds a text, or that came from that address; and how far was looked.

    By its words all of them are looked through; for a part of a word, a host or an address, only the newest.
    """
    if words_of(text) and (found := _with_words(text, since)):
        return found, f"records since {since:%F %H:%M} UTC, for the text, by its words"
    wanted = text.lower()
    arguments = [first_id_at(since), NEWEST_RECORDS, wanted, wanted, text, MOST_FOUND]
    looked = f"records since {since:%F %H:%M} UTC by its words, and the newest {NEWEST_RECORDS:,} records for the text"
    return list(Record.objects.raw(_WITH_TEXT, arguments)), looked


def _with_words(text: str, since: datetime) -> list[Record]:
    """The newest that hold the text as it is, among those that have all of its words."""
    try:
        found = page_of(Wanted(text=text, since=since), NEWEST_WITH_WORDS)
    except TooBroadError:
        return []
    return [record for record in found if text.lower() in record.message.lower()][:MOST_FOUND]


def why_missing(identifier: UUID) -> str:
    """Why there is nothing of this id: its month is in the archive, or it never came."""
    month = archived_month(received_at(identifier))
    if month:
        return f"{month} was archived, and can be restored (muttctl audit restore {month})"
    return "it was never accepted here, or its record has been dropped"


def records_of_batch(batch: UUID) -> list[Record]:
    """The first records of a batch."""
    return list(Record.objects.filter(event_id__gte=batch, event_id__lte=last_id_of(batch)).order_by("pk")[:MOST_FOUND])


def refused_with_text(text: str) -> tuple[list[Quarantined], str]:
    """The newest refused events that hold a text, or came from that address or key; and how far was looked."""
    arguments = [NEWEST_REFUSED, text.encode("utf-8", "replace"), text, text, MOST_FOUND]
    return list(Quarantined.objects.raw(_REFUSED, arguments)), f"the newest {NEWEST_REFUSED:,} refused events"


def refused_called(identifier: UUID) -> list[Quarantined]:
    """The refused event of this id, or those that were accepted in this batch later."""
    return list(Quarantined.objects.filter(Q(pk=identifier) | Q(batch_id=identifier))[:MOST_FOUND])


def in_flight_with_text(text: str) -> InFlight:
    """Events without a record yet whose host or message holds a text, in the newest batches."""
    books = journal()
    batches, open_batches = books.unrecorded(NEWEST_BATCHES)
    found: list[tuple[Entry, Place]] = []
    looked_at = events = 0
    while looked_at < len(batches) and events < _MOST_EVENTS and len(found) < MOST_FOUND:
        for batch in batches[looked_at : looked_at + _AT_ONCE]:
            entries, place = books.look(batch), books.place_of(batch)
            looked_at += 1
            if entries and place:
                events += len(entries[1])
                found += [(entry, place) for entry in entries[1] if _holds(entry, text)]
    return InFlight(found[:MOST_FOUND], looked_at, open_batches)


def in_flight_of_batch(batch: UUID) -> list[tuple[Entry, Place]]:
    """The first events of a batch that is in the journal."""
    entries, place = journal().look(batch_of(batch)), journal().place_of(batch_of(batch))
    return [(entry, place) for entry in entries[1][:MOST_FOUND]] if entries and place else []


def _holds(entry: Entry, text: str) -> bool:
    event = in_our_words(entry)
    host, message = (str(event.get(name) or "") for name in ("hostname", "message"))
    return host_key(host) == host_key(text) or text.lower() in host.lower() or text.lower() in message.lower()
