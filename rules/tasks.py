"""The match stage as a Celery task."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from audit.journal import journal
from audit.outcomes import Outcome, Stage
from audit.record import recorded_outcomes, write_records
from rules.deciding import decide_batch
from rules.ruleset import current_rule_set
from rules.unmatched import unmatched_counter


@shared_task(name="rules.match_batch")
def match_batch(batch_id: str) -> str | None:
    """Decide every event of a batch and write its records; None if nothing of it is to be forwarded."""
    with journal().claimed(UUID(batch_id), Stage.MATCH) as claim:
        rows = decide_batch(claim, current_rule_set.get(), unmatched_counter().count, timezone.now())
        claim.renew()
        outcomes = [row.outcome for row in rows]
        if not write_records(rows):
            outcomes = list(recorded_outcomes(claim.batch).values())
        if Outcome.PENDING in outcomes:
            claim.advance(Stage.FORWARD)
            return batch_id
        claim.finish()
    return None
