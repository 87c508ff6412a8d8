"""The validate stage and the storing of what was refused, as Celery tasks."""

from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from audit.following import at_work
from audit.isolation import each_by_itself
from audit.journal import journal
from audit.outcomes import Stage
from audit.tuning.present import tuned
from ingest.normalisation import normalised
from ingest.quarantine_inbox import inbox
from ingest.quarantine_store import empty_inbox
from ingest.traffic_store import fold


@shared_task(name="ingest.validate_batch")
def validate_batch(batch_id: str) -> str:
    """Bring every event of a batch into canonical form."""
    with journal().claimed(UUID(batch_id), Stage.VALIDATE) as claim, at_work("validate_batch", [claim]):
        made = each_by_itself(claim, normalised, "validate")
        claim.advance(Stage.MATCH, [new or old for new, old in zip(made, claim.events, strict=True)])
    return batch_id


@shared_task(name="ingest.store_quarantine")
def store_quarantine() -> int:
    """Move refused events from the inbox to PostgreSQL; returns how many."""
    return empty_inbox(
        inbox(),
        timezone.now(),
        max_age=timedelta(days=tuned.MUTT_QUARANTINE_DAYS),
        most_per_source=tuned.MUTT_QUARANTINE_MOST,
    )


@shared_task(name="ingest.fold_traffic")
def fold_traffic() -> None:
    """Make hours of old minutes of traffic, and drop what is too old."""
    fold(timezone.now())
