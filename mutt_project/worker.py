"""Where Celery's commands find the app: `celery -A mutt_project.worker …`. Django is made ready first."""

import logging
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mutt_project.settings.production")
django.setup()

from mutt_project import housekeeping, tracing  # noqa: E402, F401 - as below; the first listens for the worker's start
from mutt_project.celery import app  # noqa: E402 - the tasks need Django's models

if "flower" in sys.argv[1:]:
    from mutt_project.flower_broker import teach_flower

    teach_flower()

logging.captureWarnings(True)  # noqa: FBT003 - its name says it
tracing.start("mutt-worker")

__all__ = ["app"]
