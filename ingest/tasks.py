"""The validate stage and the storing of what was refused, as Celery tasks."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from audit import claims
from audit.entry import Entry
from audit.following import at_work
from audit.isolation import each_by_itself
from audit.journal import Claim, StaleClaim, journal
from audit.outcomes import Stage
from audit.tuning.present import tuned
from ingest.normalisation import normalised
from ingest.quarantine_inbox import inbox
from ingest.quarantine_store import empty_inbox
from ingest.traffic_store import fold


@shared_task(name="ingest.validate_batch")
def validate_batch(batch_id: str) -> str | None:
    """Bring every event of a batch into canonical form."""
    with journal().claimed(UUID(batch_id), Stage.VALIDATE) as claim, at_work("validate_batch", [claim]):
        return batch_id if _validate([claim]) else None


@shared_task(name="ingest.validate_together")
def validate_together(batch_ids: Sequence[str]) -> list[str] | None:
    """The same for those of several batches that can be had."""
    batches = [UUID(batch) for batch in batch_ids]
    with journal().claimed_together(batches, Stage.VALIDATE) as some, at_work("validate_together", some):
        return [str(claim.batch) for claim in _validate(some)] or None


def _validate(some: Sequence[Claim]) -> list[Claim]:
    """Returns those that were handed on."""
    contents = dict[UUID, list[Entry]]()
    for claim in some:
        with suppress(StaleClaim):
            made = each_by_itself(claim, normalised, "validate")
            contents[claim.batch] = [new or old for new, old in zip(made, claim.events, strict=True)]
    return claims.advance([claim for claim in some if claim.batch in contents], Stage.MATCH, contents)


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
