"""Dead letters and their replays as JSON."""

from typing import Any
from uuid import UUID

from rest_framework import serializers

from audit.ids import batch_of
from audit.models import Attempt, DeadLetter
from audit.outcomes import DeadStage
from ingest.replay_models import Replay

MOST_IDS = 10_000
FASTEST = 5000.0
_STAGE = "alerter: validate and match; moog: forward."
_MOMENT = "ISO 8601, or e.g. -1h."


class AttemptSerializer(serializers.ModelSerializer[Attempt]):
    """One POST to Moogsoft in which the event was."""

    events = serializers.SerializerMethodField(help_text="How many events the request had.")

    class Meta:
        model = Attempt
        fields = ("number", "started_at", "duration_ms", "events", "status", "reason", "excerpt")

    def get_events(self, attempt: Attempt) -> int:
        return len(attempt.event_ids)


class DeadLetterSerializer(serializers.ModelSerializer[DeadLetter]):
    """One event that was given up."""

    event = serializers.UUIDField(source="event_id")
    batch = serializers.SerializerMethodField()
    died_at = serializers.DateTimeField(source="created_at")

    class Meta:
        model = DeadLetter
        fields: tuple[str, ...] = (
            *("id", "event", "batch", "stage", "reason", "detail", "attempts", "died_at", "payload"),
            *("state", "replays", "settled_at", "settled_by", "settled_why"),
        )

    def get_batch(self, letter: DeadLetter) -> UUID:
        return batch_of(letter.event_id)


class DeadLetterWithAttemptsSerializer(DeadLetterSerializer):
    """One event that was given up, and each attempt to deliver it."""

    posts = AttemptSerializer(many=True)

    class Meta(DeadLetterSerializer.Meta):
        fields = (*DeadLetterSerializer.Meta.fields, "posts")


class DeadLetterQuery(serializers.Serializer[Any]):
    """Which dead letters."""

    stage = serializers.ChoiceField(required=False, choices=[stage.value for stage in DeadStage], help_text=_STAGE)
    reason = serializers.CharField(required=False, max_length=100)
    hostname = serializers.CharField(required=False, max_length=255, help_text="As it was sent, in the same case.")
    state = serializers.ChoiceField(required=False, choices=DeadLetter.State.choices)
    since = serializers.CharField(required=False, help_text=f"Died at or after: {_MOMENT}")
    until = serializers.CharField(required=False, help_text=f"Died before: {_MOMENT}")


class WantedSerializer(serializers.Serializer[Any]):
    """Which dead letters that wait are meant: all that fit every field."""

    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        required=False,
        max_length=MOST_IDS,
        allow_empty=False,
    )
    stage = serializers.ChoiceField(required=False, choices=[stage.value for stage in DeadStage], help_text=_STAGE)
    reason = serializers.CharField(required=False, max_length=100)
    hostname = serializers.CharField(required=False, max_length=255)
    since = serializers.CharField(required=False, max_length=100, help_text=f"Died at or after: {_MOMENT}")
    until = serializers.CharField(required=False, max_length=100, help_text=f"Died before: {_MOMENT}")
    all = serializers.BooleanField(default=False, help_text="Has to be said where no other field is given.")


class ReplayManySerializer(serializers.Serializer[Any]):
    """Which dead letters to replay, and how fast."""

    filter = WantedSerializer()
    reason = serializers.CharField(required=False, default="", allow_blank=True, max_length=500)
    rate = serializers.FloatField(
        required=False, min_value=0.1, max_value=FASTEST, help_text="Events a second; MUTT_REPLAY_RATE by default."
    )
    dry_run = serializers.BooleanField(default=False, help_text="Only count.")


class DiscardManySerializer(serializers.Serializer[Any]):
    """Which dead letters to let go of, and why."""

    filter = WantedSerializer()
    reason = serializers.CharField(max_length=500)
    dry_run = serializers.BooleanField(default=False, help_text="Only count.")


class WhySerializer(serializers.Serializer[Any]):
    """Why a dead letter is replayed."""

    reason = serializers.CharField(required=False, default="", allow_blank=True, max_length=500)


class DiscardSerializer(serializers.Serializer[Any]):
    """Why a dead letter is let go of."""

    reason = serializers.CharField(max_length=500)


class ReplaySerializer(serializers.ModelSerializer[Replay]):
    """A replay of many, and how far it has come."""

    class Meta:
        model = Replay
        fields = (
            *("id", "status", "requested_by", "reason", "filter", "rate", "started_at", "ended_at", "ended_by"),
            *("total", "replayed", "skipped"),
        )


class ReplayBegunSerializer(serializers.Serializer[Any]):
    """How many dead letters are meant; `replay` is what does it, null after a dry run."""

    count = serializers.IntegerField()
    replay = ReplaySerializer(allow_null=True)


class DiscardedSerializer(serializers.Serializer[Any]):
    """How many dead letters were, or would be, let go of."""

    count = serializers.IntegerField()
    dry_run = serializers.BooleanField()


class DeadLetterCountSerializer(serializers.Serializer[Any]):
    """So many of one stage, reason and state."""

    stage = serializers.CharField()
    reason = serializers.CharField()
    state = serializers.CharField()
    count = serializers.IntegerField()
    oldest = serializers.DateTimeField()
    newest = serializers.DateTimeField()


class DeadLetterSummarySerializer(serializers.Serializer[Any]):
    """All dead letters by stage, reason and state."""

    waiting = serializers.IntegerField()
    results = DeadLetterCountSerializer(many=True)
