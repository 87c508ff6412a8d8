"""From claimed batches to their records: each event decided by one rule set, the unmatched ones counted."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from audit import canary
from audit.dead_letters import undecided
from audit.entry import Entry, in_our_words
from audit.ids import received_at
from audit.isolation import each_by_itself
from audit.journal import Claim, StaleClaim
from audit.outcomes import UNMATCHED_THRESHOLD, Outcome
from audit.record import RecordRow
from rules.compiled import Matcher
from rules.event import Event, Handling, host_key, severity_of
from rules.matching import Decision
from rules.signature import object_of, signature
from rules.unmatched import Unmatched

type_of_counter = Callable[[Mapping[UUID, Sequence[Unmatched]]], set[UUID]]


def decide_batches(
    claims: Iterable[Claim],
    matcher: Matcher,
    count_unmatched: type_of_counter,
    now: datetime,
    settled: AbstractSet[UUID] = frozenset(),
) -> dict[UUID, list[RecordRow]]:
    """The records of all events, by batch, but for batches that are ours no more; what is to be forwarded is pending.

    The event that brings its host and signature to the threshold of unmatched events is forwarded itself, as
    the meta-alert that stands for all of them: no event is invented, and the ledger stays exact. Those that are
    `settled` were decided, and counted, before.
    """
    decided: dict[UUID, list[RecordRow]] = {}
    for claim in claims:
        with suppress(StaleClaim):
            decided[claim.batch] = _rows(claim, matcher, now)
    unmatched = {batch: _unmatched(rows, settled) for batch, rows in decided.items()}
    # The counter answers a batch that comes again as it did at first; a newer rule may have won the event meanwhile.
    threshold = count_unmatched({batch: events for batch, events in unmatched.items() if events})
    if threshold:
        threshold &= {event.event_id for events in unmatched.values() for event in events}
    if not threshold:
        return decided
    return {
        batch: [_as_meta_alert(row) if row.event_id in threshold else row for row in rows]
        for batch, rows in decided.items()
    }


def _rows(claim: Claim, matcher: Matcher, now: datetime) -> list[RecordRow]:
    decided = each_by_itself(claim, lambda entry: _decided(entry, claim, matcher, now), "match")
    return [
        row or undecided(entry, claim, "", Outcome.PENDING, now)  # it is dead, and its dead letter will say why
        for row, entry in zip(decided, claim.events, strict=True)
    ]


def _unmatched(rows: Iterable[RecordRow], settled: AbstractSet[UUID]) -> list[Unmatched]:
    return [
        Unmatched(row.event_id, row.hostname, signature(row.message, row.trap_oid or None))
        for row in rows
        if row.outcome is Outcome.UNMATCHED and row.event_id not in settled
    ]


def event_from(canonical: dict[str, Any]) -> Event:
    """The event that validate_batch has put into canonical form."""
    time = canonical["event_time"]
    return Event(
        hostname=canonical["hostname"],
        message=canonical["message"],
        syslog_severity=severity_of(canonical["syslog_severity"]),
        trap_oid=canonical["trap_oid"],
        source_type=canonical["source_type"],
        event_time=datetime.fromisoformat(time) if time else None,
        clears=canonical.get("clears", False),
        alert_key=canonical.get("alert_key"),
    )


def _decided(item: Entry, claim: Claim, matcher: Matcher, now: datetime) -> RecordRow:
    event = event_from(item["canonical"])
    row = _row(item, claim, event, matcher, now)
    if canary.is_canary(event.hostname, event.source_type):
        return _as_canary(row, now, deliver=in_our_words(item).get("deliver") is True)
    return row


def _row(item: Entry, claim: Claim, event: Event, matcher: Matcher, now: datetime) -> RecordRow:
    decision = matcher.decide(event)
    outcome = _outcome(decision)
    identifier = UUID(item["id"])
    rule = decision.rule
    return RecordRow(
        event_id=identifier,
        journal_seq=claim.seq,
        received_at=received_at(identifier),
        api_key=item.get("api_key", claim.api_key),
        address=item.get("address", claim.address),
        source=item.get("source", ""),
        correlation_id=item.get("correlation_id", claim.correlation_id),
        hostname=event.hostname,
        event_time=event.event_time,
        message=event.message,
        syslog_severity=event.syslog_severity or "",
        trap_oid=event.trap_oid or "",
        source_type=event.source_type,
        clears=event.clears,
        notes=item.get("notes", []),
        event=item["event"],
        rule_set_version=matcher.version,
        rule_id=rule.id if rule else None,
        rule_name=rule.name if rule else "",
        handling=decision.handling or "",
        environment=decision.environment,
        team=decision.team,
        reason="",
        deduplication_key=_deduplication_key(rule.id, event) if rule else "",
        outcome=outcome,
        outcome_at=None if outcome is Outcome.PENDING else now,
    )


def _outcome(decision: Decision) -> Outcome:
    if decision.rule is None:
        return Outcome.UNMATCHED
    return Outcome.IGNORED if decision.handling is Handling.IGNORE else Outcome.PENDING


def _as_canary(row: RecordRow, now: datetime, *, deliver: bool) -> RecordRow:
    """No rule has a say in what becomes of a canary, and at Moogsoft it is clear: it pages nobody."""
    return replace(
        row,
        outcome=Outcome.PENDING if deliver else Outcome.SUPPRESSED,
        outcome_at=None if deliver else now,
        rule_id=None,
        rule_name="",
        handling="",
        team=canary.TEAM,
        clears=True,
        reason=canary.CANARY,
        deduplication_key=canary.KEY if deliver else "",
    )


def _as_meta_alert(row: RecordRow) -> RecordRow:
    name = signature(row.message, row.trap_oid or None)
    return replace(
        row,
        outcome=Outcome.PENDING,
        outcome_at=None,
        handling=Handling.TICKET_ONLY,
        reason=UNMATCHED_THRESHOLD,
        deduplication_key=f"mutt:unmatched:{host_key(row.hostname)}:{name}",
    )


def _deduplication_key(rule_id: int, event: Event) -> str:
    what = event.alert_key or object_of(event.message, event.trap_oid)
    return f"mutt:{rule_id}:{host_key(event.hostname)}:{what}"
