#!/usr/bin/env python
"""Django's command line."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

# muttctl talks to the REST API: it needs neither MUTT's secrets nor its stores.
SETTINGS = "checks" if sys.argv[1:2] == ["muttctl"] else "production"

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", f"mutt_project.settings.{SETTINGS}")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"manage.py: {error}")
