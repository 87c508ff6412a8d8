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
                self._write(self.files[name], f"{secret}\n")

    @staticmethod
    def _write(path: Path, content: str) -> None:
        try:
            path.write_text(content)
        except OSError as error:  # of a full disk it does not name the file
            raise OSError(error.errno, error.strerror, str(path)) from None


@contextmanager
def secret_files(files: Mapping[str, Path | None]) -> Iterator[SecretFiles]:
    """Make the files that are named, with mode 0600. Where anything fails, those that are still empty go again.

    One that has its secret stays, and the error names it: there is no other copy.
    """
    made: dict[str, Path] = {}
    try:
        for name, path in files.items():
            if path is not None:
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
                made[name] = path
        yield SecretFiles(made)
    except BaseException as error:
        kept = _without_empty(made)
        if not isinstance(error, (OSError, MuttctlError)) or (isinstance(error, MuttctlError) and not kept):
            raise
        raise MuttctlError("\n".join([_why(error), *kept])) from None


def _without_empty(made: Mapping[str, Path]) -> list[str]:
    """Where the secrets are that were written."""
    kept = []
    for name, path in made.items():
        with suppress(OSError):
            if path.is_file() and path.stat().st_size:
                kept.append(f"The {name.replace('_', ' ')} was made all the same, and is in {printable(path)}.")
            else:
                path.unlink()
    return kept


def _why(error: OSError | MuttctlError) -> str:
    if isinstance(error, MuttctlError):
        return str(error)
    if isinstance(error, FileExistsError):
        return f"{printable(error.filename)} is there already, and is not overwritten."
    return f"{printable(error.filename or 'The output')} cannot be written: {error.strerror}."
