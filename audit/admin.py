"""Records, attempts and dead letters in admin: to read, not to edit."""

from typing import Any, TypeVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest

from audit.models import Attempt, DeadLetter, Record

M = TypeVar("M", bound=Model)


class UncountedPaginator(Paginator[Any]):
    """Pages without a COUNT over a huge table: there is always one more page than has been looked at."""

    @property
    def count(self) -> int:
        return 10_000


class ReadOnlyAdmin(admin.ModelAdmin[M]):
    """What MUTT wrote, nobody edits."""

    paginator = UncountedPaginator
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:  # noqa: ARG002
        return False


@admin.register(Record)
class RecordAdmin(ReadOnlyAdmin[Record]):
    list_display = (
        "received_at",
        "hostname",
        "syslog_severity",
        "short_message",
        "rule_name",
        "environment",
        "handling",
        "team",
        "outcome",
    )
    list_display_links = ("received_at", "short_message")
    list_filter = ("outcome", "environment", "handling")
    search_fields = ("hostname__iexact",)
    search_help_text = "The whole host name, in any case."
    ordering = ("-event_id",)

    @admin.display(description="Message")
    def short_message(self, record: Record) -> str:
        text = record.message.strip()
        return text if len(text) <= 90 else f"{text[:90]}…"  # noqa: PLR2004 - what fits a row


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin[Attempt]):
    list_display = ("started_at", "batch_id", "number", "size", "status", "reason", "duration_ms")
    list_filter = ("reason",)
    ordering = ("-id",)

    @admin.display(description="Events")
    def size(self, attempt: Attempt) -> int:
        return len(attempt.event_ids)


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnlyAdmin[DeadLetter]):
    list_display = ("created_at", "event_id", "stage", "reason", "attempts")
    list_filter = ("stage", "reason")
    ordering = ("-event_id",)
