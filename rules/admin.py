"""Rules, development hosts and device teams in admin."""

from django.contrib import admin

from rules.matching import MatchType
from rules.models import DevelopmentHost, DeviceTeam, Rule


@admin.register(Rule)
class RuleAdmin(admin.ModelAdmin[Rule]):
    list_display = (
        "priority",
        "name",
        "condition",
        "prod_handling",
        "dev_handling",
        "team_assignment",
        "is_active",
    )
    list_display_links = ("name",)
    list_editable = ("is_active",)
    list_filter = ("is_active", "match_type", "prod_handling", "team_assignment")
    search_fields = ("name", "description", "match_string", "trap_oid")
    ordering = ("priority", "id")
    fieldsets = (
        (None, {"fields": ("name", "description", "is_active")}),
        (
            "Which events",
            {
                "fields": ("match_type", "match_string", "trap_oid", "syslog_severity", "priority"),
                "description": "All conditions that are set must hold. The lowest priority number wins.",
            },
        ),
        ("What to do", {"fields": ("prod_handling", "dev_handling", "team_assignment")}),
    )

    @admin.display(description="All of")
    def condition(self, rule: Rule) -> str:
        word = "matches" if rule.match_type == MatchType.REGEX else "contains"
        parts = (
            f"message {word} “{rule.match_string}”" if rule.match_string else "",
            f"trap OID from {rule.trap_oid}" if rule.trap_oid else "",
            f"severity {rule.syslog_severity}" if rule.syslog_severity else "",
        )
        return ", ".join(part for part in parts if part)


@admin.register(DevelopmentHost)
class DevelopmentHostAdmin(admin.ModelAdmin[DevelopmentHost]):
    list_display = ("hostname", "description")
    search_fields = ("hostname", "description")


@admin.register(DeviceTeam)
class DeviceTeamAdmin(admin.ModelAdmin[DeviceTeam]):
    list_display = ("hostname", "team")
    list_filter = ("team",)
    search_fields = ("hostname", "team")
