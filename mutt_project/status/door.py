"""Who is refused at the door: a sender whose key was revoked does not complain here, its events are just missing."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from ingest.answers import OUR_FAULT, Why
from ingest.traffic_looking import RefusalRow, recent_refusals
from mutt_project.status.check import Check, ok, warning

LATELY = timedelta(minutes=15)
_FEW = 5  # requests without a known key: somebody's typing error
_MOST_NAMED = 3
_MEND = {
    Why.REVOKED_KEY: "Give the sender another key, or find out who still sends with this one.",
    Why.EXPIRED_KEY: "Give the sender another key, or this one more time.",
    Why.WRONG_SCOPE: "Give the key the scope “ingest”, or the sender another key.",
    Why.WRONG_SOURCE: "Have the sender send where its key may, or allow the key that source.",
    Why.BAD_SIGNATURE: "Compare the sender's signing secret and clock with MUTT's.",
}
_OTHERWISE = "muttctl refusals tells which requests, by key and address."


def refused_requests(now: datetime) -> Iterable[Check]:
    """One check for those with a known key, one for the strangers. Raises django.db.Error."""
    rows = [row for row in recent_refusals(now - LATELY) if row.why not in OUR_FAULT]
    known = [row for row in rows if row.api_key]
    strangers = sum(row.requests for row in rows if not row.api_key)
    if known:
        mend = _MEND.get(Why(known[0].why), _OTHERWISE)
        yield warning("refused_senders", f"Refused within {_minutes()}: {'; '.join(_named(known))}.", mend)
    else:
        yield ok("refused_senders", f"No sender with a key was refused within {_minutes()}.")
    if strangers >= _FEW:
        addresses = ", ".join(dict.fromkeys(row.address for row in rows if not row.api_key))[:200]
        text = f"{strangers:,} requests within {_minutes()} had no valid key or came to no good, from {addresses}."
        yield warning("refused_strangers", text, _OTHERWISE)


def _named(rows: list[RefusalRow]) -> list[str]:
    said = [f"{row.requests:,} requests ({row.why}) with the key “{row.api_key}” from {row.address}" for row in rows]
    return said[:_MOST_NAMED] + ([f"and {len(said) - _MOST_NAMED} more"] if len(said) > _MOST_NAMED else [])


def _minutes() -> str:
    return f"{LATELY.total_seconds() / 60:.0f} minutes"
