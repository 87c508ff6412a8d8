"""The token that the keeper of the secrets has, kept in the folder: who takes its place goes on with it."""

from dataclasses import asdict, dataclass, field

from mutt_project.secrets.folder import Folder
from mutt_project.secrets.lease import Lease
from mutt_project.secrets.shared import TOKEN, as_kept
from mutt_project.secrets.vault_settings import VaultSettings


@dataclass(frozen=True, slots=True)
class Token:
    text: str = field(repr=False)
    lease: Lease


class Tokens:
    """One token, of one Vault: that of another is none."""

    def __init__(self, folder: Folder, settings: VaultSettings) -> None:
        self._folder = folder
        self._of = [settings.address, settings.namespace, settings.auth_mount]

    def kept(self) -> Token | None:
        kept = self._folder.read(TOKEN) or {}
        lease = as_kept(Lease, kept.get("lease"))
        return Token(str(kept["token"]), lease) if lease and kept.get("of") == self._of else None

    def keep(self, token: Token) -> None:
        self._folder.write(TOKEN, {"of": self._of, "token": token.text, "lease": asdict(token.lease)})
