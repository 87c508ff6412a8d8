"""One bad event never takes its batch along: it is found, and dies alone."""

import logging
from collections.abc import Callable
from time import monotonic
from typing import TypeVar
from uuid import UUID

from audit.entry import Entry
from audit.journal import Burial, Claim
from audit.outcomes import DeadStage

T = TypeVar("T")

logger = logging.getLogger(__name__)

KILLED_WORKERS = "killed_workers"
INTERNAL_ERROR = "internal_error"


def each_by_itself(claim: Claim, work: Callable[[Entry], T], what: str) -> list[T | None]:
    """What `work` makes of each event of a batch, in order; None for those that are dead.

    An event that `work` fails on is marked dead, and so is one that killed those who were at it: `work` must depend
    on nothing but the event. Raises StaleClaim.
    """
    condemn_killer(claim, DeadStage.ALERTER)
    dead = {str(event) for event in claim.dead}
    broken: dict[UUID, Burial] = {}
    made: list[T | None] = []
    renewed = monotonic()
    for entry in claim.events:
        identifier = entry["id"]
        if identifier in dead:
            made.append(None)
            continue
        if claim.careful:
            claim.suspect(UUID(identifier))
        try:
            made.append(work(entry))
        except Exception as error:
            if not broken:
                logger.exception(
                    "batch %s: %s failed on event %s", claim.batch, what, identifier, extra={"event_id": identifier}
                )
            broken[UUID(identifier)] = Burial(DeadStage.ALERTER, INTERNAL_ERROR, f"{what}: {type(error).__name__}")
            made.append(None)
        if monotonic() - renewed > claim.lease_s / 4:
            claim.renew()
            renewed = monotonic()
    if claim.careful:
        claim.suspect(None)
    if broken:
        logger.error("batch %s: %s events could not be worked on and are dead", claim.batch, len(broken))
        claim.mark_dead(broken)
    return made


def condemn_killer(claim: Claim, stage: DeadStage) -> None:
    """Mark the event dead that several careful workers did not come back from, if there is one."""
    if claim.killer:
        detail = "several workers in a row did not come back from this event"
        told = {"event_id": claim.killer}
        logger.error("batch %s: event %s killed its workers and is dead", claim.batch, claim.killer, extra=told)
        claim.condemn(claim.killer, Burial(stage, KILLED_WORKERS, detail))
