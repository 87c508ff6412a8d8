"""Dead letters and partitions as Celery tasks."""

import logging
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from audit import partitions
from audit.dead_letters import bury_batch
from audit.following import at_work
from audit.journal import Burial, journal
from audit.outcomes import Stage

logger = logging.getLogger(__name__)


@shared_task(name="audit.store_dead_letters")
def store_dead_letters(batch_id: str) -> str:
    """Write the dead letters of a batch and close it."""
    with journal().claimed(UUID(batch_id), Stage.DLQ) as claim, at_work("store_dead_letters", [claim]):
        died = bury_batch(claim, timezone.now())
        claim.finish()
        logger.warning("batch %s: %s events became dead letters", batch_id, died, extra={"events": died})
    return batch_id


def give_up(batch: UUID, burial: Burial, at: Stage, token: str = "") -> None:
    """Send a batch that stands at this stage the way of the dead letters; the sweeper covers a lost message."""
    if journal().bury(batch, burial, at, token):
        store_dead_letters.delay(str(batch))


@shared_task(name="audit.create_partitions")
def create_partitions() -> list[str]:
    """Create the partitions of the coming months."""
    return partitions.create_partitions(timezone.now())
