"""What the Celery apps of all our processes have in common."""

from typing import Any

from celery import Celery
from celery.signals import setup_logging
from django.conf import settings


@setup_logging.connect
def leave_logging_alone(**_: Any) -> None:
    """Django has set logging up; with a listener here Celery adds no handlers and changes no levels."""


def configure(app: Celery) -> None:
    """Give it Celery's part of the settings, no secret of ours: it shows them to whoever asks (Flower, `inspect`)."""
    app.config_from_object(
        {
            name.removeprefix("CELERY_").lower(): getattr(settings, name)
            for name in dir(settings)
            if name.startswith("CELERY_")
        }
    )
