"""Django's entry for the audit app."""

from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import connections
from django.db.models.signals import pre_migrate

from audit.logins import note_failed_login, note_login, note_logout


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = "What became of events"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        pre_migrate.connect(_take_time, sender=self)
        user_logged_in.connect(note_login)
        user_logged_out.connect(note_logout)
        user_login_failed.connect(note_failed_login)


def _take_time(using: str, **_: Any) -> None:
    """An index over all records takes longer than any query may. Locks are still waited for as briefly as ever."""
    with connections[using].cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
