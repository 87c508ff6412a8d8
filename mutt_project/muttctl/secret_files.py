"""Secrets that are shown once: on standard output, or in new files that only their owner can read."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from mutt_project.muttctl.errors import MuttctlError
from mutt_project.muttctl.output import printable


class SecretFiles:
    """Files that are there, empty, before a secret is made; without them there is no place for it."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self.files = files

    def write(self, secrets: Mapping[str, str]) -> None:
        """Each secret into its file. One that has no file is not written."""
        for name, secret in secrets.items():
            if name in self.files:
                self.files[name].write_text(f"{secret}\n")


@contextmanager
def secret_files(files: Mapping[str, Path | None]) -> Iterator[SecretFiles]:
    """Make the files that are named, with mode 0600. They go again where anything fails."""
    made: dict[str, Path] = {}
    try:
        for name, path in files.items():
            if path is not None:
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
                made[name] = path
        yield SecretFiles(made)
    except BaseException as error:
        for path in made.values():
            with suppress(OSError):
                path.unlink()
        if isinstance(error, FileExistsError):
            raise MuttctlError(f"{printable(error.filename)} is there already, and is not overwritten.") from None
        if isinstance(error, OSError):
            raise MuttctlError(f"{printable(error.filename)} cannot be written: {error.strerror}.") from None
        raise
