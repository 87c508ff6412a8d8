"""Django's entry for the audit app."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = "What became of events"
    default_auto_field = "django.db.models.BigAutoField"
