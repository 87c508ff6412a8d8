"""The files of an archive: parts with a checksum each, and the manifest that names them."""

import gzip
import hashlib
import io
import json
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FORMAT, VERSION = "mutt-archive", 1
MANIFEST, SUMS = "manifest.json", "SHA256SUMS"


class ArchiveError(Exception):
    """An archive, or the table that it is of, is not as it must be; the message is for the operator."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of an archive. `first` and `last` are the keys of its first and last row."""

    source: str
    file: str
    rows: int
    bytes: int
    sha256: str
    first: str
    last: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@contextmanager
def replacing(path: Path) -> Iterator[io.BufferedWriter]:
    """A new file that has its name only once it is complete and on the disk. Nobody else may read it."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as raw:
        yield raw
        raw.flush()
        os.fsync(raw.fileno())
    unfinished.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_part(part: Part, folder: Path) -> None:
    """Read a file back. Raises ArchiveError where it is not what was written."""
    path = folder / part.file
    try:
        found = digest_of(path)
        if found != part.sha256:
            raise ArchiveError(f"{path} is not what was written: its SHA-256 is {found}, not {part.sha256}.")
        rows = _rows_in(path)
    except (OSError, EOFError, zlib.error) as error:
        raise ArchiveError(f"{path} cannot be read: {error}") from error
    if rows != part.rows:
        raise ArchiveError(f"{path} has {rows:,} rows, not {part.rows:,}.")


def _rows_in(path: Path) -> int:
    """The rows of a CSV file without its header: a line ends one where no quote is open."""
    rows, quotes = -1, 0
    with gzip.open(path) as lines:
        for line in lines:
            quotes += line.count(b'"')
            rows += quotes % 2 == 0
    return rows


def write_manifest(folder: Path, contents: dict[str, Any], parts: Sequence[Part]) -> str:
    """Write what the archive consists of, and SHA256SUMS for `sha256sum -c`; returns the manifest's SHA-256."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        **contents,
        "parts": [part.as_json() for part in parts],
    }
    path = folder / MANIFEST
    with replacing(path) as raw:
        raw.write(json.dumps(manifest, indent=1, ensure_ascii=False).encode())
    digest = digest_of(path)
    listed = [*((part.sha256, part.file) for part in parts), (digest, MANIFEST)]
    with replacing(folder / SUMS) as raw:
        raw.write("".join(f"{sha256}  {file}\n" for sha256, file in listed).encode())
    return digest


def read_manifest(folder: Path, sha256: str = "") -> dict[str, Any]:
    """The manifest of an archive. Raises ArchiveError where it is none, or not the one with this SHA-256."""
    path = folder / MANIFEST
    try:
        found = digest_of(path)
        manifest: Any = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ArchiveError(f"{path} cannot be read: {error}") from error
    if not isinstance(manifest, dict) or (manifest.get("format"), manifest.get("version")) != (FORMAT, VERSION):
        raise ArchiveError(f"{path} is no manifest of an archive, or of a version that this MUTT does not know.")
    if sha256 and found != sha256:
        raise ArchiveError(f"{path} is not what was written: its SHA-256 is {found}, not {sha256}.")
    missing = [name for name in ("month", "rows", "outcomes", "parts") if name not in manifest]
    if missing:
        raise ArchiveError(f"{path} lacks {', '.join(missing)}.")
    return {**manifest, "sha256": found, "parts": [_part(one, path) for one in manifest["parts"]]}


def _part(one: Any, manifest: Path) -> Part:
    try:
        part = Part(**one)
    except TypeError as error:
        raise ArchiveError(f"{manifest} describes a file in a way that this MUTT does not know: {error}.") from error
    if Path(part.file).name != part.file:
        raise ArchiveError(f"{manifest} names what belongs to no archive: {part.file}.")
    return part
