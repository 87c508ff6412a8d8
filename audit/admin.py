"""Records and attempts in admin: to read, not to edit."""

from collections.abc import Iterator
from typing import Any, ClassVar, TypeVar

from django.contrib import admin
from django.contrib.admin.views.main import PAGE_VAR
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from audit.change_models import Change
from audit.change_page import show_changes
from audit.models import Archive, Attempt, Record
from audit.search_page import show_search
from audit.tuning.admin import SettingAdmin  # noqa: F401 - here is where Django looks for pages
from audit.uneditable_admin import UneditableAdmin

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


class ReadOnlyAdmin(UneditableAdmin[M]):
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


@admin.register(Record)
class RecordAdmin(ReadOnlyAdmin[Record]):
    """The list. The page of one event is why it became what it did: mutt_project joins it from all apps."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # noqa: ARG002 - Django's signature
        """The list is a search of our own: Django's would count."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return show_search(request)


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


@admin.register(Archive)
class ArchiveAdmin(ReadOnlyAdmin[Archive]):
    list_display = ("month", "state", "records", "size", "requested_by", "updated_at", "problem")
    list_filter = ("state",)
    ordering = ("-month",)
    fieldsets = (
        ("What became of it", {"fields": ("month", "state", "done", "problem", "keep_until", "what_was_done")}),
        ("What was in it", {"fields": ("records", "attempts", "dead_letters", "outcomes")}),
        ("Its archive", {"fields": ("path", "size", "sha256")}),
    )

    @admin.display(description="Done")
    def done(self, archive: Archive) -> str:
        return f"{archive.progress:.0%}"

    @admin.display(description="Size of its files", ordering="bytes")
    def size(self, archive: Archive) -> str:
        return str(filesizeformat(archive.bytes)) if archive.bytes else ""

    @admin.display(description="Who had it done, and why")
    def what_was_done(self, archive: Archive) -> SafeString:
        rows = ((one["at"][:19].replace("T", " "), one["what"], one["by"], one["reason"]) for one in archive.history)
        return format_html("<table>{}</table>", format_html_join("", "<tr><td>{}<td>{}<td>{}<td>{}</tr>", rows))


@admin.register(Change)
class ChangeAdmin(ReadOnlyAdmin[Change]):
    """The list is a search of our own, as that of records."""

    fieldsets = (
        ("What", {"fields": ("kind", "name", "object_id", "what", "values")}),
        ("Who and why", {"fields": ("who", "reason", "at")}),
        ("From where", {"fields": ("via", "address", "correlation_id")}),
    )

    class Media:
        css: ClassVar[dict[str, tuple[str, ...]]] = {"all": ("audit/search.css",)}

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # noqa: ARG002 - Django's signature
        if not self.has_view_permission(request):
            raise PermissionDenied
        return show_changes(request)

    @admin.display(description="Before and after")
    def values(self, change: Change) -> str:
        return render_to_string("audit/change_values.html", {"fields": change.fields})
