"""Where the web server finds MUTT."""

import os

from django.core.wsgi import get_wsgi_application

from mutt_project import tracing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mutt_project.settings.production")

application = get_wsgi_application()
tracing.start("mutt-web")
