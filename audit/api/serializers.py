"""Records, their stories and the ledger as JSON."""

from dataclasses import fields
from typing import Any
from uuid import UUID

from django.utils import timezone
from rest_framework import serializers

from audit.api.moments import moment_of
from audit.ids import batch_of
from audit.models import Record
from audit.notes import Note
from audit.outcomes import Outcome
from audit.searching import Wanted, words_of

MAX_ID = 2**63 - 1


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


class MomentField(serializers.CharField):
    """A moment: ISO 8601, or relative to now."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            return moment_of(super().to_internal_value(data), timezone.now())
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error


class StepSerializer(serializers.Serializer[Any]):
    """One step of an event's way; `at` is null where no moment is recorded."""

    at = serializers.DateTimeField(allow_null=True)
    stage = serializers.CharField(help_text="received, validated, decided, attempt, outcome or waiting")
    text = serializers.CharField()


class SuspectSerializer(serializers.Serializer[Any]):
    """A batch with other than the expected number of records, or behind batches that have none at all."""

    batch = serializers.UUIDField()
    received_at = serializers.DateTimeField()
    before = serializers.UUIDField(help_text="The batch that was accepted before it.")
    expected = serializers.IntegerField(help_text="Events that were accepted after that one.")
    found = serializers.IntegerField(help_text="Records that the batch has.")


class LedgerSerializer(serializers.Serializer[Any]):
    """The equation: accepted = delivered + ignored + unmatched + suppressed + dead + lost + pending."""

    accepted = serializers.IntegerField()
    delivered = serializers.IntegerField()
    ignored = serializers.IntegerField()
    unmatched = serializers.IntegerField()
    suppressed = serializers.IntegerField()
    dead = serializers.IntegerField()
    lost = serializers.IntegerField(help_text="Booked as lost after a store was put back to an earlier moment.")
    pending = serializers.IntegerField()
    rejected = serializers.IntegerField(help_text="Refused at the door, hence not among the accepted.")
    balanced = serializers.BooleanField()
    imbalance = serializers.IntegerField(help_text="Accepted events that no term explains; below 0: too many records.")
    suspects = SuspectSerializer(many=True, help_text="The batches involved, where it does not balance.")
    looked_back_to = serializers.DateTimeField(
        allow_null=True, help_text="How far back the records were looked through for them."
    )


class EventQuery(serializers.Serializer[Any]):
    """What a search may ask for."""

    hostname = serializers.CharField(required=False, max_length=255, help_text="The whole name, in any case.")
    outcome = serializers.ChoiceField(required=False, choices=[outcome.value for outcome in Outcome])
    rule_id = serializers.IntegerField(required=False, min_value=1, max_value=MAX_ID, help_text="The rule that won.")
    team = serializers.CharField(required=False, max_length=100)
    text = serializers.CharField(
        required=False,
        max_length=1000,
        help_text="Words of the message, all of them; the last may be the beginning of one.",
    )
    correlation_id = serializers.CharField(
        required=False, max_length=128, help_text="Of the request, as `X-Correlation-ID` had it or was answered."
    )
    batch = serializers.UUIDField(required=False, help_text="The id of a batch, or of one of its events.")
    since = MomentField(required=False, help_text="Received at or after: ISO 8601, or e.g. -1h.")
    until = MomentField(required=False, help_text="Received before: ISO 8601, or e.g. -5m.")

    def validate_text(self, text: str) -> str:
        if not words_of(text):
            raise serializers.ValidationError("There is no word in it: letters or digits.")
        return text

    @property
    def wanted(self) -> Wanted:
        """What is asked for. Raises ValidationError."""
        self.is_valid(raise_exception=True)
        return Wanted(**{name: value for name, value in self.validated_data.items() if name in _WANTED})


_WANTED = {field.name for field in fields(Wanted)}


class ExportQuery(EventQuery):
    """What is to be exported, and how."""

    form = serializers.ChoiceField(
        required=False,
        choices=["ndjson", "csv", "events"],
        default="ndjson",
        help_text="events: NDJSON that the webhook takes, to send them again as new events.",
    )
