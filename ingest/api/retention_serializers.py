"""Retention as JSON: what may leave the database, and what has."""

from typing import Any

from rest_framework import serializers

from audit.models import Archive
from audit.retention import MonthPlan

MOST_DAYS = 36_600


class PlannedMonthSerializer(serializers.Serializer[MonthPlan]):
    """A month that is in the database."""

    month = serializers.CharField()
    records = serializers.IntegerField(allow_null=True, help_text="As PostgreSQL estimates them; null: it has not yet.")
    bytes = serializers.IntegerField(help_text="On the disk, with indexes.")
    may_go = serializers.BooleanField()
    why_not = serializers.CharField(help_text="Why it stays; empty where it may go.")


class DoneSerializer(serializers.Serializer[Any]):
    """What somebody had done with a month."""

    at = serializers.DateTimeField()
    what = serializers.CharField()
    by = serializers.CharField()
    reason = serializers.CharField()


class ArchiveSerializer(serializers.ModelSerializer[Archive]):
    """A month that has left the database, is leaving it, or has come back."""

    history = DoneSerializer(many=True)
    outcomes = serializers.DictField(child=serializers.IntegerField())

    class Meta:
        model = Archive
        fields = (
            *("month", "state", "progress", "problem", "records", "attempts", "dead_letters", "outcomes"),
            *("path", "bytes", "sha256", "requested_by", "reason", "started_at", "updated_at", "ended_at"),
            *("keep_until", "history"),
        )


class RetentionSerializer(serializers.Serializer[Any]):
    """What is in the database and why, and what is, or was, outside of it."""

    days = serializers.IntegerField(help_text="So long after its end a month stays; 0: for ever.")
    archive_dir = serializers.CharField(allow_null=True)
    without_archive = serializers.BooleanField(help_text="Whether months are dropped without an archive.")
    months = PlannedMonthSerializer(many=True)
    archives = ArchiveSerializer(many=True)


class RetainSerializer(serializers.Serializer[Any]):
    """Which months to archive and drop, and why."""

    days = serializers.IntegerField(
        required=False, min_value=1, max_value=MOST_DAYS, help_text="Instead of MUTT_RETENTION_DAYS, this once."
    )
    dry_run = serializers.BooleanField(default=False, help_text="Only say what would go.")
    reason = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=500, help_text="Needed unless it is a dry run."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs["dry_run"] and not attrs["reason"]:
            raise serializers.ValidationError({"reason": ["Say why: it is kept with the archive."]})
        return attrs


class RetentionBegunSerializer(serializers.Serializer[Any]):
    """What goes, and what stays why."""

    dry_run = serializers.BooleanField()
    begun = serializers.ListField(child=serializers.CharField(), help_text="The months that are on their way.")
    months = PlannedMonthSerializer(many=True)


class RestoreSerializer(serializers.Serializer[Any]):
    """Which month to bring back, and why."""

    month = serializers.RegexField(r"^[12][0-9]{3}-(0[1-9]|1[0-2])$", help_text="Such as 2025-01.")
    reason = serializers.CharField(max_length=500)
