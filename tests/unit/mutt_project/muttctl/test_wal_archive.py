"""Which WAL a backup needs, and which none of them does."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mutt_project.muttctl.backups import new_backup, seal
from tests.unit.mutt_project.muttctl.stub_api import Muttctl

NOW = datetime.now(UTC)


def segment(number: int, timeline: int = 1) -> str:
    return f"{timeline:08X}{0:08X}{number:08X}"


def base(folder: Path, start: int, days: int = 0, **other: Any) -> Path:
    about = {"kind": "base", "start_wal_file": segment(start)} | other
    with new_backup(folder, NOW - timedelta(days=days)) as new:
        seal(new.path, {"postgresql": about}, lambda _: None)
    return new.final


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return filled(tmp_path / "archive", *map(segment, range(1, 10)), segment(4, 2), segment(8, 2), "00000002.history")


def filled(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        (folder / name).write_text(folder.name)
    return folder


def test_wal_goes_that_is_older_than_all_backups_that_stay(tmp_path, archive, muttctl: Muttctl):
    for name in (f"{segment(2)}.00000028.backup", f"{segment(7)}.00000028.backup", "readme", f".{segment(1)}"):
        (archive / name).touch()
    backups = tmp_path / "backups"
    for days, start in ((3, 2), (2, 5), (1, 8)):
        base(backups, start, days)
    prune = ("dr", "prune", str(backups), "--keep", "2", "--wal", str(archive))
    asked = muttctl(*prune, stdin=b"n\n")
    assert "Delete 1 backup and 6 files of WAL?" in asked.stderr
    assert (archive / segment(1)).exists()
    assert muttctl(*prune, "--yes").exit_code == 0
    stay = [*map(segment, range(5, 10)), segment(8, 2), f"{segment(7)}.00000028.backup"]
    assert {path.name for path in archive.iterdir()} == {*stay, "00000002.history", "readme", f".{segment(1)}"}
    assert "nothing to delete" in muttctl(*prune).stdout


def test_no_wal_goes_where_nothing_says_which_is_needed(tmp_path, archive, muttctl: Muttctl):
    before = set(archive.iterdir())
    base(tmp_path / "backups", 9, kind="dump")
    result = muttctl("dr", "prune", str(tmp_path / "backups"), "--keep", "1", "--wal", str(archive), "--yes")
    assert result.exit_code == 1
    assert "No base backup is kept" in result.stderr
    assert set(archive.iterdir()) == before


def test_what_is_replayed_begins_with_the_backup_and_the_archive_goes_first(tmp_path, archive, muttctl: Muttctl):
    backup, to = base(tmp_path / "backups", 5), tmp_path / "to"
    broken = filled(tmp_path / "pg_wal", segment(9), segment(10), "archive_status")
    sources = ("--from", str(archive), "--from", str(broken), "--from", str(tmp_path / "nothing-is-left"))
    result = muttctl("dr", "wal", str(backup), *sources, "--to", str(to))
    assert result.exit_code == 0, result.stderr
    assert f"{to} has 7 segments, from {segment(5)} to {segment(10)}" in result.stdout
    names = {*map(segment, range(5, 11)), segment(8, 2), "00000002.history"}
    assert {path.name for path in to.iterdir()} == names
    assert ((to / segment(9)).read_text(), (to / segment(10)).read_text()) == ("archive", "pg_wal")
    again = muttctl("dr", "wal", str(backup), *sources, "--to", str(to))
    assert "Name a new folder" in again.stderr


@pytest.mark.parametrize(
    ("start", "source", "complaint"),
    [
        (11, "archive", "The first segment that"),
        (5, "not-there", "is not there"),
        (5, "archive/readme", "cannot be read: Not a directory"),
    ],
)
def test_an_archive_of_no_use_is_said(tmp_path, archive, muttctl: Muttctl, start, source, complaint):
    (archive / "readme").touch()
    backup, to = base(tmp_path / "backups", start), tmp_path / "to"
    result = muttctl("dr", "wal", str(backup), "--from", str(tmp_path / source), "--to", str(to))
    assert result.exit_code == 1
    assert complaint in result.stderr
    assert not to.exists()


def test_no_wal_is_replayed_over_a_dump(tmp_path, archive, muttctl: Muttctl):
    backup = base(tmp_path / "backups", 5, kind="dump", start_wal_file=None)
    result = muttctl("dr", "wal", str(backup), "--from", str(archive), "--to", str(tmp_path / "to"))
    assert "is no base backup of PostgreSQL" in result.stderr
