"""Backups in a folder: made under a temporary name, named when verified, with a manifest of what is in them."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from mutt_project.muttctl.errors import MuttctlError
from mutt_project.muttctl.partials import delete_partials, ended_by_sigterm, new_partial

MANIFEST = "manifest.json"
LATEST = "latest"
FORMAT = 1
_PREFIX = "mutt-"
_PIECE = 1 << 20

# What MUTT cannot be brought back without, and no backup holds.
SECRETS_TO_KEEP = (
    "MUTT_SECRET_KEY: without it signing secrets of API keys and second factors cannot be read",
    "the passwords in DATABASE_URL and REDIS_URL",
    "MOOGSOFT_API_KEY",
    "MUTT_VAULT_ROLE_ID, and a way to a new secret-id",
    "certificates and their keys",
)


class BackupError(MuttctlError):
    """A backup cannot be made, or is not what its manifest says."""


@dataclass(frozen=True, slots=True)
class Backup:
    """One that was verified when it was made."""

    path: Path
    manifest: dict[str, Any]

    @property
    def bytes(self) -> int:
        return sum(int(one["bytes"]) for one in self.manifest["files"].values())


@dataclass(frozen=True, slots=True)
class NewBackup:
    """One that is being made: where it is filled, and where it will be."""

    path: Path
    final: Path


def read_backup(path: Path) -> Backup:
    """Raises BackupError."""
    try:
        manifest = json.loads((path / MANIFEST).read_bytes())
        if manifest["format"] != FORMAT or not isinstance(manifest["files"], dict):
            raise BackupError(f"{path / MANIFEST} is of another version of muttctl.")
    except FileNotFoundError:
        raise BackupError(f"{path} is no backup: it has no {MANIFEST}.") from None
    except OSError as error:
        raise BackupError(f"{path / MANIFEST} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError):
        raise BackupError(f"{path / MANIFEST} is not as `muttctl dr backup` writes it.") from None
    return Backup(path, manifest)


def backups_in(folder: Path) -> list[Backup]:
    """All that are whole, the oldest first; of what cannot be read standard error says so."""
    found = []
    for path in sorted(folder.glob(f"{_PREFIX}*")):
        try:
            if (path / MANIFEST).exists():
                found.append(read_backup(path))
        except BackupError as error:
            click.echo(f"Left alone: {error}", err=True)
    return found


@contextmanager
def new_backup(folder: Path, now: datetime) -> Iterator[NewBackup]:
    """A folder to fill, which is not called a backup and is taken away again if that fails. Raises BackupError."""
    final = folder / f"{_PREFIX}{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        delete_partials(folder)
        with ended_by_sigterm(), new_partial(folder) as path:
            yield NewBackup(path, final)
            if final.exists():
                raise BackupError(f"{final} is there already: wait for a second.")
            _sync(path)
            path.rename(final)
            _point(folder / LATEST, final.name)
    except OSError as error:
        raise BackupError(f"The backup cannot be written to {folder}: {error.strerror}.") from None


def seal(folder: Path, known: dict[str, Any], progress: Callable[[int], None]) -> None:
    """Write the manifest: what is known, and the size and SHA-256 of each file; `progress`: bytes that were read."""
    files = {}
    for path in _files(folder):
        files[str(path.relative_to(folder))] = {"bytes": path.stat().st_size, "sha256": _sha256(path, progress)}
    content = {"format": FORMAT, **known, "not_in_it": list(SECRETS_TO_KEEP), "files": files}
    (folder / MANIFEST).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def differences(backup: Backup, progress: Callable[[int], None]) -> list[str]:
    """What is not as the manifest says; nothing where all is."""
    expected: dict[str, Any] = backup.manifest["files"]
    there = {str(path.relative_to(backup.path)): path for path in _files(backup.path)}
    wrong = [f"{name} is missing" for name in sorted(expected.keys() - there.keys())]
    wrong += [f"{name} does not belong to it" for name in sorted(there.keys() - expected.keys())]
    for name in sorted(expected.keys() & there.keys()):
        if there[name].stat().st_size != expected[name]["bytes"]:
            wrong.append(f"{name} has another size")
        elif _sha256(there[name], progress) != expected[name]["sha256"]:
            wrong.append(f"{name} has another content")
    return wrong


def check_room(folder: Path, needed: int) -> None:
    """Raises BackupError where there is less room, with a tenth to spare, than is needed."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < needed * 1.1:
        raise BackupError(
            f"There is not enough room at {folder}: some {needed / 2**20:,.0f} MB are needed,"
            f" {free / 2**20:,.0f} MB are free."
        )


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / MANIFEST)


def _sha256(path: Path, progress: Callable[[int], None]) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            progress(len(piece))
    return digest.hexdigest()


def _sync(folder: Path) -> None:
    """Have all of it on disk before it is called a backup."""
    for path in [*_files(folder), folder / MANIFEST]:
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _point(link: Path, name: str) -> None:
    draft = link.with_name(f".{link.name}.new")
    draft.unlink(missing_ok=True)
    draft.symlink_to(name)
    draft.replace(link)
