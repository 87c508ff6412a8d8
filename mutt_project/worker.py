"""Where workers and `celery -A mutt_project.worker …` find the app. Django is made ready first."""

import logging
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mutt_project.settings.production")
django.setup()

from mutt_project import housekeeping, tracing  # noqa: E402, F401 - as below; the first listens for the worker's start
from mutt_project.celery import app  # noqa: E402 - the tasks need Django's models
from mutt_project.secrets.keeping import keep_secrets  # noqa: E402 - as above

logging.captureWarnings(True)  # noqa: FBT003 - its name says it
tracing.start("mutt-worker")
keep_secrets()
if "flower" in sys.argv[1:]:  # of `celery`
    from mutt_project.flower_broker import teach_flower
    from mutt_project.flower_password import demand_password

    teach_flower()
    demand_password()

__all__ = ["app"]
