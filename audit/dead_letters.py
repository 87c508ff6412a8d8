"""From a batch that is at its dead end to dead letters and final records."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from audit.entry import Entry, in_our_words
from audit.ids import received_at
from audit.journal import Burial, Claim
from audit.outcomes import Outcome
from audit.record import Death, RecordRow, bury_events, mark_delivered, posts_of, recorded_outcomes


def bury_batch(claim: Claim, now: datetime) -> int:
    """Write dead letters for what a batch still owes, and its records; returns how many events died.

    Events that Moogsoft has taken are delivered, whatever became of the rest.
    """
    journal, batch = claim.journal, claim.batch
    sent = journal.sent(batch)
    mark_delivered(sent, now)
    outcomes = recorded_outcomes(batch)
    burial, singly = journal.burial(batch), journal.dead(batch)
    posts = posts_of(batch)
    deaths, missing = [], []
    for item in claim.events:
        identifier = UUID(item["id"])
        outcome = outcomes.get(identifier)
        death = _death(item, burial, singly, posts[identifier])
        if death is None or outcome not in (None, Outcome.PENDING):
            continue
        deaths.append(death)
        if outcome is None:
            missing.append(undecided(item, claim, death.reason, Outcome.DEAD, now))
    claim.renew()  # what somebody else has done meanwhile must not be overwritten
    return bury_events(deaths, missing, now)


def _death(item: Entry, burial: Burial | None, singly: Mapping[UUID, Burial], attempts: int) -> Death | None:
    identifier = UUID(item["id"])
    why = singly.get(identifier, burial)
    if why is None:
        return None
    return Death(identifier, why.stage, why.reason, why.detail, in_our_words(item), attempts)


def undecided(item: Entry, claim: Claim, reason: str, outcome: Outcome, now: datetime) -> RecordRow:
    """The record of an event that no rule has decided."""
    event, identifier = in_our_words(item), UUID(item["id"])
    return RecordRow(
        event_id=identifier,
        journal_seq=claim.seq,
        received_at=received_at(identifier),
        api_key=item.get("api_key", claim.api_key),
        address=item.get("address", claim.address),
        source=item.get("source", ""),
        correlation_id=item.get("correlation_id", claim.correlation_id),
        hostname=str(event.get("hostname", "")),
        event_time=None,
        message=str(event.get("message", "")),
        syslog_severity="",
        trap_oid="",
        source_type=str(event.get("source_type") or ""),
        clears=event.get("clear") is True,
        notes=item.get("notes", []),
        event=item["event"],
        rule_set_version=None,
        rule_id=None,
        rule_name="",
        handling="",
        environment="",
        team="",
        reason=reason,
        deduplication_key="",
        outcome=outcome,
        outcome_at=None if outcome is Outcome.PENDING else now,
    )
