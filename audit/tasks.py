"""Dead letters and partitions as Celery tasks."""

import logging
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from audit import partitions, reconciling, tallies
from audit.dead_letters import bury_batch
from audit.journal import Burial, journal
from audit.outcomes import Stage

logger = logging.getLogger(__name__)


@shared_task(name="audit.store_dead_letters")
def store_dead_letters(batch_id: str) -> str:
    """Write the dead letters of a batch and close it."""
    with journal().claimed(UUID(batch_id), Stage.DLQ) as claim:
        died = bury_batch(claim, timezone.now())
        claim.finish()
    logger.warning("batch %s: %s events became dead letters", batch_id, died)
    return batch_id


def give_up(batch: UUID, burial: Burial, at: Stage, token: str = "") -> None:
    """Send a batch that stands at this stage the way of the dead letters; the sweeper covers a lost message."""
    if journal().bury(batch, burial, at, token):
        store_dead_letters.delay(str(batch))


@shared_task(name="audit.create_partitions")
def create_partitions() -> list[str]:
    """Create the partitions of the coming months."""
    return partitions.create_partitions(timezone.now())


@shared_task(name="audit.check_ledger")
def check_ledger() -> int:
    """Weigh the ledger and remember what came out; returns the imbalance."""
    check = reconciling.check_ledger(journal(), timezone.now())
    reconciling.remember(check)
    if check.imbalance:
        named = ", ".join(str(suspect.batch) for suspect in check.suspects)
        logger.error("the ledger does not balance by %s events; batches: %s", check.imbalance, named or "none found")
    return check.imbalance


@shared_task(name="audit.fold_tallies")
def fold_tallies() -> int:
    """Make few tallies of many; returns how many are fewer."""
    return tallies.fold(timezone.now())
