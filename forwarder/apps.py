"""Django's entry for the forwarder app."""

from django.apps import AppConfig


class ForwarderConfig(AppConfig):
    name = "forwarder"
    verbose_name = "Delivery"
    default_auto_field = "django.db.models.BigAutoField"
