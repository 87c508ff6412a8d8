"""Where Vault is, and with which credentials we go there: from the environment."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from mutt_project.secrets.environment import variable_or_file
from mutt_project.secrets.present import SourceError
from mutt_project.settings.environment import THIS_MACHINE, positive

_CREDENTIALS = ("MUTT_VAULT_ROLE_ID", "MUTT_VAULT_SECRET_ID", "MUTT_VAULT_WRAPPED_SECRET_ID")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What we log in with, and where: a secret-id, or the token of one that is wrapped."""

    place: str
    role_id: str = field(repr=False)
    secret_id: str = field(repr=False)
    wrapped: str = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """Another one for other credentials. They are too random to be guessed from it."""
        return hash_of(f"{self.place}\n{self.role_id}\n{self.secret_id}\n{self.wrapped}")


@dataclass(frozen=True, slots=True)
class VaultSettings:
    """How to reach Vault, and how to behave there."""

    address: str
    folder: Path
    variables: Mapping[str, str] = field(repr=False)
    ca: str = ""
    namespace: str = ""
    auth_mount: str = "approle"
    kv_mount: str = "secret"
    path: str = "mutt"
    check_every_s: float = 5.0

    def credentials(self) -> Credentials:
        """As they are now: files are read each time. Raises SourceError."""
        role_id, secret_id, wrapped = (variable_or_file(self.variables, name) for name in _CREDENTIALS)
        if not role_id:
            raise SourceError("MUTT_VAULT_ROLE_ID is not set, though VAULT_ADDR is. See docs/secrets.md.")
        if bool(secret_id) is bool(wrapped):
            raise SourceError("Set one of MUTT_VAULT_SECRET_ID and MUTT_VAULT_WRAPPED_SECRET_ID. See docs/secrets.md.")
        place = f"{self.address} {self.namespace} {self.auth_mount}"
        return Credentials(place, role_id, secret_id, wrapped)


def vault_settings(environment: Mapping[str, str]) -> VaultSettings | None:
    """None where no Vault is configured. Raises SourceError."""
    address = environment.get("VAULT_ADDR", "").strip()
    if not address:
        return None
    # Not repeated: whoever puts a password into it should not find it in a log.
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        raise SourceError("VAULT_ADDR must be like https://vault.example.net:8200, without user name and password.")
    if parts.scheme == "http" and parts.hostname not in THIS_MACHINE:
        raise SourceError("VAULT_ADDR must be an https address: by http all secrets could be read on their way.")
    ca = environment.get("VAULT_CACERT", "")
    if ca and not Path(ca).is_file():
        raise SourceError(f"VAULT_CACERT names {ca}, which is no file that can be read.")
    return VaultSettings(
        address=address,
        folder=_folder(environment),
        variables={
            name: environment[name]
            for plain in _CREDENTIALS
            for name in (plain, f"{plain}_FILE")
            if name in environment
        },
        ca=ca,
        namespace=environment.get("VAULT_NAMESPACE", ""),
        auth_mount=environment.get("MUTT_VAULT_AUTH_MOUNT") or "approle",
        kv_mount=environment.get("MUTT_VAULT_KV_MOUNT") or "secret",
        path=environment.get("MUTT_VAULT_PATH") or "mutt",
        check_every_s=_check_every_s(environment),
    )


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _folder(environment: Mapping[str, str]) -> Path:
    given = environment.get("MUTT_SECRETS_DIR")
    return Path(given) if given else Path(environment.get("XDG_RUNTIME_DIR") or "/run", "mutt")


def _check_every_s(environment: Mapping[str, str]) -> float:
    try:
        return positive(environment.get("MUTT_VAULT_CHECK_EVERY_S") or "5")
    except ValueError as error:
        raise SourceError(f"The environment variable MUTT_VAULT_CHECK_EVERY_S cannot be used: {error}") from None
