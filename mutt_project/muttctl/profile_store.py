"""The profiles of muttctl: which MUTT has which address, kept in a file that only its owner can change."""

import json
import os
import re
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from mutt_project.muttctl.errors import ConfigurationError

KEYRING, FILE = "keyring", "file"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Profile:
    """One MUTT; `key` says where its API key is kept. Without `ca_file` the system's authorities are trusted."""

    name: str
    url: str
    key: str = KEYRING
    ca_file: str | None = None
    client_cert_file: str | None = None
    client_key_file: str | None = None
    allow_http: bool = False


@dataclass
class Profiles:
    """All profiles of a person, by name, and the one that is used where none is named."""

    folder: Path
    current: str | None = None
    by_name: dict[str, Profile] = field(default_factory=dict)

    def named(self, name: str) -> Profile:
        """Raises ConfigurationError where there is none."""
        try:
            return self.by_name[name]
        except KeyError:
            there = ", ".join(sorted(self.by_name)) or "none"
            raise ConfigurationError(
                f"There is no profile “{name}”; there are: {there}.\n"
                f"Make it by: muttctl profile add {name} --url https://mutt.example.com"
            ) from None

    def save(self) -> None:
        """Write the file anew, as a whole."""
        content = {
            "current": self.current,
            "profiles": {name: _without_name(one) for name, one in sorted(self.by_name.items())},
        }
        write_private(self.folder / "profiles.json", json.dumps(content, indent=2) + "\n")


def folder_of(environ: Mapping[str, str]) -> Path | None:
    """Where the profiles of this person are, as the XDG base directory specification has it."""
    if configured := environ.get("XDG_CONFIG_HOME"):
        return Path(configured) / "mutt"
    home = environ.get("HOME")
    return Path(home) / ".config" / "mutt" if home else None


def read_profiles(environ: Mapping[str, str]) -> Profiles:
    """None where there is no file yet. Raises ConfigurationError where the file cannot be trusted, or read."""
    folder = folder_of(environ)
    if folder is None:
        return Profiles(Path())
    path = folder / "profiles.json"
    try:
        text = read_own(path, stat.S_IWGRP | stat.S_IWOTH, "others can change it", "go-w")
    except FileNotFoundError:
        return Profiles(folder)
    try:
        content = json.loads(text)
        known = {one.name for one in fields(Profile)}
        by_name = {
            name: Profile(name, **{word: value for word, value in one.items() if word in known})
            for name, one in content["profiles"].items()
        }
        return Profiles(folder, content.get("current"), by_name)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ConfigurationError(f"{path} is not as muttctl writes it. Mend it, or delete it and add anew.") from None


def profiles_to_change(environ: Mapping[str, str]) -> Profiles:
    """As they are; where to write them must be known."""
    if folder_of(environ) is None:
        raise ConfigurationError("Neither HOME nor XDG_CONFIG_HOME is set, so profiles have no place.")
    return read_profiles(environ)


def read_own(path: Path, forbidden: int, why: str, mend: str) -> str:
    """The text of a file that is ours and has none of the forbidden permissions."""
    try:
        with path.open(encoding="utf-8") as file:
            found = os.fstat(file.fileno())
            if found.st_uid not in {os.geteuid(), 0}:
                raise ConfigurationError(f"{path} belongs to somebody else, so it is not used.")
            if found.st_mode & forbidden:
                raise ConfigurationError(f"{path} is not used, since {why}. Mend it: chmod {mend} {path}")
            return file.read()
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from None


def write_private(path: Path, text: str) -> None:
    """Put a file there that nobody else can read, as a whole or not at all."""
    try:
        for parent in reversed(path.parents):  # mkdir's own way makes parents that anybody may look into
            parent.mkdir(mode=0o700, exist_ok=True)
        number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
        try:
            with os.fdopen(number, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}.") from None


def _without_name(profile: Profile) -> dict[str, Any]:
    return {name: value for name, value in asdict(profile).items() if name != "name" and value not in (None, False)}
