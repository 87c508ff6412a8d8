"""Django's entry for the project itself."""

import sys
from importlib import import_module

import django_stubs_ext
from django.apps import AppConfig

from mutt_project.noted_commands import note_commands
from mutt_project.secrets.following import follow
from mutt_project.slo.standing import objectives

django_stubs_ext.monkeypatch()  # makes ModelForm[X] and the like possible at run time; no other app is loaded yet


class MuttProjectConfig(AppConfig):
    name = "mutt_project"
    verbose_name = "MUTT"

    def ready(self) -> None:
        """Read the objectives, so that a wrong file stops the start. Raises ImproperlyConfigured."""
        objectives()
        follow()
        # Makes ours the current Celery app of every process that sends tasks; it can be imported only now.
        import_module("mutt_project.celery")
        note_commands(sys.argv)
