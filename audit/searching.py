"""Search over records: by host, time, rule, outcome, team, words, batch, correlation id; always the newest first.

Each way of searching has an index that gives its rows in this order, so that a page costs a page, however many
records there are; nothing is ever counted.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower
from django.utils import timezone

from audit.ids import batch_of, first_id_at, last_id_of, received_at
from audit.models import Record
from audit.tuning.present import tuned

_PAGE = 5000
_SHORTEST_BEGINNING = 3
_LOOKED_THROUGH = 2000
# An index of words does not know which of the many events that say them are the newest: they are looked for in the
# last day first, then further back.
_LOOKS = (timedelta(days=1), timedelta(days=8), timedelta(days=40))
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)  # no id is older
_WORD = re.compile(r"[^\W_]+")


class TooBroadError(Exception):
    """The search did not end in time."""

    def __init__(self, limit_s: float) -> None:
        super().__init__(f"This search did not end within {limit_s:g} s. Narrow it: name a time, a host or a rule.")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a record must have; None: whatever. `since` counts, `until` does not; `before`: older than this event."""

    hostname: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    rule_id: int | None = None
    outcome: str | None = None
    team: str | None = None
    text: str | None = None
    correlation_id: str | None = None
    batch: UUID | None = None
    before: UUID | None = None


def words_of(text: str) -> list[str]:
    """The words that a search for this text looks for: what stands between blanks and punctuation."""
    return _WORD.findall(text)


def search(wanted: Wanted) -> QuerySet[Record]:
    """The records, the newest first."""
    found = Record.objects.order_by("-event_id")
    if wanted.hostname is not None:
        found = found.alias(host=Lower("hostname")).filter(host=wanted.hostname.lower())
    equal = {name: getattr(wanted, name) for name in ("rule_id", "outcome", "team", "correlation_id")}
    found = found.filter(**{name: value for name, value in equal.items() if value is not None})
    if wanted.text is not None:
        found = found.filter(_says(wanted.text))
    if wanted.batch is not None:
        found = found.filter(event_id__gte=batch_of(wanted.batch), event_id__lte=last_id_of(batch_of(wanted.batch)))
    if wanted.since is not None:
        found = found.filter(event_id__gte=first_id_at(wanted.since))
    if wanted.until is not None:
        found = found.filter(event_id__lt=first_id_at(wanted.until))
    if wanted.before is not None:
        found = found.filter(event_id__lt=wanted.before)
    return found


_SAYS = "audit_words({}.message) @@ to_tsquery('pg_catalog.simple', %s)"


def _says(text: str) -> RawSQL:
    """All of these words stand in the message; the last one may be the beginning of one."""
    return RawSQL(_SAYS.format("audit_record"), [_query_of(text)], output_field=BooleanField())  # noqa: S611 - a constant, with parameters  # nosec B611


def _query_of(text: str) -> str:
    *others, last = (f"'{word}'" for word in words_of(text))
    # A beginning of one or two letters stands for thousands of words.
    last += ":*" if len(words_of(text)[-1]) >= _SHORTEST_BEGINNING else ""
    return " & ".join([*others, last])


@contextmanager
def in_time() -> Iterator[None]:
    """Each query in here ends within MUTT_SEARCH_TIMEOUT_S. Raises TooBroadError where one would not."""
    limit_s = tuned.MUTT_SEARCH_TIMEOUT_S
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{limit_s * 1000:.0f}ms"])
            yield
    except OperationalError as error:
        if "statement timeout" not in str(error):
            raise
        raise TooBroadError(limit_s) from error


def newest(wanted: Wanted, most: int) -> QuerySet[Record]:
    """The newest of what is wanted, at least as many as `most` if there are so many."""
    if wanted.text is None or wanted.correlation_id or wanted.batch:
        return search(wanted)
    if wanted.hostname or wanted.rule_id or wanted.team or wanted.outcome:
        identifiers = _with_words(wanted, most)
        if len(identifiers) == most:
            return Record.objects.filter(event_id__in=identifiers).order_by("-event_id")
        if wanted.hostname:
            return search(wanted)
    bounds = [timezone.now(), wanted.until, received_at(wanted.before) if wanted.before else None]
    end = max(_BEGINNING, min(bound for bound in bounds if bound is not None))
    for far in _LOOKS:
        since = end - far
        if wanted.since is not None and wanted.since >= since:
            break
        found = search(replace(wanted, since=since)).values_list("event_id", flat=True)
        identifiers = list(found[:most])
        if len(identifiers) == most:
            return Record.objects.filter(event_id__in=identifiers).order_by("-event_id")
    return search(wanted)


def _with_words(wanted: Wanted, most: int) -> list[UUID]:
    """Of the newest that are like that otherwise, those that have the words: enough of them, if the words are common.

    If they are rare, their index is the better way; for common ones it would name a million events.
    """
    others = search(replace(wanted, text=None)).values("event_id", "message")[:_LOOKED_THROUGH]
    sql, arguments = others.query.sql_with_params()
    sql = f"SELECT event_id FROM ({sql}) AS newest WHERE {_SAYS.format('newest')} ORDER BY event_id DESC LIMIT %s"  # noqa: S608 - of constants and what Django makes  # nosec B608
    with connection.cursor() as cursor:
        cursor.execute(sql, [*arguments, _query_of(wanted.text or ""), most])
        return [event for (event,) in cursor.fetchall()]


def page_of(wanted: Wanted, most: int) -> list[Record]:
    """The newest of what is wanted. Raises TooBroadError."""
    with in_time():
        return list(newest(wanted, most)[:most])


def every_page_of(wanted: Wanted) -> Iterator[list[Record]]:
    """All that is wanted, a page at a time: however many there are, only one page is in memory.

    Raises TooBroadError.
    """
    while page := page_of(wanted, _PAGE):
        yield page
        if len(page) < _PAGE:
            return
        wanted = replace(wanted, before=page[-1].event_id)
