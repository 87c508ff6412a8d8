"""Where the web server finds MUTT."""

import logging
import os
from importlib import import_module

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mutt_project.settings.production")

application = get_wsgi_application()
if settings.SECURE_SSL_REDIRECT and not settings.MUTT_TRUSTED_PROXIES:
    raise ImproperlyConfigured(
        "MUTT_TLS is on, but MUTT_TRUSTED_PROXIES names nobody who may say that a request came by TLS: every request"
        " would be redirected for ever. Name the proxy (where this server itself speaks TLS: 127.0.0.1)."
    )
logging.captureWarnings(True)  # noqa: FBT003 - its name says it
import_module(settings.ROOT_URLCONF)  # all pages, before the processes are forked that share them
