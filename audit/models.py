"""What became of every event, in PostgreSQL. `record.py` writes these tables; nobody else does."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower

from audit.outcomes import DeadStage, Outcome


def _choices(words: type[Outcome] | type[DeadStage]) -> list[tuple[str, str]]:
    return [(word.value, word.value) for word in words]


class Record(models.Model):
    """One accepted event: what it said, what was decided, what became of it.

    The table is partitioned by month on `event_id` (UUIDv7, hence in the order of receipt); the first
    migration makes it, `partitions.py` adds the months.
    """

    event_id = models.UUIDField(primary_key=True)
    journal_seq = models.BigIntegerField()
    received_at = models.DateTimeField()
    api_key = models.TextField()
    address = models.TextField()
    correlation_id = models.TextField(
        default="", db_default="", blank=True, help_text="Of the request that it came with, in logs and answers alike."
    )

    hostname = models.TextField()
    event_time = models.DateTimeField(null=True)
    message = models.TextField()
    syslog_severity = models.TextField(default="", blank=True)
    trap_oid = models.TextField(default="", blank=True)
    source_type = models.TextField(default="", blank=True)
    clears = models.BooleanField(default=False, db_default=False, help_text="Its sender says that the problem is over.")
    notes = ArrayField(
        models.TextField(),
        default=list,
        db_default=[],
        blank=True,
        help_text="What was noticed while it was brought into canonical form.",
    )
    event = models.JSONField(help_text="The event as it was sent.")

    rule_set_version = models.BigIntegerField(null=True)
    rule_id = models.BigIntegerField(null=True)
    rule_name = models.TextField(default="", blank=True)
    handling = models.TextField(default="", blank=True)
    environment = models.TextField(default="", blank=True)
    team = models.TextField(default="", blank=True)
    reason = models.TextField(default="", blank=True, help_text="Why, where the rule alone does not say it.")
    deduplication_key = models.TextField(default="", blank=True)

    outcome = models.TextField(choices=_choices(Outcome))
    outcome_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-event_id",)
        indexes = (
            models.Index(Lower("hostname"), models.F("event_id").desc(), name="record_hostname"),
            models.Index(models.F("outcome"), models.F("event_id").desc(), name="record_outcome"),
            models.Index(models.F("rule_id"), models.F("event_id").desc(), name="record_rule"),
            models.Index(
                fields=("deduplication_key", "event_id"),
                condition=models.Q(outcome=Outcome.PENDING.value),
                name="record_pending_key",
            ),
        )

    def __str__(self) -> str:
        return f"{self.event_id} {self.hostname} {self.outcome}"


class Attempt(models.Model):
    """One POST to Moogsoft: which events, when, how long, and what came back."""

    batch_id = models.UUIDField()
    event_ids = ArrayField(models.UUIDField())
    number = models.PositiveIntegerField(help_text="From 1, for this batch.")
    started_at = models.DateTimeField()
    duration_ms = models.FloatField()
    status = models.PositiveSmallIntegerField(null=True, help_text="HTTP status; empty if none came.")
    reason = models.TextField(default="", blank=True, help_text="Empty if Moogsoft took the events.")
    excerpt = models.TextField(default="", blank=True, help_text="The beginning of the answer, or the error.")

    class Meta:
        ordering = ("started_at", "id")
        indexes = (models.Index(fields=("batch_id",), name="attempt_batch"),)

    def __str__(self) -> str:
        return f"{self.started_at:%F %T} {len(self.event_ids)} events: {self.reason or 'delivered'}"


class DeadLetter(models.Model):
    """An event that was given up, with what is needed to understand it and send it again.

    There is one for each event, however often it dies. Replaying it is what its record then tells about.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        REPLAYED = "replayed"
        DISCARDED = "discarded"

    event_id = models.UUIDField(unique=True)
    stage = models.TextField(choices=_choices(DeadStage))
    reason = models.TextField()
    detail = models.TextField(default="", blank=True)
    payload = models.JSONField()
    attempts = models.PositiveIntegerField(help_text="How often it was posted to Moogsoft.")
    created_at = models.DateTimeField(help_text="When it died, for the last time.")
    state = models.TextField(choices=State.choices, default=State.WAITING, db_default=State.WAITING)
    replays = models.PositiveIntegerField(default=0, db_default=0, help_text="How often it was sent on its way again.")
    settled_at = models.DateTimeField(null=True, help_text="When it was replayed or discarded, for the last time.")
    settled_by = models.TextField(default="", db_default="", blank=True)
    settled_why = models.TextField(default="", db_default="", blank=True)

    class Meta:
        ordering = ("-event_id",)
        permissions = (
            ("replay_deadletter", "Can send dead letters on their way again"),
            ("discard_deadletter", "Can discard dead letters"),
        )
        indexes = (models.Index(fields=("event_id",), condition=models.Q(state="waiting"), name="deadletter_waiting"),)

    def __str__(self) -> str:
        return f"{self.event_id} {self.stage} {self.reason}"
