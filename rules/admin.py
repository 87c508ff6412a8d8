"""Rules, development hosts and device teams in admin."""

from django.contrib import admin

from rules.models import DevelopmentHost, DeviceTeam, Rule


@admin.register(Rule)
class RuleAdmin(admin.ModelAdmin[Rule]):
    list_display = (
        "priority",
        "id",
        "name",
        "match_type",
        "match_string",
        "trap_oid",
        "syslog_severity",
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


@admin.register(DevelopmentHost)
class DevelopmentHostAdmin(admin.ModelAdmin[DevelopmentHost]):
    list_display = ("hostname", "description")
    search_fields = ("hostname", "description")


@admin.register(DeviceTeam)
class DeviceTeamAdmin(admin.ModelAdmin[DeviceTeam]):
    list_display = ("hostname", "team")
    list_filter = ("team",)
    search_fields = ("hostname", "team")
