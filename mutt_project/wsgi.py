"""Where the web server finds MUTT."""

import logging
import os

from django.core.wsgi import get_wsgi_application

from mutt_project import tracing
from mutt_project.secrets.keeping import keep_secrets

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mutt_project.settings.production")

application = get_wsgi_application()
logging.captureWarnings(True)  # noqa: FBT003 - its name says it
tracing.start("mutt-web")
keep_secrets()
