"""Records and attempts in admin: to read, not to edit."""

from collections.abc import Iterator
from typing import Any, TypeVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest
from django.utils.functional import cached_property

from audit.models import Attempt, Record

_SHOWN = 90  # characters that fit a row

M = TypeVar("M", bound=Model)


class BoundedPaginator(Paginator[Any]):
    """Counts no further than a person will turn pages: a count of a huge table takes longer than reading it."""

    FURTHEST = 5000

    @cached_property
    def count(self) -> int:
        objects: Any = self.object_list
        return int(objects.order_by()[: self.FURTHEST].count())


class ReadOnlyAdmin(admin.ModelAdmin[M]):
    """What MUTT wrote, nobody edits."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_max_show_all = 0

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:  # noqa: ARG002
        return False


@admin.register(Record)
class RecordAdmin(ReadOnlyAdmin[Record]):
    """The list. The page of one event is why it became what it did: mutt_project joins it from all apps."""

    list_display = ("received_at", "hostname", "short_message", "outcome", "rule_name", "handling", "team")
    list_display_links = ("received_at", "short_message")
    list_filter = ("outcome",)
    search_fields = ("hostname__iexact",)
    search_help_text = "The whole host name, in any case."
    ordering = ("-event_id",)

    @admin.display(description="Message")
    def short_message(self, record: Record) -> str:
        text = record.message.strip()
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


class ReasonFilter(admin.AllValuesFieldListFilter):
    """The choices have names, also the one for attempts that need no reason."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        return ({**choice, "display": choice["display"] or "none"} for choice in super().choices(changelist))


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin[Attempt]):
    list_display = ("started_at", "batch_id", "number", "size", "status", "reason", "duration_ms")
    list_filter = (("reason", ReasonFilter),)
    ordering = ("-id",)

    @admin.display(description="Events")
    def size(self, attempt: Attempt) -> int:
        return len(attempt.event_ids)
