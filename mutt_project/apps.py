"""Django's entry for the project itself."""

from importlib import import_module

from django.apps import AppConfig


class MuttProjectConfig(AppConfig):
    name = "mutt_project"
    verbose_name = "MUTT"

    def ready(self) -> None:
        # Makes ours the current Celery app of every process that sends tasks; it can be imported only now.
        import_module("mutt_project.celery")
