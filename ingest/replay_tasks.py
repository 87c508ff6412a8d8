"""Replays as a Celery task."""

from celery import shared_task
from django.utils import timezone

from audit.changes import MUTT_ITSELF, noted_as
from ingest import replaying


@shared_task(name="ingest.go_on_with_replays")
def go_on_with_replays() -> int:
    """Send the next dead letters of running replays on their way; begin one where MUTT may do that by itself."""
    now = timezone.now()
    with noted_as(MUTT_ITSELF, MUTT_ITSELF):
        replaying.replay_by_itself(now)
        return replaying.go_on(now)
