"""The files that the processes of one machine share, and how the keeper of the secrets says it stands."""

from dataclasses import dataclass
from typing import Any, TypeVar

from mutt_project.secrets.folder import Folder

VALUES = "secrets.json"
TOKEN = "token.json"  # noqa: S105 - a name of a file
SECRET_ID = "secret_id.json"  # noqa: S105 - as above
REFUSALS = "refusals.json"
STANDING = "standing.json"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Standing:
    """Times are Unix seconds. `text` says what is wrong, empty if nothing is; `refused`: somebody has to do something.

    No secret is in it.
    """

    looked_at: float = 0
    read_at: float = 0
    version: int = 0
    token_ends_at: float = 0  # 0: there is no token, or it never ends
    text: str = ""
    mend: str = ""
    since: float = 0
    refused: bool = False
    next_login_at: float = 0  # 0: at any time


def standing(folder: Folder) -> Standing:
    """What the keeper has said last. Raises OSError."""
    return as_kept(Standing, folder.read(STANDING)) or Standing()


def as_kept(kind: type[T], content: Any) -> T | None:
    """What was kept; None if it was not, or by a MUTT that kept other things."""
    try:
        return kind(**content)
    except TypeError:
        return None
