"""Logging in to Vault by AppRole, never so often that Vault would lock the role out."""

from collections.abc import Callable
from dataclasses import asdict, replace

from mutt_project.secrets.back_off import Refusals, may_log_in, refused
from mutt_project.secrets.folder import Folder
from mutt_project.secrets.metrics import LOGIN_FAILURES
from mutt_project.secrets.present import SourceError
from mutt_project.secrets.shared import REFUSALS, SECRET_ID, as_kept
from mutt_project.secrets.vault_client import Granted, Refused, VaultClient, VaultTrouble
from mutt_project.secrets.vault_settings import Credentials, VaultSettings, hash_of


class Login:
    """Raises VaultTrouble, or Refused: by Vault, or here where Vault has refused the same a short while ago."""

    def __init__(
        self,
        folder: Folder,
        settings: VaultSettings,
        vault: VaultClient,
        clock: Callable[[], float],
        jitter: Callable[[], float],
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._vault = vault
        self._clock = clock
        self._jitter = jitter

    def __call__(self) -> Granted:
        try:
            credentials = self._settings.credentials()
        except SourceError as error:
            raise Refused(str(error), "It is looked at again in a moment.") from None
        before, now = self._refusals(), self._clock()
        if not may_log_in(before, credentials.fingerprint, now):
            raise Refused(before.text, before.mend)
        # Noted first: who dies at it and is started again must not try at once, since Vault has counted it.
        noted = refused(before, credentials.fingerprint, now, self._jitter())
        self._note(replace(noted, text="A login to Vault came to no end.", mend="It is tried again by itself."))
        try:
            granted = self._vault.log_in(credentials.role_id, self._secret_id(credentials))
        except Refused as refusal:
            LOGIN_FAILURES.inc()
            self._note(replace(noted, text=refusal.text, mend=refusal.mend))
            raise
        except VaultTrouble:
            self._note(before)
            raise
        self._note(Refusals())
        return granted

    def not_before(self) -> float:
        """When the next login is tried; 0: at any time."""
        return self._refusals().not_before

    def _secret_id(self, credentials: Credentials) -> str:
        """What was given, or unwrapped: once, and kept since."""
        if credentials.secret_id:
            return credentials.secret_id
        wrapping = hash_of(credentials.wrapped)
        kept = self._folder.read(SECRET_ID) or {}
        if kept.get("wrapping") != wrapping:
            kept = {"wrapping": wrapping, "secret_id": self._vault.unwrap(credentials.wrapped)}
            self._folder.write(SECRET_ID, kept)
        return str(kept["secret_id"])

    def _refusals(self) -> Refusals:
        return as_kept(Refusals, self._folder.read(REFUSALS)) or Refusals()

    def _note(self, refusals: Refusals) -> None:
        self._folder.write(REFUSALS, asdict(refusals))
