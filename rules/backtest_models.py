"""Backtests, as they are kept for some days."""

import uuid

from django.db import models


class Backtest(models.Model):
    """What a draft would have changed about past events; worked off in slices, the newest events first."""

    class Status(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    requested_by = models.TextField()
    draft = models.JSONField(help_text="The fields of the rule as it would be; with an id, instead of that rule.")
    most_events = models.PositiveIntegerField(null=True)
    since = models.DateTimeField(null=True)
    started_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    status = models.TextField(choices=Status.choices, default=Status.RUNNING)
    problem = models.TextField(blank=True, default="")
    rule_set_version = models.BigIntegerField(null=True)
    examined = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    progress = models.FloatField(default=0.0, help_text="0 to 1.")
    cursor = models.UUIDField(null=True, help_text="The oldest event that was examined.")
    transitions = models.JSONField(default=list)

    class Meta:
        ordering = ("-started_at",)
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.id} {self.status}"
