"""What came to the door, as PostgreSQL has it: for the home page, the API, and whoever asks why an event is not there.

A request is in it some seconds later (`MUTT_TRAFFIC_EVERY_S`).
"""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.models import Max, Q, QuerySet, Sum
from django.db.models.functions import Lower

from audit.models import Record
from ingest.answers import ACCEPTED, OUR_FAULT, REJECTED, REPEATED
from ingest.traffic_models import RefusedRequests, TrafficMinute

RECORDS_OF_A_HOST = 100
_FAULTS = sorted(why.value for why in OUR_FAULT)
_NOT_REFUSED = [ACCEPTED, REJECTED, REPEATED]


@dataclass(frozen=True, slots=True)
class TrafficRow:
    """One minute of one source. Older than two days it is an hour; `minute` is when it begins.

    `accepted` and `rejected` are events, all others are requests: `requests` all of them, `refused` those that were
    refused as a whole by their sender's fault, `failed` those by ours (5xx).
    """

    minute: datetime
    source: str
    requests: int
    accepted: int
    rejected: int
    refused: int
    failed: int


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """Refused requests of the same reason, key and address; `api_key` is a name, empty where none is known."""

    why: str
    api_key: str
    address: str
    requests: int
    last_at: datetime


_BY_MINUTE = """
SELECT minute, source, sum(requests)::bigint,
       coalesce(sum(events) FILTER (WHERE answer = %(accepted)s), 0)::bigint,
       coalesce(sum(events) FILTER (WHERE answer <> %(accepted)s), 0)::bigint,
       coalesce(sum(requests) FILTER (WHERE NOT answer = ANY(%(others)s)), 0)::bigint,
       coalesce(sum(requests) FILTER (WHERE answer = ANY(%(faults)s)), 0)::bigint
  FROM ingest_traffic WHERE minute >= %(begin)s AND minute < %(end)s
 GROUP BY minute, source ORDER BY minute, source
"""


def traffic_by_minute(begin: datetime, end: datetime) -> list[TrafficRow]:
    """The minutes that begin in [begin, end), each source by itself; minutes without a request are not in it."""
    given: dict[str, Any] = {
        "begin": begin,
        "end": end,
        "accepted": ACCEPTED,
        "others": _NOT_REFUSED + _FAULTS,
        "faults": _FAULTS,
    }
    with connection.cursor() as cursor:
        cursor.execute(_BY_MINUTE, given)
        return [TrafficRow(*row) for row in cursor.fetchall()]


def rejections_by_source(begin: datetime, end: datetime) -> list[tuple[str, str, int]]:
    """Source, answer and events that were not taken in the minutes that begin in [begin, end), the most first."""
    rows = TrafficMinute.objects.filter(minute__gte=begin, minute__lt=end, events__gt=0).exclude(answer=ACCEPTED)
    summed = rows.values("source", "answer").annotate(number=Sum("events")).order_by("-number", "source", "answer")
    return [(row["source"], row["answer"], row["number"]) for row in summed]


def refusals_since(since: datetime) -> QuerySet[RefusedRequests]:
    """Rows of refused requests whose last one came at or after `since`; they may begin up to an hour earlier."""
    hour = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return RefusedRequests.objects.filter(hour__gte=hour, last_at__gte=since)


def summed(rows: QuerySet[RefusedRequests], most: int) -> list[RefusalRow]:
    """The hours of these rows added up, by reason, key and address; the latest first."""
    added = (
        rows.order_by()
        .values("why", "api_key", "address")
        .annotate(requests_in_all=Sum("requests"), last=Max("last_at"))
        .order_by("-last", "why", "api_key", "address")[:most]
    )
    return [
        RefusalRow(row["why"], row["api_key"], row["address"], row["requests_in_all"], row["last"]) for row in added
    ]


def recent_refusals(since: datetime, host_or_address: str | None = None, most: int = 100) -> list[RefusalRow]:
    """Refused requests since a moment, the latest first; of everybody, from an address, or that bear on a host.

    A refused request was not read, so it names no host. What bears on one is what came from the addresses, or with
    the keys, by which the host's last events came: its own, or those of the relay that sends for it.
    """
    rows = refusals_since(since)
    if host_or_address is None:
        return summed(rows, most)
    if _is_address(host_or_address):
        return summed(rows.filter(address=host_or_address.strip()), most)
    ways = _ways_of(host_or_address)
    keys, addresses = {key for key, _ in ways}, {address for _, address in ways}
    return summed(rows.filter(Q(api_key__in=keys) | Q(address__in=addresses)), most)


def _ways_of(hostname: str) -> list[tuple[str, str]]:
    """The names of keys and the addresses that the host's last events came with."""
    records = Record.objects.alias(host=Lower("hostname")).filter(host=hostname.strip().lower())
    return list(records.order_by("-event_id").values_list("api_key", "address")[:RECORDS_OF_A_HOST])


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip())
    except ValueError:
        return False
    return True
