"""What was refused lately: the part of an answer that says why something may never have arrived."""

from datetime import datetime, timedelta

from django.db.models import Count

from audit.ids import first_id_at
from ingest.quarantine_models import Quarantined
from ingest.traffic_looking import RefusalRow, recent_refusals

_LATELY = timedelta(days=1)
_SHOWN = 3


def turned_away(now: datetime, host_or_address: str | None) -> list[str]:
    """Sentences on requests that were refused as a whole within a day: those that bear on it first, then any."""
    since = now - _LATELY
    bearing = recent_refusals(since, host_or_address, most=_SHOWN) if host_or_address else []
    rows = bearing or recent_refusals(since, most=_SHOWN)
    others = "" if bearing else "; they may be of others"
    return [
        f"{_requests(row)} within a day ({row.why}), the last {row.last_at:%F %H:%M:%S} UTC{others}." for row in rows
    ]


def _requests(row: RefusalRow) -> str:
    key = f" with the key “{row.api_key}”" if row.api_key else ""
    return f"{row.requests:,} requests{key} from {row.address} were refused"


def refused_lately(now: datetime) -> list[str]:
    """Sentences on whose events were refused within a day."""
    rows = Quarantined.objects.filter(id__gte=first_id_at(now - _LATELY)).order_by()
    senders = rows.values("api_key", "address", "reason").annotate(count=Count("*")).order_by("-count")[:_SHOWN]
    said = [
        f"{one['count']} events of key “{one['api_key']}” from {one['address']} were refused within a day:"
        f" {one['reason']}."
        for one in senders
    ]
    return said or ["No event was refused within a day, so far as the quarantine has it (it takes about ten seconds)."]
