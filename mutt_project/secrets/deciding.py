"""The one place that decides where secrets come from, and refuses to start without them."""

from collections.abc import Mapping

from django.core.exceptions import ImproperlyConfigured

from mutt_project.secrets.environment import Environment
from mutt_project.secrets.names import SECRETS
from mutt_project.secrets.present import Secrets, SourceError


class Fixed:
    """Secrets that never change, for tools and tests."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def read(self) -> Mapping[str, str]:
        return self._values


def secrets_of(environment: Mapping[str, str]) -> Secrets:
    """The secrets of a process with this environment. Raises ImproperlyConfigured if one is missing or weak."""
    try:
        secrets = Secrets(Environment(environment))
    except SourceError as error:
        raise ImproperlyConfigured(str(error)) from None
    faults = [*_faults(secrets)]
    if faults:
        raise ImproperlyConfigured("\n".join(faults))
    return secrets


def _faults(secrets: Mapping[str, str]) -> list[str]:
    found = []
    for name, wanted in SECRETS.items():
        value = secrets.get(name, "")
        if not value and wanted.required:
            found.append(f"The secret {name} is not set. See docs/settings.md.")
        elif value and len(value) < wanted.least:
            found.append(
                f"The secret {name} is too short: {len(value)} characters, where {wanted.least} are the least. "
                f"Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
            )
    return found
