"""The Celery app of beat and Flower, which run no task: without Django's apps and models they are half as large."""

import logging.config
import os

from celery import Celery
from django.conf import settings

from mutt_project import tracing
from mutt_project.celery_app import configure
from mutt_project.secrets.keeping import keep_secrets

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mutt_project.settings.production")
logging.config.dictConfig(settings.LOGGING)
logging.captureWarnings(True)  # noqa: FBT003 - its name says it

app = Celery(
    "mutt", fixups=[], set_as_current=False
)  # Celery's fixup for Django loads all models, and all pages to check them
configure(app)
tracing.start("mutt-worker")
keep_secrets()

__all__ = ["app"]
