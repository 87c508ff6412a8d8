"""Dead letters and replays in admin: to look at, to send on their way again, to let go of."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from redis.exceptions import RedisError

from audit.admin import ReadOnlyAdmin
from audit.ids import batch_of
from audit.models import Attempt, DeadLetter
from audit.tuning.present import tuned
from ingest import replaying
from ingest.api.dead_letter_serializers import MOST_IDS
from ingest.replay_models import Replay
from ingest.replaying import Wanted

_SHOWN = 60
_AT_ONCE = 100


class WhyForm(ActionForm):
    """The bar of actions, with room for a reason."""

    why = forms.CharField(
        required=False, max_length=500, label="Why:", widget=forms.TextInput(attrs={"placeholder": "kept with them"})
    )


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnlyAdmin[DeadLetter]):
    list_display = ("created_at", "hostname", "stage", "reason", "state", "attempts", "short_detail")
    list_display_links = ("created_at", "short_detail")
    list_filter = ("state", "stage", "reason")
    search_fields = ("payload__hostname__iexact",)
    search_help_text = "The whole host name, in any case."
    ordering = ("-id",)
    actions = ("replay", "discard")
    action_form = WhyForm
    fieldsets = (
        ("Why it died", {"fields": ("created_at", "stage", "reason", "detail", "posts")}),
        ("The event", {"fields": ("event_id", "payload")}),
        ("What became of it", {"fields": ("state", "replays", "settled_at", "settled_by", "settled_why")}),
    )

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("audit.replay_deadletter")

    def has_discard_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("audit.discard_deadletter")

    @admin.display(description="Host")
    def hostname(self, letter: DeadLetter) -> str:
        return str(letter.payload.get("hostname", "")) if isinstance(letter.payload, dict) else ""

    @admin.display(description="Detail")
    def short_detail(self, letter: DeadLetter) -> str:
        return letter.detail if len(letter.detail) <= _SHOWN else f"{letter.detail[:_SHOWN]}…"

    @admin.display(description="Attempts")
    def posts(self, letter: DeadLetter) -> str:
        found = Attempt.objects.filter(batch_id=batch_of(letter.event_id))
        rows = (
            (f"{one.started_at:%F %T}", one.status or "no answer", one.reason, one.excerpt)
            for one in found
            if letter.event_id in one.event_ids
        )
        lines = format_html_join("", "<tr><td>{}<td>{}<td>{}<td>{}</tr>", rows)
        return format_html("<table>{}</table>", lines) if lines else "It was never posted."

    @admin.action(description="Replay", permissions=["replay"])
    def replay(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> None:
        """Few at once; many in the background."""
        by, why = request.user.get_username(), request.POST.get("why", "")[:500]
        chosen = list(queryset.order_by("event_id")[: MOST_IDS + 1])
        if len(chosen) > MOST_IDS:
            messages.warning(request, f"Only the first {MOST_IDS:,} are replayed. Choose the rest again.")
            chosen = chosen[:MOST_IDS]
        if len(chosen) > _AT_ONCE:
            wanted = Wanted(ids=tuple(letter.pk for letter in chosen))
            begun = replaying.begin(wanted, by, why, tuned.MUTT_REPLAY_RATE, timezone.now())
            messages.success(request, f"{begun.total:,} are replayed in the background: see Replays.")
            return
        try:
            results = replaying.replay_letters(chosen, by, why)
        except RedisError:
            messages.error(request, "Redis is away: nothing more is replayed.")
            return
        failed = [result for result in results if result.why_not]
        if len(results) > len(failed):
            messages.success(request, f"On their way again: {len(results) - len(failed)}.")
        for result in failed[:10]:
            messages.warning(request, f"{result.event}: {result.why_not}")
        if len(failed) > 10:  # noqa: PLR2004 - as many as above
            messages.warning(request, f"… and {len(failed) - 10} more.")

    @admin.action(description="Discard (say why)", permissions=["discard"])
    def discard(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> None:
        why = request.POST.get("why", "").strip()[:500]
        if not why:
            messages.error(request, "Nothing was discarded: say why, beside the action.")
            return
        wanted = Wanted(ids=tuple(queryset.values_list("pk", flat=True)[:MOST_IDS]))
        number = replaying.discard_letters(wanted, request.user.get_username(), why, timezone.now())
        messages.success(request, f"Discarded: {number}. They are kept, and never replayed.")


@admin.register(Replay)
class ReplayAdmin(ReadOnlyAdmin[Replay]):
    list_display = ("started_at", "requested_by", "reason", "status", "replayed", "skipped", "total", "ended_at")
    list_filter = ("status",)
    ordering = ("-started_at",)
    actions = ("stop",)
    fields: ClassVar[Any] = (
        *("started_at", "requested_by", "reason", "filter", "rate", "status", "total", "replayed", "skipped"),
        *("ended_at", "ended_by"),
    )

    def has_stop_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("ingest.change_replay")

    @admin.action(description="Stop", permissions=["stop"])
    def stop(self, request: HttpRequest, queryset: QuerySet[Replay]) -> None:
        by, now = request.user.get_username(), timezone.now()
        stopped = sum(replaying.stop(replay.pk, by, now) for replay in queryset)
        messages.success(request, f"Stopped: {stopped}. What is on its way goes on.")
