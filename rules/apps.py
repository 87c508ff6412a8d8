"""Django's entry for the rules app."""

from django.apps import AppConfig


class RulesConfig(AppConfig):
    name = "rules"
    verbose_name = "Rules, hosts and teams"
    default_auto_field = "django.db.models.BigAutoField"
