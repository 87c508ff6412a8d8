"""Replays of many dead letters: what was asked for, and how far it has come."""

from typing import ClassVar
from uuid import uuid4

from django.db import models


class Replay(models.Model):
    """Dead letters that are sent on their way again, so many a second, until all are or somebody stops it."""

    class Status(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        STOPPED = "stopped"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    requested_by = models.TextField()
    reason = models.TextField(default="", blank=True)
    filter = models.JSONField(help_text="Which dead letters; empty: all that wait.")
    rate = models.FloatField(help_text="Events a second.")
    started_at = models.DateTimeField()
    next_at = models.DateTimeField(help_text="When the next ones may be sent.")
    status = models.TextField(choices=Status.choices, default=Status.RUNNING)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.TextField(default="", blank=True)
    total = models.PositiveIntegerField(help_text="How many waited when it began.")
    replayed = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0, help_text="Their batch was still open, or their record is gone.")
    cursor = models.UUIDField(null=True, help_text="The last event that was looked at.")

    class Meta:
        ordering: ClassVar[tuple[str, ...]] = ("-started_at",)

    def __str__(self) -> str:
        return f"{self.started_at:%F %T} by {self.requested_by}: {self.status}"
