"""Has a process follow secrets that change: whatever cannot ask for its secret each time is told here."""

from collections.abc import Mapping
from typing import Any

from celery.signals import task_prerun
from django.conf import settings
from django.core.signals import request_started

from mutt_project.settings.environment import comma_separated


def secret_keys_of(secrets: Mapping[str, str]) -> tuple[str, list[str]]:
    """Django's secret key, and the former ones that still hold."""
    return secrets["MUTT_SECRET_KEY"], comma_separated(secrets.get("MUTT_SECRET_KEY_FALLBACKS", ""))


def follow() -> None:
    """Look for changed secrets before each request and task (at most once a second), and take Django's new key."""
    settings.MUTT_SECRETS.on_change(_take_secret_keys)
    request_started.connect(_refresh, dispatch_uid="mutt secrets")
    task_prerun.connect(_refresh, dispatch_uid="mutt secrets")


def _take_secret_keys() -> None:
    key, fallbacks = secret_keys_of(settings.MUTT_SECRETS)
    # In this order, so that no moment has neither the old nor the new one.
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS, *fallbacks]
    settings.SECRET_KEY = key
    settings.SECRET_KEY_FALLBACKS = fallbacks


def _refresh(**_: Any) -> None:
    settings.MUTT_SECRETS.refresh()
