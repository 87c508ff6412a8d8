"""Refused events, and what became of sending them again, as JSON."""

from typing import Any

from rest_framework import serializers

from ingest.quarantine_models import Quarantined
from ingest.resending import MOST_AT_ONCE


class PointedErrorSerializer(serializers.Serializer[Any]):
    """One fault of an event; `pointer` is a JSON Pointer (RFC 6901), empty for the event itself."""

    pointer = serializers.CharField(allow_blank=True)
    detail = serializers.CharField()


class QuarantinedSerializer(serializers.ModelSerializer[Quarantined]):
    """One refused event, without its body."""

    batch = serializers.UUIDField(
        source="batch_id", allow_null=True, help_text="Where it was accepted after it was sent again."
    )
    resent_by = serializers.SerializerMethodField()
    errors = PointedErrorSerializer(many=True)  # type: ignore[assignment] # declared fields do not stay on the class

    class Meta:
        model = Quarantined
        fields: tuple[str, ...] = (
            "id",
            "received_at",
            "source",
            "reason",
            "error",
            "errors",
            "size",
            "truncated",
            "redacted",
            "content_type",
            "api_key",
            "address",
            "resent_at",
            "resent_by",
            "batch",
        )

    def get_resent_by(self, row: Quarantined) -> str | None:
        return row.resent_by or None


class QuarantinedWithBodySerializer(QuarantinedSerializer):
    """One refused event with what was sent."""

    body = serializers.CharField(
        source="text", help_text="As it was sent, secrets taken out; bytes that are not UTF-8 are shown as \\x…"
    )

    class Meta(QuarantinedSerializer.Meta):
        fields = (*QuarantinedSerializer.Meta.fields, "body")


class QuarantineQuery(serializers.Serializer[Any]):
    """Which refused events."""

    source = serializers.CharField(required=False, max_length=100)  # type: ignore[assignment] # as above
    reason = serializers.CharField(required=False, max_length=100)
    since = serializers.CharField(required=False, help_text="Received at or after: ISO 8601, or e.g. -1h.")
    until = serializers.CharField(required=False, help_text="Received before: ISO 8601, or e.g. -5m.")
    resend = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Only what was, or was not, sent again."
    )


class SummaryQuery(serializers.Serializer[Any]):
    """How far the counts reach back."""

    since = serializers.CharField(
        required=False, default="-24h", help_text="Received at or after: ISO 8601, or e.g. -1h; -24h by default."
    )


class SummaryRowSerializer(serializers.Serializer[Any]):
    """The refused events of one source for one reason, so far as they are kept."""

    source = serializers.CharField()  # type: ignore[assignment] # as above
    reason = serializers.CharField()
    count = serializers.IntegerField()
    resent = serializers.IntegerField(help_text="How many of them were sent again.")
    last_seen = serializers.DateTimeField()


class SummarySerializer(serializers.Serializer[Any]):
    """Refused events by source and reason, the most frequent first."""

    since = serializers.DateTimeField()
    count = serializers.IntegerField()
    results = SummaryRowSerializer(many=True)


class ResendManySerializer(serializers.Serializer[Any]):
    """Which to send again."""

    ids = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=MOST_AT_ONCE)


class ResentSerializer(serializers.Serializer[Any]):
    """What became of one: `status` is the status that it has, or would have, by itself."""

    id = serializers.UUIDField()
    status = serializers.IntegerField(
        help_text="202 accepted, 404 unknown, 409 sent again already or truncated, 422 still not valid, 503 not tried."
    )
    batch = serializers.UUIDField(allow_null=True)
    accepted = serializers.IntegerField(help_text="Events; a body whose events could not be told apart may hold more.")
    rejected = serializers.IntegerField()
    detail = serializers.CharField(allow_blank=True, help_text="Why it was not accepted.")


class ResentManySerializer(serializers.Serializer[Any]):
    """What became of each, in the order of the request; a repeated id is tried once."""

    resent = serializers.IntegerField(help_text="How many were accepted.")
    results = ResentSerializer(many=True)
