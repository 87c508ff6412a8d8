"""Where Celery's commands find the app: `celery -A mutt_project.worker …`. Django is made ready first."""

import logging
import os
import sys

import django
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mutt_project.settings.production")
django.setup()

from mutt_project import housekeeping, tracing  # noqa: E402, F401 - as below; the first listens for the worker's start
from mutt_project.celery import app  # noqa: E402 - the tasks need Django's models
from mutt_project.secrets.keeping import keep_secrets  # noqa: E402 - as above

if "flower" in sys.argv[1:]:
    from mutt_project.flower_broker import teach_flower

    teach_flower()

logging.captureWarnings(True)  # noqa: FBT003 - its name says it
tracing.start("mutt-worker")
keep_secrets()
if "flower" in sys.argv:
    # Flower asks the environment alone, and without it lets everybody in.
    if password := settings.MUTT_SECRETS.get("FLOWER_BASIC_AUTH", ""):
        os.environ["FLOWER_BASIC_AUTH"] = password
    elif not any(word.startswith(("--basic_auth", "--basic-auth", "--auth")) for word in sys.argv):
        sys.exit("Flower starts with a password alone: set FLOWER_BASIC_AUTH to name:password.")

__all__ = ["app"]
