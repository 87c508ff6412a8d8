"""Secrets from environment variables, or from files that variables name: NAME, or NAME_FILE."""

from collections.abc import Mapping
from pathlib import Path

from mutt_project.secrets.names import SECRETS
from mutt_project.secrets.present import SourceError


class Environment:
    """Variables as they were at the start; files are read again when they have changed."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._given = {name: value for name in SECRETS if (value := environment.get(name, "").strip())}
        self._files = {name: Path(path) for name in SECRETS if (path := environment.get(f"{name}_FILE", "").strip())}
        for name in sorted(self._given.keys() & self._files.keys()):
            raise _twice(name)
        self._seen: dict[str, tuple[int, int, int]] | None = None

    def read(self) -> Mapping[str, str] | None:
        """See `Source`; None while no file has changed."""
        seen = {name: _state_of(name, path) for name, path in self._files.items()}
        if seen == self._seen:
            return None
        values = dict(self._given)
        for name, path in self._files.items():
            values[name] = _text_of(name, path)
        self._seen = seen
        return {name: value for name, value in values.items() if value}


def variable_or_file(environment: Mapping[str, str], name: str) -> str:
    """The value of NAME, or what stands in the file that NAME_FILE names, now; empty if neither is set."""
    value, path = environment.get(name, "").strip(), environment.get(f"{name}_FILE", "").strip()
    if value and path:
        raise _twice(name)
    return _text_of(name, Path(path)) if path else value


def _twice(name: str) -> SourceError:
    return SourceError(f"{name} and {name}_FILE are both set: keep one of them.")


def _state_of(name: str, path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise _unreadable(name, path, error) from None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _text_of(name: str, path: Path) -> str:
    try:
        text = path.read_text().strip()
    except (OSError, ValueError) as error:
        raise _unreadable(name, path, error) from None
    if not text and (name not in SECRETS or SECRETS[name].required):
        raise SourceError(f"{name}_FILE names {path}, which is empty.")
    return text


def _unreadable(name: str, path: Path, error: Exception) -> SourceError:
    why = getattr(error, "strerror", None) or "it is no UTF-8 text"
    return SourceError(f"{name}_FILE names {path}, which cannot be read: {why}.")
