"""The folder where the processes of one machine share what came from Vault: for our own user's eyes only."""

import fcntl
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mutt_project.secrets.present import SourceError


class Folder:
    """JSON files of mode 0600, each written as a whole or not at all; only who holds the folder writes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def ensure(self) -> None:
        """Make the folder if it is not there. Raises SourceError if it is not fit to hold secrets."""
        try:
            self.path.mkdir(mode=0o700)
        except FileExistsError:
            pass
        except OSError as error:
            raise self._unfit(f"cannot be made: {error.strerror}", "Make it") from None
        found = self.path.lstat()
        if not stat.S_ISDIR(found.st_mode):
            raise self._unfit("is no folder (a symbolic link is none)", "Name a real folder")
        if found.st_uid != os.geteuid():
            raise self._unfit(f"belongs to the user {found.st_uid}, we are {os.geteuid()}", "Give it to us")
        if stat.S_IMODE(found.st_mode) & 0o077:
            raise self._unfit(f"can be reached by others (mode {stat.S_IMODE(found.st_mode):04o})", "chmod 700 it")

    def read(self, name: str) -> Any:
        """The content of a file; None if it is not there, or not as we write them."""
        try:
            with os.fdopen(os.open(self.path / name, os.O_RDONLY | os.O_NOFOLLOW)) as file:
                return json.load(file)
        except (FileNotFoundError, ValueError):
            return None

    def write(self, name: str, content: Any) -> None:
        """Replace a file. Raises OSError."""
        draft = self.path / f"{name}.new"
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(content, file)
        draft.replace(self.path / name)

    def state_of(self, name: str) -> tuple[int, int, int] | None:
        """What is another once the file was replaced; None if it is not there."""
        try:
            found = (self.path / name).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Be the one who writes, for as long as this lasts; False if another is. Raises OSError."""
        lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        _open_locks.add(lock)
        try:
            yield _locked(lock)
        finally:
            _open_locks.discard(lock)
            os.close(lock)

    def _unfit(self, what: str, mend: str) -> SourceError:
        return SourceError(f"MUTT_SECRETS_DIR, {self.path}, {what}. {mend}: docs/secrets.md says how.")


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


_open_locks: set[int] = set()


def _let_go() -> None:
    """A child that was forked meanwhile would hold the folder for as long as it lives."""
    for lock in _open_locks:
        os.close(lock)
    _open_locks.clear()


os.register_at_fork(after_in_child=_let_go)
