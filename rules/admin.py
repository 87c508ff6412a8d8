"""Rules, development hosts and device teams in admin."""

from datetime import timedelta
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.expressions import RawSQL
from django.forms import CheckboxInput
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from audit.ids import first_id_at, received_at
from audit.models import Record
from rules.admin_editing import BooleanDropdown, ChoicesDropdown, EditedAdmin, ValuesDropdown
from rules.forms import RuleForm, rule_called
from rules.models import DevelopmentHost, DeviceTeam, Rule
from rules.recorded import as_text, record_called
from rules.warnings import warnings_about_others, warnings_for

HITS_OVER = timedelta(days=7)
MOST_HITS = 1000  # beyond that nobody wants to know, and counting would take its time
_HITS = (
    "(SELECT count(*) FROM (SELECT 1 FROM audit_record"
    " WHERE audit_record.rule_id = rules_rule.id AND audit_record.event_id >= %s LIMIT %s) AS hits)"
)
_SWITCH = CheckboxInput({"aria-label": "Active"})
_NOT_COPIED = {"id", "created_at", "updated_at"}


@admin.register(Rule)
class RuleAdmin(EditedAdmin[Rule]):
    form = RuleForm
    change_form_template = "rules/rule_change_form.html"
    change_list_template = "rules/rule_change_list.html"
    list_display = ("priority", "what", "is_active", "handling", "team_assignment", "hits", "links")
    list_display_links = None
    list_editable = ("is_active",)
    list_filter = (
        ("is_active", BooleanDropdown),
        ("match_type", ChoicesDropdown),
        ("prod_handling", ChoicesDropdown),
        ("dev_handling", ChoicesDropdown),
        ("syslog_severity", ChoicesDropdown),
        ("team_assignment", ValuesDropdown),
    )
    search_fields = ("name", "description", "notes", "match_string", "trap_oid")
    search_help_text = "Text in name, description, notes, conditions."
    ordering = ("priority", "id")
    actions = ("activate", "deactivate")
    readonly_fields = ("created_at", "updated_at")
    fieldsets = (
        (None, {"fields": ("name", "description", "is_active")}),
        (
            "Which events",
            {
                "fields": ("match_type", "match_string", "trap_oid", "syslog_severity", "priority"),
                "description": "All conditions that are set must hold. Of the rules that match an event, the one with"
                " the lowest priority number wins, then the oldest. The text is looked for in the event's message,"
                " without the syslog header.",
            },
        ),
        ("What to do", {"fields": ("prod_handling", "dev_handling", "team_assignment")}),
        ("For colleagues", {"fields": ("notes", "examples", "created_at", "updated_at")}),
        ("This change", {"fields": ("change_reason", "seen")}),
    )

    class Media:
        css: ClassVar[dict[str, tuple[str, ...]]] = {"all": ("rules/rules.css",)}
        js = ("rules/trying.js",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rule]:
        rules = super().get_queryset(request)
        if request.resolver_match is None or not str(request.resolver_match.url_name).endswith("_changelist"):
            return rules
        since = first_id_at(timezone.now() - HITS_OVER)
        newest = Record.objects.filter(rule_id=OuterRef("pk")).order_by("-event_id").values("event_id")[:1]
        hits = RawSQL(_HITS, (since, MOST_HITS + 1), output_field=IntegerField())  # noqa: S611 - a constant, with parameters  # nosec B611
        return rules.annotate(hit_count=hits, last_hit_id=Subquery(newest))

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> Any:
        return super().get_changelist_form(request, **{**kwargs, "widgets": {"is_active": _SWITCH}})

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A new rule may begin as the copy of another."""
        rule = rule_called(request.GET.get("copy", ""))
        if rule is None or not self.has_view_permission(request, rule):
            return {**super().get_changeform_initial_data(request)}
        names = [field.name for field in Rule._meta.concrete_fields if field.name not in _NOT_COPIED]  # noqa: SLF001 - Django's documented Model._meta API
        return {**{name: getattr(rule, name) for name in names}, "name": f"{rule.name} (copy)"[:200]}

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> Any:
        """A rule that is made for an event can be tried on it."""
        may_look = request.user.has_perm("audit.view_record")
        record = record_called(request.GET.get("event", "")) if may_look else None
        event = as_text(record) if record else ""
        return super().add_view(request, form_url, {**(extra_context or {}), "try_event": event})

    def save_model(self, request: HttpRequest, obj: Rule, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        super().save_model(request, obj, form, change)
        for warning in (*warnings_for(obj), *warnings_about_others(obj)):
            messages.warning(request, f"“{obj.name}”: {warning}")

    @admin.display(description="Rule: all of", ordering="name")
    def what(self, rule: Rule) -> SafeString:
        url = reverse("admin:rules_rule_change", args=[rule.pk])
        return format_html('<a href="{}">{}</a> <span class="condition">{}</span>', url, rule.name, rule.condition())

    @admin.display(description="Handling", ordering="prod_handling")
    def handling(self, rule: Rule) -> SafeString:
        words = '<span class="two-lines">prod: {}<br>dev: {}</span>'
        return format_html(words, rule.prod_handling, rule.dev_handling)

    @admin.display(description="Hits, 7 days", ordering="hit_count")
    def hits(self, rule: Any) -> SafeString:
        shown = f"{MOST_HITS:,}+" if rule.hit_count > MOST_HITS else f"{rule.hit_count:,}"
        last = "never hit"
        if rule.last_hit_id is not None:
            last = f"last {timesince(received_at(rule.last_hit_id), timezone.now(), depth=1)} ago"
        words = '<span class="two-lines"><a href="{}?rule_id={}" title="Show these events">{}</a><br>{}</span>'
        return format_html(words, reverse("admin:audit_record_changelist"), rule.pk, shown, last)

    @admin.display(description="More")
    def links(self, rule: Rule) -> SafeString:
        return format_html(
            '<a href="{}?copy={}">Duplicate</a><br><a href="{}">History</a>',
            reverse("admin:rules_rule_add"),
            rule.pk,
            reverse("admin:rules_rule_history", args=[rule.pk]),
        )

    @admin.action(description="Switch on", permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[Rule]) -> None:
        self._switch(request, queryset, on=True)

    @admin.action(description="Switch off", permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[Rule]) -> None:
        self._switch(request, queryset, on=False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Rule], *, on: bool) -> None:
        chosen = Rule.objects.filter(pk__in=queryset.values_list("pk", flat=True)).exclude(is_active=on)
        with self.changing(request):
            count = chosen.update(is_active=on, updated_at=timezone.now())
        messages.success(request, f"Switched {'on' if on else 'off'}: {count}.")


@admin.register(DevelopmentHost)
class DevelopmentHostAdmin(EditedAdmin[DevelopmentHost]):
    change_list_template = "rules/host_change_list.html"
    list_display = ("hostname", "description")
    search_fields = ("hostname", "description")
    fields = ("hostname", "description", "change_reason", "seen")


@admin.register(DeviceTeam)
class DeviceTeamAdmin(EditedAdmin[DeviceTeam]):
    change_list_template = "rules/host_change_list.html"
    list_display = ("hostname", "team")
    list_filter = (("team", ValuesDropdown),)
    search_fields = ("hostname", "team")
    fields = ("hostname", "team", "change_reason", "seen")
