"""What would grow without end and nobody misses, deleted every night: ended replays, backtests, sessions."""

from datetime import datetime, timedelta
from importlib import import_module

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from audit.tuning.present import tuned
from ingest.replay_models import Replay
from rules import backtesting


@shared_task(name="ingest.prune")
def prune() -> dict[str, int]:
    """Delete what is too old; returns how many rows of what."""
    return delete_what_is_old(timezone.now())


def delete_what_is_old(now: datetime) -> dict[str, int]:
    """Replays go when the records do that they were of; backtests and sessions have an end of their own."""
    deleted = {"replays": 0, "backtests": backtesting.delete_old(now)}
    if tuned.MUTT_RETENTION_DAYS > 0:
        ended_long_ago = Replay.objects.filter(ended_at__lt=now - timedelta(days=tuned.MUTT_RETENTION_DAYS))
        deleted["replays"], _ = ended_long_ago.delete()
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()  # as `manage.py clearsessions` does
    return deleted
