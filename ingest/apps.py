"""Django's entry for the ingest app."""

from pathlib import Path

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from ingest.sources.oid_names import load_names


class IngestConfig(AppConfig):
    name = "ingest"
    verbose_name = "Receiving"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Learn the names of OIDs that the operator gives. Raises ImproperlyConfigured."""
        path: str | None = settings.MUTT_OID_NAMES
        if path is None:
            return
        try:
            load_names(Path(path))
        except (OSError, ValueError) as error:
            raise ImproperlyConfigured(f"The file of MUTT_OID_NAMES cannot be used: {error}") from error
