"""The few things that we ask Vault for, by hvac. What goes wrong is told in our words: Vault's may hold secrets."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import hvac
import requests
from hvac import exceptions

from mutt_project.masking import mask_texts
from mutt_project.secrets.vault_settings import VaultSettings

_TIMEOUTS_S = (3, 5)  # to connect, to answer


class VaultTrouble(Exception):  # noqa: N818 - a trouble is not always an error
    """What is wrong, and how to mend it; neither holds a secret. It may be over in a moment."""

    def __init__(self, text: str, mend: str) -> None:
        super().__init__(text)
        self.text = text
        self.mend = mend


class Refused(VaultTrouble):
    """Vault has answered, and says no: trying again is of no use until somebody has done something."""


@dataclass(frozen=True, slots=True)
class Granted:
    """A token and its lease, as Vault grants them."""

    token: str = field(repr=False)
    lasts_s: float
    renewable: bool


@dataclass(frozen=True, slots=True)
class Version:
    """The secrets under our path, and which version of them it is."""

    number: int
    values: Mapping[str, Any] = field(repr=False)


class VaultClient:
    """Raises VaultTrouble, or Refused, from each method."""

    def __init__(self, settings: VaultSettings) -> None:
        self._settings = settings
        # An empty token, else hvac takes the one of the person who starts us. No redirects: they would get our token.
        self._hvac = hvac.Client(
            url=settings.address,
            token="",
            verify=settings.ca or True,
            timeout=_TIMEOUTS_S,
            namespace=settings.namespace or None,
            allow_redirects=False,
        )

    def log_in(self, role_id: str, secret_id: str) -> Granted:
        mask_texts(secret_id)
        mount = self._settings.auth_mount
        with self._asking("", f"Vault refuses the login by auth/{mount}", _MEND_LOGIN):
            answer = self._hvac.auth.approle.login(role_id, secret_id, use_token=False, mount_point=mount)
            return _granted(answer)

    def renew(self, token: str) -> Granted:
        with self._asking(token, "Vault does not renew the token", "A new login follows."):
            return _granted(self._hvac.auth.token.renew_self())

    def lives(self, token: str) -> bool:
        """Whether Vault knows the token."""
        try:
            with self._asking(token, "", ""):
                self._hvac.auth.token.lookup_self()
        except Refused:
            return False
        return True

    def read(self, token: str) -> Version:
        mount, path = self._settings.kv_mount, self._settings.path
        said = f"Vault does not give {mount}/data/{path} to our token"
        with self._asking(token, said, f"Does it exist, and may the role's policy read {mount}/data/{path}?"):
            answer = self._hvac.secrets.kv.v2.read_secret_version(
                path=path, mount_point=mount, raise_on_deleted_version=True
            )["data"]
            return Version(int(answer["metadata"]["version"]), dict(answer["data"]))

    def unwrap(self, wrapping: str) -> str:
        """The secret-id that is wrapped, if it was wrapped where secret-ids of our mount are made."""
        mask_texts(wrapping)
        with self._asking("", *_USED):
            origin = str(
                self._hvac.adapter.post("/v1/sys/wrapping/lookup", json={"token": wrapping})["data"]["creation_path"]
            )
        if not re.fullmatch(rf"auth/{re.escape(self._settings.auth_mount)}/role/[^/]+/secret-id", origin):
            raise Refused(
                f"MUTT_VAULT_WRAPPED_SECRET_ID was wrapped by {origin[:100]!r}, not where secret-ids are made: "
                "somebody may have put another in its place.",
                "Find out who. " + _MEND_WRAPPED,
            )
        with self._asking(wrapping, *_USED):
            return str(self._hvac.sys.unwrap()["data"]["secret_id"])

    @contextmanager
    def _asking(self, token: str, refused: str, mend: str) -> Iterator[None]:
        mask_texts(token)
        self._hvac.token = token
        try:
            yield
        except tuple(_SAYS_NO) as error:
            if _STARTING in str(error):
                raise VaultTrouble("Vault is just starting (400).", "MUTT goes on by itself.") from None
            raise Refused(f"{refused} ({_SAYS_NO[type(error)]}).", mend) from None
        except exceptions.VaultDown:
            raise VaultTrouble("Vault is sealed, or under maintenance (503).", "Unseal it.") from None
        except exceptions.VaultError as error:
            if _PAST_MAXIMUM in str(error):
                raise Refused(f"{refused}: it has reached its maximum.", mend) from None
            raise VaultTrouble(f"Vault fails ({type(error).__name__}).", "See Vault's own log.") from None
        except requests.exceptions.SSLError:
            raise VaultTrouble("Vault's certificate cannot be trusted.", "See VAULT_ADDR and VAULT_CACERT.") from None
        except requests.exceptions.Timeout:
            raise VaultTrouble("Vault does not answer in time.", _MEND_AWAY) from None
        except (requests.exceptions.RequestException, OSError):
            raise VaultTrouble("Vault cannot be reached.", _MEND_AWAY) from None
        except (KeyError, TypeError, ValueError, AttributeError):
            raise VaultTrouble(
                "What answers at VAULT_ADDR does not speak as Vault does.",
                "Name the active Vault, not what leads there.",
            ) from None


def _granted(answer: Any) -> Granted:
    found = answer["auth"]
    mask_texts(found["client_token"])
    return Granted(str(found["client_token"]), float(found["lease_duration"]), bool(found["renewable"]))


_STARTING = "will be unavailable for a brief period"  # of a KV store
_PAST_MAXIMUM = "past the max TTL"  # said with the status 500
_SAYS_NO = {
    exceptions.InvalidRequest: 400,
    exceptions.Unauthorized: 401,
    exceptions.Forbidden: 403,
    exceptions.InvalidPath: 404,
}
_MEND_AWAY = "Does Vault run, and is VAULT_ADDR its address? MUTT goes on by itself once it answers."
_MEND_LOGIN = (
    "The secret-id may be used up, expired or wrong, or the role locked out: give out a new secret-id "
    "(docs/secrets.md), which is tried at once. Or MUTT_VAULT_AUTH_MOUNT or VAULT_NAMESPACE is wrong."
)
_MEND_WRAPPED = "Revoke that secret-id, and hand out a new one (docs/secrets.md)."
_USED = (
    "MUTT_VAULT_WRAPPED_SECRET_ID is of no use: it has expired, or somebody else has unwrapped it",
    f"If it should not have expired yet, take it for stolen. {_MEND_WRAPPED}",
)
