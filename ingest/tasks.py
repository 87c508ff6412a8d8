"""The validate stage as a Celery task."""

from uuid import UUID

from celery import shared_task

from audit.journal import journal
from audit.outcomes import Stage
from ingest.normalisation import canonical_form


@shared_task(name="ingest.validate_batch")
def validate_batch(batch_id: str) -> str:
    """Bring every event of a batch into canonical form."""
    with journal().claimed(UUID(batch_id), Stage.VALIDATE) as claim:
        events = [{**item, "canonical": canonical_form(item["event"])} for item in claim.events]
        claim.advance(Stage.MATCH, events)
    return batch_id
