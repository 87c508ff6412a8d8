"""The archive of PostgreSQL's WAL: what a backup needs of it, and what no backup that is kept does."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mutt_project.muttctl.backups import Backup, BackupError, check_room
from mutt_project.muttctl.postgresql_copy import BASE

_SEGMENT = re.compile(r"[0-9A-F]{24}")
_HISTORY = re.compile(r"[0-9A-F]{8}\.history")
_OF_A_SEGMENT = re.compile(r"[0-9A-F]{24}(\.partial|\.[0-9A-F]{8}\.backup)?")
_TIMELINE = 8  # digits; which segment is older the rest of its name says, as for pg_archivecleanup


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied for a recovery."""

    first: str
    last: str
    segments: int
    bytes: int


def not_needed(archive: Path, kept: Sequence[Backup]) -> list[Path]:
    """What is older than all base backups that are kept; no file of a timeline's history. Raises BackupError."""
    starts = [start_of(one) for one in kept if one.manifest.get("postgresql", {}).get("kind") == BASE]
    if not starts:
        raise BackupError("No base backup is kept, so it cannot be told which WAL is needed: none is deleted.")
    oldest = min(start[_TIMELINE:] for start in starts)
    return [path for path in _names(archive, _OF_A_SEGMENT) if path.name[_TIMELINE:24] < oldest]


def start_of(backup: Backup) -> str:
    """The segment from which on a base backup needs WAL. Raises BackupError."""
    start = backup.manifest.get("postgresql", {}).get("start_wal_file")
    if not isinstance(start, str) or not _SEGMENT.fullmatch(start):
        raise BackupError(f"{backup.path} is no base backup of PostgreSQL: no WAL can be replayed over it.")
    return start


def copy_wal(backup: Backup, sources: Sequence[Path], to: Path) -> Copied:
    """Copy what a backup needs into a new folder; what is in several is taken from the first. Raises BackupError."""
    start = start_of(backup)
    found: dict[str, Path] = {}
    if not sources[0].exists():
        raise BackupError(f"{sources[0]} is not there.")
    for source in filter(Path.exists, sources):  # of a broken server nothing may be left
        for path in [*_names(source, _SEGMENT), *_names(source, _HISTORY)]:
            if _HISTORY.fullmatch(path.name) or path.name[_TIMELINE:] >= start[_TIMELINE:]:
                found.setdefault(path.name, path)
    if start not in found:
        raise BackupError(
            f"The first segment that {backup.path} needs, {start}, is not in {' nor in '.join(map(str, sources))}:\n"
            "PostgreSQL could replay nothing. Is it the right archive?"
        )
    size = sum(path.stat().st_size for path in found.values())
    check_room(to, size)
    try:
        to.mkdir(mode=0o700)
    except OSError as error:
        raise BackupError(f"{to} cannot be made: {error.strerror}. Name a new folder.") from None
    try:
        for path in found.values():
            shutil.copyfile(path, to / path.name)
    except OSError as error:
        shutil.rmtree(to, ignore_errors=True)
        raise BackupError(f"{error.filename or to} cannot be copied to {to}: {error.strerror}.") from None
    segments = [name for name in found if _SEGMENT.fullmatch(name)]
    return Copied(start, max(segments, key=lambda name: name[_TIMELINE:]), len(segments), size)


def _names(folder: Path, form: re.Pattern[str]) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if form.fullmatch(path.name))
    except OSError as error:
        raise BackupError(f"{folder} cannot be read: {error.strerror}.") from None
