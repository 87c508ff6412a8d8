"""What became of every event, in PostgreSQL.

`record.py` writes records, attempts and dead letters; nobody else does, but that `retaining.py` takes whole months out
and `restoring.py` brings them back.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower

from audit.change_models import Change  # noqa: F401 - here is where Django looks for models
from audit.outcomes import DeadStage, Outcome
from audit.tuning.models import Setting  # noqa: F401 - as above


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
    source = models.TextField(default="", db_default="", blank=True, help_text="As the webhook's path named it.")
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
            models.Index(
                models.F("rule_id"),
                models.F("event_id").desc(),
                condition=models.Q(rule_id__isnull=False),
                name="record_won",
            ),
            models.Index(models.F("team"), models.F("event_id").desc(), name="record_team"),
            models.Index(
                models.F("correlation_id"),
                models.F("event_id").desc(),
                condition=~models.Q(correlation_id=""),
                name="record_correlation",
            ),
            models.Index(
                fields=("deduplication_key", "event_id"),
                condition=models.Q(outcome=Outcome.PENDING.value),
                name="record_pending_key",
            ),
        )

    def __str__(self) -> str:
        return f"{self.event_id} {self.hostname} {self.outcome}"


class Tally(models.Model):
    """How many records came to an outcome, and how many left it again: written by triggers, for every statement.

    `latency` tells where the time from receipt to the outcome lies among `tallies.LATENCY_BOUNDS_S`.
    """

    minute = models.DateTimeField()
    outcome = models.TextField()
    latency = models.SmallIntegerField(null=True)
    journal_seq = models.BigIntegerField()
    entered = models.BigIntegerField()
    gone = models.BigIntegerField()

    class Meta:
        default_permissions = ()
        indexes = (models.Index(fields=("minute",), name="tally_minute"),)

    def __str__(self) -> str:
        return f"{self.minute:%F %T} {self.outcome} +{self.entered} -{self.gone}"


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


class Archive(models.Model):
    """A month that goes out of the database, or comes back: how far that has come, and where its archive lies."""

    class State(models.TextChoices):
        WRITING = "writing"
        CHECKING = "checking"
        DROPPING = "dropping"
        DROPPED = "dropped"
        RESTORING = "restoring"
        RESTORED = "restored"

    month = models.TextField(unique=True, help_text="Such as 2026-11, in UTC.")
    state = models.TextField(choices=State.choices, default=State.WRITING)
    progress = models.FloatField(default=0.0, help_text="0 to 1.")
    problem = models.TextField(default="", blank=True, help_text="Why it does not go on, until it is asked for again.")
    path = models.TextField(default="", blank=True, help_text="The folder of the archive; empty where there is none.")
    sha256 = models.TextField(default="", blank=True, help_text="Of its manifest, which has those of its files.")
    bytes = models.BigIntegerField(default=0, help_text="Of its files.")
    records = models.BigIntegerField(default=0)
    attempts = models.BigIntegerField(default=0)
    dead_letters = models.BigIntegerField(default=0)
    outcomes = models.JSONField(default=dict, blank=True, help_text="How many records had which outcome.")
    requested_by = models.TextField()
    reason = models.TextField(default="", blank=True)
    started_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    keep_until = models.DateTimeField(null=True, help_text="A restored month is not dropped before.")
    history = models.JSONField(default=list, blank=True, help_text="Who had what done, and why; the oldest first.")
    parts = models.JSONField(default=list, blank=True, help_text="The files.")
    place = models.JSONField(default=dict, blank=True, help_text="Where the next step goes on.")

    class Meta:
        ordering = ("-month",)
        default_permissions = ("view",)
        permissions = (("retain_archive", "Can have old months archived, dropped and restored"),)

    def __str__(self) -> str:
        return f"{self.month} {self.state}"


class Loss(models.Model):
    """Accepted events that were booked as lost, after a store was put back to an earlier moment.

    Below 0: so many of them were found again.
    """

    events = models.BigIntegerField()
    reason = models.TextField()
    booked_by = models.TextField()
    booked_at = models.DateTimeField()

    class Meta:
        ordering = ("-id",)
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.events} lost: {self.reason}"
