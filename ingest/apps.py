"""Django's entry for the ingest app."""

from django.apps import AppConfig


class IngestConfig(AppConfig):
    name = "ingest"
    verbose_name = "Receiving"
    default_auto_field = "django.db.models.BigAutoField"
