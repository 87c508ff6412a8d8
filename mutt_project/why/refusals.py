"""What was refused lately: the part of an answer that says why something may never have arrived."""

from datetime import datetime, timedelta

from django.db.models import Count

from audit.ids import first_id_at
from ingest.quarantine_models import Quarantined

_LATELY = timedelta(days=1)
_SHOWN = 3


def refused_lately(now: datetime) -> list[str]:
    """Sentences on who was refused within a day.

    Requests that were turned away at the door (no key, no right, no room) are known by metrics and logs only, not
    here: a table of them, by key and address, is to be asked in this place.
    """
    rows = Quarantined.objects.filter(id__gte=first_id_at(now - _LATELY)).order_by()
    senders = rows.values("api_key", "address", "reason").annotate(count=Count("*")).order_by("-count")[:_SHOWN]
    said = [
        f"{one['count']} events of key “{one['api_key']}” from {one['address']} were refused within a day:"
        f" {one['reason']}."
        for one in senders
    ]
    return said or ["No event was refused within a day, so far as the quarantine has it (it takes about ten seconds)."]
