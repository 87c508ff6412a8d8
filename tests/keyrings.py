"""Keyrings for tests: one that keeps what it is given in a file, and others with which something is wrong."""

import json
import os
import threading
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

FILE_NAMED_BY = "MUTT_TEST_KEYRING"


class FileKeyring(KeyringBackend):
    """It works, also for other processes: choose it by PYTHON_KEYRING_BACKEND."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        return self._kept().get(f"{service}\n{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._keep(self._kept() | {f"{service}\n{username}": password})

    def delete_password(self, service: str, username: str) -> None:
        kept = self._kept()
        if kept.pop(f"{service}\n{username}", None) is None:
            raise PasswordDeleteError("not there")
        self._keep(kept)

    def _kept(self) -> dict[str, str]:
        return json.loads(self._path().read_text()) if self._path().exists() else {}

    def _keep(self, kept: dict[str, str]) -> None:
        self._path().write_text(json.dumps(kept))

    def _path(self) -> Path:
        return Path(os.environ[FILE_NAMED_BY])


class LockedKeyring(KeyringBackend):
    """Nobody unlocks it."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("Failed to unlock the collection!")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked(f"Failed to unlock the collection for {password}!")


class HangingKeyring(KeyringBackend):
    """It asks somebody who is not there."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        threading.Event().wait()
        return None

    def set_password(self, service: str, username: str, password: str) -> None:
        threading.Event().wait()


class BrokenKeyring(KeyringBackend):
    """It raises what only its library knows."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        raise ConnectionRefusedError(111, "no bus")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise ConnectionRefusedError(111, "no bus")
