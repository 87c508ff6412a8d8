"""The word and the sentence for what became of an event: plain functions over what was recorded."""

from enum import StrEnum
from typing import Protocol

from audit.outcomes import UNMATCHED_THRESHOLD, Outcome
from audit.story import RecordLike


class Verdict(StrEnum):
    """What became of what somebody looks for."""

    NEVER_ARRIVED = "never_arrived"
    QUARANTINED = "quarantined"
    IN_FLIGHT = "in_flight"
    PARKED = "parked"
    UNMATCHED = "unmatched"
    IGNORED = "ignored"
    SUPPRESSED = "suppressed"
    DEAD = "dead"
    DELIVERED = "delivered"


TITLES = {
    Verdict.NEVER_ARRIVED: "Never arrived",
    Verdict.QUARANTINED: "Refused, and kept in quarantine",
    Verdict.IN_FLIGHT: "On its way",
    Verdict.PARKED: "Parked",
    Verdict.UNMATCHED: "Matched by no rule",
    Verdict.IGNORED: "Ignored",
    Verdict.SUPPRESSED: "Suppressed",
    Verdict.DEAD: "Given up",
    Verdict.DELIVERED: "Delivered",
}


class LetterLike(Protocol):
    """The fields of a dead letter that the sentence tells."""

    id: int
    detail: str
    state: str


def verdict_of(outcome: str, *, parked: bool) -> Verdict:
    """The verdict on a recorded event; a pending one is on its way, or parked."""
    if outcome == Outcome.PENDING:
        return Verdict.PARKED if parked else Verdict.IN_FLIGHT
    return Verdict(outcome)


def sentence(record: RecordLike, waiting: str = "", letter: LetterLike | None = None, nearest: str = "") -> str:
    """What became of a recorded event, and why. `waiting`: what for; `nearest`: which rule nearly matched."""
    rule = f"rule {record.rule_id} “{record.rule_name}”"
    match Outcome(record.outcome):
        case Outcome.PENDING:
            return f"No alert yet. {waiting}".strip()
        case Outcome.DELIVERED:
            by = "as the meta-alert for its kind" if record.reason == UNMATCHED_THRESHOLD else f"by {rule}"
            return f"It became an alert: Moogsoft took it ({record.handling}, team {record.team}), {by}."
        case Outcome.IGNORED:
            return f"No alert: {rule} says Ignore for {record.environment} hosts."
        case Outcome.UNMATCHED:
            return f"No alert: no rule of rule set {record.rule_set_version} matched. {nearest}".strip()
        case Outcome.SUPPRESSED:
            return f"No alert: it was suppressed ({record.reason})."
        case _:
            return f"No alert: it was given up ({record.reason}). {_of_letter(letter)}".strip()


def _of_letter(letter: LetterLike | None) -> str:
    if letter is None:
        return ""
    detail = f"{letter.detail.rstrip('. ')}. " if letter.detail else ""
    return f"{detail}Dead letter {letter.id} is {letter.state}."
