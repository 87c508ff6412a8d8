"""Folders that are being filled: locked meanwhile, taken away when they fail, or later where their maker was killed."""

import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

with suppress(ImportError):  # Windows has none; muttctl runs there, and makes no backups
    import fcntl

_PARTIAL = ".partial-"
_HELD, _CONTENT = "held", "backup"  # in a partial: who fills it has a lock on the first


def delete_partials(folder: Path) -> int:
    """Take away what backups left behind that were killed; returns how many there were."""
    deleted = 0
    for partial in folder.glob(f"{_PARTIAL}*"):
        with suppress(OSError), (partial / _HELD).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails where somebody is at it
            shutil.rmtree(partial)
            deleted += 1
    return deleted


@contextmanager
def new_partial(folder: Path) -> Iterator[Path]:
    """A folder to fill. The process's number would not do for a name: containers share them, and a folder."""
    partial, lock = _hold(folder)
    with lock:
        try:
            content = partial / _CONTENT
            content.mkdir(mode=0o700)
            yield content
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def _hold(folder: Path) -> tuple[Path, IO[str]]:
    """A new partial, and the lock on it; another backup may take it away before it is locked."""
    while True:
        partial = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=folder))
        with suppress(FileNotFoundError):
            lock = (partial / _HELD).open("a")
            fcntl.flock(lock, fcntl.LOCK_EX)
            if (partial / _HELD).exists():
                return partial, lock
            lock.close()


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """SIGTERM, by which systemd and containers end a job, is an exception here, so that it cleans up."""
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
