"""Records, their stories and the ledger as JSON."""

from typing import Any
from uuid import UUID

from rest_framework import serializers

from audit.ids import batch_of
from audit.models import Record
from audit.notes import Note
from audit.outcomes import Outcome


class EmptyIsNull(serializers.CharField):
    """The database knows "" where the API says null."""

    def to_representation(self, value: str) -> str | None:  # type: ignore[override] # null is what this field is for
        return value or None


class EventSerializer(serializers.ModelSerializer[Record]):
    """One event and what became of it."""

    id = serializers.UUIDField(source="event_id")
    batch = serializers.SerializerMethodField()
    syslog_severity = EmptyIsNull(allow_null=True)
    trap_oid = EmptyIsNull(allow_null=True)
    source_type = EmptyIsNull(allow_null=True)
    correlation_id = EmptyIsNull(allow_null=True, help_text="Of the request that it came with, in logs too.")
    rule_name = EmptyIsNull(allow_null=True)
    handling = EmptyIsNull(allow_null=True)
    environment = EmptyIsNull(allow_null=True)
    team = EmptyIsNull(allow_null=True)
    reason = EmptyIsNull(allow_null=True)
    notes = serializers.ListField(child=serializers.ChoiceField([(note.value, note.value) for note in Note]))

    class Meta:
        model = Record
        fields = (
            "id",
            "batch",
            "received_at",
            "event_time",
            "api_key",
            "correlation_id",
            "hostname",
            "message",
            "syslog_severity",
            "trap_oid",
            "source_type",
            "clears",
            "notes",
            "rule_id",
            "rule_name",
            "rule_set_version",
            "handling",
            "environment",
            "team",
            "reason",
            "outcome",
            "outcome_at",
        )

    def get_batch(self, record: Record) -> UUID:
        return batch_of(record.event_id)


class StepSerializer(serializers.Serializer[Any]):
    """One step of an event's way; `at` is null where no moment is recorded."""

    at = serializers.DateTimeField(allow_null=True)
    stage = serializers.CharField(help_text="received, validated, decided, attempt, outcome or waiting")
    text = serializers.CharField()


class EventStorySerializer(EventSerializer):
    """One event with the way it went."""

    steps = StepSerializer(many=True)
    times_sent = serializers.IntegerField(help_text="In how many requests to Moogsoft it was.")

    class Meta(EventSerializer.Meta):
        fields = (*EventSerializer.Meta.fields, "event", "deduplication_key", "times_sent", "steps")  # type: ignore[assignment] # a longer tuple


class LedgerSerializer(serializers.Serializer[Any]):
    """The equation: accepted = delivered + ignored + unmatched + suppressed + dead + pending."""

    accepted = serializers.IntegerField()
    delivered = serializers.IntegerField()
    ignored = serializers.IntegerField()
    unmatched = serializers.IntegerField()
    suppressed = serializers.IntegerField()
    dead = serializers.IntegerField()
    pending = serializers.IntegerField()
    rejected = serializers.IntegerField(help_text="Refused at the door, hence not among the accepted.")
    balanced = serializers.BooleanField()


class EventQuery(serializers.Serializer[Any]):
    """What a search may ask for."""

    hostname = serializers.CharField(required=False, max_length=255)
    outcome = serializers.ChoiceField(required=False, choices=[outcome.value for outcome in Outcome])
    since = serializers.CharField(required=False, help_text="Received at or after: ISO 8601, or e.g. -1h.")
    until = serializers.CharField(required=False, help_text="Received before: ISO 8601, or e.g. -5m.")
