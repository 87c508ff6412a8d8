"""The quarantine in admin: to look at, to send again, to delete."""

from collections.abc import Iterable
from itertools import islice
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import BinaryField, F, Func, IntegerField, QuerySet, Value
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from redis.exceptions import RedisError

from audit.admin import ReadOnlyAdmin
from audit.uneditable_admin import UneditableAdmin
from ingest.quarantine_models import Quarantined
from ingest.receiving import Receipt
from ingest.resending import MOST_AT_ONCE, Resent, resend_many

_SHOWN = 90  # characters that fit a row
_SHOWN_FAILURES = 10


class SentAgain(admin.SimpleListFilter):
    title = "sent again"
    parameter_name = "resent"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 - Django's signature
        return [("no", "Not yet"), ("yes", "Sent again")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002 - as above
        if self.value() in {"no", "yes"}:
            return queryset.filter(resent_at__isnull=self.value() == "no")
        return queryset


@admin.register(Quarantined)
class QuarantinedAdmin(ReadOnlyAdmin[Quarantined]):
    list_display = ("received_at", "source", "reason", "short_error", "api_key", "is_resent")
    list_display_links = ("received_at", "short_error")
    list_filter = ("source", "reason", SentAgain)
    search_fields = ("api_key__icontains", "address__icontains", "error__icontains")
    search_help_text = "Part of the key's name, the address or the error; of the body in the same case."
    ordering = ("-id",)
    actions = ("send_again",)
    fieldsets = (
        ("Why it was refused", {"fields": ("received_at", "source", "reason", "error", "pointed_errors")}),
        ("What was sent", {"fields": ("shown_body", "size", "truncated", "redacted", "content_type")}),
        ("Who sent it", {"fields": ("api_key", "address")}),
        ("Sent again", {"fields": ("resent_at", "resent_by", "batch_id")}),
    )

    class Media:
        css: ClassVar[dict[str, tuple[str, ...]]] = {"all": ("ingest/quarantine.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Quarantined]:
        rows = super().get_queryset(request)
        is_list = request.resolver_match is not None and str(request.resolver_match.url_name).endswith("_changelist")
        return rows.defer("body") if is_list else rows

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Also what holds the term in its body, which is bytes: so the case counts."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if not search_term:
            return found, may_repeat
        term = Value(search_term.encode("utf-8", "replace"), BinaryField())
        place: Any = Func(term, F("body"), function="POSITION", arg_joiner=" IN ", output_field=IntegerField())
        return found | queryset.alias(place=place).filter(place__gt=0), may_repeat

    def has_delete_permission(self, request: HttpRequest, obj: Quarantined | None = None) -> bool:
        return super(UneditableAdmin, self).has_delete_permission(request, obj)

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("ingest.resend_quarantined")

    @admin.display(description="Error")
    def short_error(self, row: Quarantined) -> str:
        return row.error if len(row.error) <= _SHOWN else f"{row.error[:_SHOWN]}…"

    @admin.display(description="Sent again", boolean=True)
    def is_resent(self, row: Quarantined) -> bool:
        return row.resent_at is not None

    @admin.display(description="Where")
    def pointed_errors(self, row: Quarantined) -> SafeString:
        pairs = ((error.get("pointer") or "(the event)", error.get("detail", "")) for error in row.errors)
        return format_html("<table>{}</table>", format_html_join("", "<tr><td>{}<td>{}</tr>", pairs))

    @admin.display(description="Body")
    def shown_body(self, row: Quarantined) -> SafeString:
        return format_html("<pre>{}</pre>", row.text)

    @admin.action(description="Send again", permissions=["resend"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Quarantined]) -> None:
        chosen = list(queryset.order_by("id").values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
        tried = list(resend_many(chosen[:MOST_AT_ONCE], request.user.get_username(), timezone.now()))
        _tell(request, tried)
        if len(chosen) > MOST_AT_ONCE:
            messages.warning(request, f"Only the oldest {MOST_AT_ONCE:,} were tried. Choose the rest again.")


def _tell(request: HttpRequest, tried: Iterable[Resent]) -> None:
    """How many were accepted, and the first of those that were not, with their reasons."""
    all_of_them = list(tried)
    failed = [one for one in all_of_them if not isinstance(one.outcome, Receipt)]
    accepted = len(all_of_them) - len(failed)
    if accepted:
        messages.success(request, f"Sent again and accepted: {accepted}.")
    if failed:
        messages.warning(request, f"Not accepted: {len(failed)}.")
    for one in islice(failed, _SHOWN_FAILURES):
        messages.warning(request, f"{one.id}: {_why(one)}")
    if len(failed) > _SHOWN_FAILURES:
        messages.warning(request, f"… and {len(failed) - _SHOWN_FAILURES} more.")


def _why(one: Resent) -> str:
    if one.outcome is None:
        return "It has been deleted meanwhile."
    if isinstance(one.outcome, RedisError):
        return "Redis is away: it was not sent again."
    return str(one.outcome)
