"""Secrets from Vault, as the keeper of this machine shares them; whoever starts while nobody keeps, does one turn."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mutt_project.secrets.folder import Folder
from mutt_project.secrets.present import Source, SourceError
from mutt_project.secrets.shared import VALUES, standing

if TYPE_CHECKING:
    from mutt_project.secrets.keeper import Keeper

PATIENCE_S = 10.0
_LOOK_EVERY_S = 0.2


class Vault:
    """What the keeper has shared last."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._seen: tuple[int, int, int] | None = None

    def read(self) -> Mapping[str, str] | None:
        """See `Source`."""
        seen = self._folder.state_of(VALUES)
        if seen is not None and seen == self._seen:
            return None
        try:
            shared = self._folder.read(VALUES)
            values = None if shared is None else dict(shared["values"])
        except OSError as error:
            raise SourceError(f"{self._folder.path / VALUES} cannot be read: {error.strerror}.") from None
        except (KeyError, TypeError, ValueError):
            raise SourceError(f"{self._folder.path / VALUES} is not what MUTT has written there.") from None
        if values is None:
            raise SourceError(f"The secrets of Vault are not in {self._folder.path} any more: docs/secrets.md.")
        self._seen = seen
        return values


class Together:
    """What several sources hold; no name is in two of them."""

    def __init__(self, *sources: Source) -> None:
        self._sources = sources
        self._last: list[Mapping[str, str]] = [{} for _ in sources]

    def read(self) -> Mapping[str, str] | None:
        """See `Source`."""
        found = [source.read() for source in self._sources]
        if all(values is None for values in found):
            return None
        self._last = [last if new is None else new for new, last in zip(found, self._last, strict=True)]
        return {name: value for values in self._last for name, value in values.items()}


def shared_by(keeper: "Keeper", patience_s: float = PATIENCE_S) -> Vault:
    """The source, once there is something to read. Raises SourceError if there is nothing."""
    folder = keeper.folder
    try:
        _see_to_it(keeper, patience_s)
    except OSError as error:
        raise SourceError(f"MUTT_SECRETS_DIR, {folder.path}, cannot be used: {error.strerror}.") from None
    return Vault(folder)


def _see_to_it(keeper: "Keeper", patience_s: float) -> None:
    """While Vault is away the secrets of before do."""
    folder = keeper.folder
    folder.ensure()
    deadline = time.monotonic() + patience_s
    while True:
        with folder.held() as held:
            if held:
                keeper.turn()
        if folder.state_of(VALUES):
            return
        now = standing(folder)
        if (held and now.refused) or time.monotonic() > deadline:
            why = f"{now.text} {now.mend}" if now.text else "whoever holds that folder has read none yet."
            raise SourceError(f"There are no secrets in MUTT_SECRETS_DIR, {folder.path}: {why}")
        time.sleep(_LOOK_EVERY_S)
