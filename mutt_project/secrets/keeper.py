"""Keeps one machine's secrets: logs in to Vault, renews the token, and shares what Vault holds in a folder."""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from random import SystemRandom
from typing import Any

from mutt_project.secrets import lease
from mutt_project.secrets.folder import Folder
from mutt_project.secrets.login import Login
from mutt_project.secrets.metrics import READ_AT
from mutt_project.secrets.names import SECRETS
from mutt_project.secrets.shared import STANDING, VALUES, standing
from mutt_project.secrets.token import Token, Tokens
from mutt_project.secrets.vault_client import Refused, VaultClient, VaultTrouble, Version
from mutt_project.secrets.vault_settings import VaultSettings

logger = logging.getLogger(__name__)

_random = SystemRandom().random


class Keeper:
    """Does what is due, one turn at a time, for whoever holds the folder.

    `faults_of` says what is wrong with values that Vault holds; such a version is not shared.
    """

    def __init__(
        self,
        settings: VaultSettings,
        faults_of: Callable[[Mapping[str, Any]], list[str]],
        clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = _random,
    ) -> None:
        self.settings = settings
        self.folder = Folder(settings.folder)
        self._faults_of = faults_of
        self._clock = clock
        self._jitter = jitter
        self._vault = VaultClient(settings)
        self._tokens = Tokens(self.folder, settings)
        self._login = Login(self.folder, settings, self._vault, clock, jitter)
        self._spent = ""  # a token that cannot be renewed, or is not known any more
        self._dead = ""  # the latter
        self._has_read = True  # whether our token was ever good for reading

    def turn(self) -> None:
        """Renew the token or log in if that is due, then look for another version. Raises OSError of the folder."""
        troubles: list[VaultTrouble] = []
        for step in (self._see_to_the_token, self._look):
            try:
                step()
            except VaultTrouble as trouble:
                troubles.append(trouble)
        self._tell(troubles[0] if troubles else None)

    def _see_to_the_token(self) -> None:
        token, now = self._tokens.kept(), self._clock()
        if token is None or token.text == self._spent or lease.wants_login(token.lease, now):
            try:
                self._log_in()
            except VaultTrouble:
                if token and token.text != self._spent and lease.wants_renewal(token.lease, now):
                    with suppress(VaultTrouble):
                        self._renew(token)  # it serves as long as it can
                raise
        elif lease.wants_renewal(token.lease, now):
            try:
                self._renew(token)
            except Refused:
                self._spent = token.text
                self._log_in()

    def _renew(self, token: Token) -> None:
        granted = self._vault.renew(token.text)
        now, jitter = self._clock(), self._jitter()
        again = lease.renewed(token.lease, now, granted.lasts_s, renewable=granted.renewable, jitter=jitter)
        self._tokens.keep(Token(token.text, again))

    def _log_in(self) -> str:
        granted = self._login()
        begun = lease.begun(self._clock(), granted.lasts_s, renewable=granted.renewable, jitter=self._jitter())
        self._tokens.keep(Token(granted.token, begun))
        self._has_read = False
        logger.info("logged in to Vault; the token is good for %g s", granted.lasts_s)
        return granted.token

    def _look(self) -> None:
        """See which version Vault holds, and share it if it is another."""
        token = self._tokens.kept()
        if token is None or token.text == self._dead:
            return  # a login is due, and has failed
        try:
            version = self._vault.read(token.text)
        except Refused:
            if not self._has_read or self._vault.lives(token.text):
                raise  # it is no matter of the token
            self._spent = self._dead = token.text
            version = self._vault.read(self._log_in())
        self._has_read = True
        self._share(version)

    def _share(self, version: Version) -> None:
        faults = self._faults_of(version.values)
        if faults:
            raise Refused(
                f"Version {version.number} of the secrets in Vault is not used. {' '.join(faults)}",
                "Mend it in Vault; the version before it is used on.",
            )
        values = {name: value for name, value in version.values.items() if name in SECRETS and value}
        shared = {"version": version.number, "values": values}
        if self.folder.read(VALUES) != shared:
            self.folder.write(VALUES, shared)
            logger.info("version %d of the secrets was read from Vault", version.number)
            for name in sorted(version.values.keys() - SECRETS.keys()):
                logger.warning("Vault holds a secret by the name of %s, which MUTT does not know: it is ignored", name)
        now = replace(standing(self.folder), read_at=self._clock(), version=version.number)
        self.folder.write(STANDING, asdict(now))

    def _tell(self, trouble: VaultTrouble | None) -> None:
        """Leave word for all processes; in the log only when it is another trouble than before."""
        before, now = standing(self.folder), self._clock()
        if trouble and trouble.text != before.text:
            logger.error("%s %s%s", trouble.text, trouble.mend, " The last secrets are used on." * bool(before.version))
        if before.text and not trouble:
            logger.warning("all is well with Vault again")
        token = self._tokens.kept()
        told = replace(
            before,
            looked_at=now,
            token_ends_at=token.lease.ends_at if token and token.lease.lasts_s else 0,
            text=trouble.text if trouble else "",
            mend=trouble.mend if trouble else "",
            since=(before.since if before.text else now) if trouble else 0,
            refused=isinstance(trouble, Refused),
            next_login_at=self._login.not_before() if trouble else 0,
        )
        self.folder.write(STANDING, asdict(told))
        READ_AT.set(told.read_at)
