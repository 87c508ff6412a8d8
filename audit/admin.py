"""Records and attempts in admin: to read, not to edit."""

from collections.abc import Iterator
from typing import Any, TypeVar

from django.contrib import admin
from django.contrib.admin.views.main import PAGE_VAR
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from audit.looking import story_of
from audit.models import Attempt, Record
from audit.search_page import show_search

_DIGITS = 6  # of the number of a page

M = TypeVar("M", bound=Model)


class UncountedPaginator(Paginator[Any]):
    """Never counts: a count of a huge table takes longer than reading it. It looks whether there is one page more.

    `page` is the one that is asked for, from 1.
    """

    FURTHEST = 50  # pages; whoever wants more narrows the list

    def __init__(self, objects: Any, size: int, page: int) -> None:
        super().__init__(objects, size)
        self._asked = min(max(page, 1), self.FURTHEST)

    @cached_property
    def count(self) -> int:
        objects: Any = self.object_list
        begin = (self._asked - 1) * self.per_page
        found = len(objects.values_list("pk", flat=True)[begin : begin + self.per_page + 1])
        last = self._asked == self.FURTHEST
        return begin + (min(found, self.per_page) if last else found)


class ReadOnlyAdmin(admin.ModelAdmin[M]):
    """What MUTT wrote, nobody edits."""

    show_full_result_count = False
    list_max_show_all = 0

    def get_paginator(
        self,
        request: HttpRequest,
        queryset: Any,
        per_page: int,
        orphans: int = 0,  # noqa: ARG002 - Django's signature
        allow_empty_first_page: bool = True,  # noqa: ARG002, FBT001, FBT002
    ) -> Paginator[Any]:
        page = request.GET.get(PAGE_VAR, "1")
        return UncountedPaginator(queryset, per_page, int(page) if page.isdecimal() and len(page) < _DIGITS else 1)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:  # noqa: ARG002
        return False


@admin.register(Record)
class RecordAdmin(ReadOnlyAdmin[Record]):
    fieldsets = (
        ("What happened", {"fields": ("what_happened", "outcome", "outcome_at", "reason")}),
        (
            "The event",
            {
                "fields": (
                    *("event_id", "received_at", "api_key", "address", "hostname", "event_time", "syslog_severity"),
                    *("trap_oid", "source_type", "clears", "notes", "message", "event"),
                )
            },
        ),
        (
            "The decision",
            {
                "fields": (
                    *("rule_set_version", "rule_id", "rule_name", "handling", "environment", "team"),
                    "deduplication_key",
                )
            },
        ),
    )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # noqa: ARG002 - Django's signature
        """The list is a search of our own: Django's would count."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return show_search(request)

    @admin.display(description="Step by step")
    def what_happened(self, record: Record) -> SafeString:
        rows = ((f"{step.at:%H:%M:%S}" if step.at else "", step.stage, step.text) for step in story_of(record))
        return format_html("<table>{}</table>", format_html_join("", "<tr><td>{}<td>{}<td>{}</tr>", rows))


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
