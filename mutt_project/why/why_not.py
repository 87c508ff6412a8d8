"""Why what somebody looks for is no alert: an id, a host, an address or a text, and a verdict on it."""

import json
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from audit.entry import Entry
from audit.ids import batch_of, received_at
from audit.journal import Place
from audit.models import Record
from ingest.quarantine_models import Quarantined
from mutt_project.why import finding
from mutt_project.why.refusals import refused_lately, turned_away
from mutt_project.why.telling import Told, tell, tell_entry, tell_record
from mutt_project.why.verdicts import Verdict

_SHOWN = 200  # characters of a message
_LONGEST_HOST = 255
_TURNED_AWAY = (
    "A request without a valid key, for a source that its key may not use, or while MUTT had no room leaves no event:"
    " muttctl refusals counts them by key and address; the sender's log has the answer that it got (401, 403, 503)."
)


@dataclass(frozen=True, slots=True)
class Found:
    """One event, or one that was refused."""

    kind: str
    id: UUID
    at: datetime
    hostname: str | None
    message: str
    verdict: Verdict
    text: str
    rule_id: int | None = None
    dead_letter: int | None = None


@dataclass(frozen=True, slots=True)
class WhyNot:
    """The answer: a verdict on the newest of what was found, where was looked, and what to look at next."""

    query: str
    verdict: Verdict
    text: str
    found: list[Found]
    looked: list[str] = field(default_factory=list)
    check: list[str] = field(default_factory=list)
    try_it: str | None = None


def why_not(query: str, now: datetime, days: float, webhook: str) -> WhyNot:
    """What became of what is looked for. Raises RedisError while Redis is away."""
    query = query.strip()
    try:
        identifier = UUID(query)
    except ValueError:
        return _by_text(query, now, days, webhook)
    return _by_id(query, identifier, now, webhook)


def _by_id(query: str, identifier: UUID, now: datetime, webhook: str) -> WhyNot:
    looked = ["records, journal and quarantine, for the id"]
    told = tell(identifier)
    found = [_event(told)] if told else []
    if not found and batch_of(identifier) == identifier:
        found = _records(finding.records_of_batch(identifier))
        found = found or _entries(finding.in_flight_of_batch(identifier))
    if not found:
        found = [_refused(one) for one in finding.refused_called(identifier)]
    if found:
        return WhyNot(query, found[0].verdict, _summary(found), found, looked)
    return _never_arrived(query, looked, now, webhook, _on_id(identifier, now))


def _by_text(query: str, now: datetime, days: float, webhook: str) -> WhyNot:
    since = now - timedelta(days=days)
    records = finding.records_of_host(query, since)
    looked = [f"records of that host since {since:%F %H:%M} UTC"]
    if not records:
        records, where = finding.records_with_text(query, since)
        looked.append(where)
    flying = finding.in_flight_with_text(query)
    looked.append(f"{flying.looked_at} of {flying.open_batches} batches in flight that have no record yet")
    refused, where = finding.refused_with_text(query)
    looked.append(where)
    found = [*_records(records), *_entries(flying.found), *(_refused(one) for one in refused)]
    once = {one.id: one for one in reversed(found)}  # what was recorded meanwhile is a record
    found = [once[identifier] for identifier in sorted(once, reverse=True)][: finding.MOST_FOUND]
    if found:
        return WhyNot(query, found[0].verdict, _summary(found), found, looked)
    return _never_arrived(query, looked, now, webhook, _on_host(query))


def _summary(found: list[Found]) -> str:
    newest = found[0]
    if len(found) == 1:
        return newest.text
    words = {verdict: sum(one.verdict is verdict for one in found) for verdict in Verdict}
    counted = ", ".join(f"{count} {verdict.replace('_', ' ')}" for verdict, count in words.items() if count)
    return f"{newest.text} That is the newest of {len(found)} found: {counted}."


def _never_arrived(query: str, looked: list[str], now: datetime, webhook: str, first: Iterable[str]) -> WhyNot:
    text = "It never arrived here, so far as was looked: no record, nothing in flight, nothing in quarantine."
    check = [
        *first,
        *turned_away(now, query if len(query) <= _LONGEST_HOST else None),
        *refused_lately(now),
        _TURNED_AWAY,
    ]
    event = {"hostname": query if " " not in query and len(query) < 100 else "a-host", "message": "a test"}  # noqa: PLR2004
    body = json.dumps(event)[:-1] + ', "timestamp": "'
    try_it = (
        'curl -sS -H "X-API-KEY: $MUTT_API_KEY" -H "Content-Type: application/json" --data '
        f"""{shlex.quote(body)}"$(date -u +%FT%TZ)"'"}}' {shlex.quote(webhook)}"""
    )
    return WhyNot(query, Verdict.NEVER_ARRIVED, text, [], looked, check, try_it)


def _on_id(identifier: UUID, now: datetime) -> list[str]:
    if identifier.version != 7:  # noqa: PLR2004 - UUIDv7
        return ["MUTT has never given this id: its own are UUIDs of version 7, as the answer 202 has them."]
    at = received_at(identifier)
    if at > now:
        return ["MUTT has not given this id: the time in it lies ahead. Is it typed as it was answered?"]
    return [
        f"By its id it was received {at:%F %H:%M:%S} UTC. Records that old may have been dropped, or it is not ours."
    ]


def _on_host(query: str) -> list[str]:
    last = finding.last_of_host(query)
    if last is None:
        return ["No event of a host of this name was ever recorded. Is it the name that the device sends, or an alias?"]
    return [f"The last event of this host came {last.received_at:%F %H:%M:%S} UTC, from {last.address}."]


def _records(records: list[Record]) -> list[Found]:
    """Only the newest is explained by the rules of its time: they may be another version for each."""
    return [_event(tell_record(record, explained=not place)) for place, record in enumerate(records)]


def _entries(entries: Iterable[tuple[Entry, Place]]) -> list[Found]:
    return [_event(tell_entry(entry, place)) for entry, place in entries]


def _event(told: Told) -> Found:
    record = told.record
    return Found(
        kind="event",
        id=record.event_id,
        at=record.received_at,
        hostname=record.hostname,
        message=record.message[:_SHOWN],
        verdict=told.verdict,
        text=told.text,
        rule_id=record.rule_id,
        dead_letter=told.dead_letter.pk if told.dead_letter else None,
    )


def _refused(row: Quarantined) -> Found:
    text = f"It was refused: {row.error.rstrip('.')}."
    if row.resent_at:
        text += f" It was sent again {row.resent_at:%F %H:%M:%S} UTC, and accepted as batch {row.batch_id}."
    return Found("refused", row.pk, row.received_at, None, row.text[:_SHOWN], Verdict.QUARANTINED, text)
