"""The one place that decides where secrets come from, and refuses to start without them.

Where VAULT_ADDR is set they come from Vault, and what Vault does not hold from the environment or files; else from the
latter alone. No name may be in both: nobody would know which one is used.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured

from mutt_project.secrets.environment import Environment
from mutt_project.secrets.names import SECRETS
from mutt_project.secrets.present import Secrets, Source, SourceError
from mutt_project.secrets.vault import Together, shared_by
from mutt_project.secrets.vault_settings import VaultSettings, vault_settings
from mutt_project.secrets.weakness import weakness

if TYPE_CHECKING:
    from mutt_project.secrets.keeper import Keeper


class Checked:
    """A source whose values are used only if nothing is wrong with them."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._faults: list[str] = []

    def read(self) -> Mapping[str, str] | None:
        """See `Source`."""
        values = self._source.read()
        if values is not None:
            self._faults = faults_of(values)
        if self._faults:
            raise SourceError("\n".join(self._faults))
        return values


def secrets_of(environment: Mapping[str, str], vault: VaultSettings | None = None) -> Secrets:
    """The secrets of a process with this environment. Raises ImproperlyConfigured if one is missing or weak."""
    try:
        source: Source = Environment(environment)
        if vault:
            source = Together(source, shared_by(keeper_of(vault, environment)))
        return Secrets(Checked(source))
    except SourceError as error:
        raise ImproperlyConfigured(str(error)) from None


def vault_of(environment: Mapping[str, str]) -> VaultSettings | None:
    """Where Vault is; None if none is configured. Raises ImproperlyConfigured."""
    try:
        return vault_settings(environment)
    except SourceError as error:
        raise ImproperlyConfigured(str(error)) from None


def keeper_of(vault: VaultSettings, environment: Mapping[str, str]) -> "Keeper":
    """Who keeps the secrets of a machine whose processes have this environment."""
    # hvac is large: it is loaded only where there is a Vault.
    # A copy: what Flower puts there later, since it asks the environment alone, was not given to it.
    made: Keeper = import_module("mutt_project.secrets.keeper").Keeper(vault, _faults_in_vault(dict(environment)))
    return made


def _faults_in_vault(environment: Mapping[str, str]) -> Callable[[Mapping[str, Any]], list[str]]:
    def faults(values: Mapping[str, Any]) -> list[str]:
        try:
            own = Environment(environment).read() or {}
        except SourceError as error:
            return [str(error)]
        twice = sorted(own.keys() & values.keys())
        if twice:
            return [f"{name} is in Vault and in the environment: keep one of them." for name in twice]
        return faults_of({**own, **values})

    return faults


def faults_of(values: Mapping[str, Any]) -> list[str]:
    """What is missing, and what is weak."""
    return [fault for name in SECRETS if (fault := _fault(name, values.get(name, "")))]


def _fault(name: str, value: Any) -> str:
    wanted = SECRETS[name]
    if not isinstance(value, str):
        return f"The secret {name} is no text."
    if not value:
        return f"The secret {name} is not set. See docs/settings.md." if wanted.required else ""
    several = name == "MUTT_SECRET_KEY_FALLBACKS"
    parts = [part.strip() for part in value.split(",") if part.strip()] if several else [value]
    if short := [len(part) for part in parts if len(part) < wanted.least]:
        return f"The secret {name} is too short: {short[0]} characters, where {wanted.least} are the least. {_MAKE_ONE}"
    weak = next((why for part in parts if (why := weakness(part))), "")
    return f"The secret {name} {weak}. {_MAKE_ONE}" if weak else ""


_MAKE_ONE = "Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
