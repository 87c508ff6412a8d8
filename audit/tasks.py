"""Dead letters, partitions and archives as Celery tasks."""

import logging
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from audit import partitions, reconciling, retaining, retention, tallies
from audit.changes import MUTT_ITSELF, noted_as
from audit.dead_letters import bury_batch
from audit.following import at_work
from audit.journal import Burial, journal
from audit.outcomes import Stage
from audit.tuning.present import tuned

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


@shared_task(name="audit.retain")
def retain() -> list[str]:
    """Have old months archived and dropped; returns which."""
    reason = f"older than {tuned.MUTT_RETENTION_DAYS} days"
    with noted_as(MUTT_ITSELF, MUTT_ITSELF):
        begun = retention.begin(timezone.now(), MUTT_ITSELF, reason)
    if begun:
        queue_work_on_archives()
    return begun


@shared_task(name="audit.work_on_archives")
def work_on_archives() -> None:
    """Do one step, and leave the next one to whichever worker is free."""
    with noted_as(MUTT_ITSELF, MUTT_ITSELF):
        goes_on = retaining.work(timezone.now())
    if goes_on:
        queue_work_on_archives()


@shared_task(name="audit.resume_archives")
def resume_archives() -> None:
    """Go on where a worker or a message was lost, or a lock was not to be had."""
    if retaining.on_their_way().filter(updated_at__lt=timezone.now() - timedelta(seconds=15)).exists():
        queue_work_on_archives()


def queue_work_on_archives() -> None:
    """Have the next step done. If the broker refuses, `resume_archives` does it later."""
    with suppress(OperationalError, RedisError):
        work_on_archives.apply_async(retry=False)
