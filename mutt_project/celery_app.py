"""What the Celery apps of all our processes have in common."""

from typing import TYPE_CHECKING, Any

from celery.signals import setup_logging
from django.conf import settings

if TYPE_CHECKING:
    from celery import Celery


@setup_logging.connect
def leave_logging_alone(**_: Any) -> None:
    """Django has set logging up; with a listener here Celery adds no handlers and changes no levels."""


def configure(app: "Celery[Any]") -> None:
    """Give it Celery's part of the settings, no secret of ours: it shows them to whoever asks (Flower, `inspect`)."""
    app.config_from_object(
        {
            name.removeprefix("CELERY_").lower(): getattr(settings, name)
            for name in dir(settings)
            if name.startswith("CELERY_")
        }
    )
