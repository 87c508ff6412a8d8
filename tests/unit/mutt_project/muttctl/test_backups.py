"""What `muttctl dr` makes, looks at and deletes; the stores themselves are in tests/integration/test_backup.py."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mutt_project.muttctl.backups import (
    BackupError,
    backups_in,
    check_room,
    differences,
    new_backup,
    read_backup,
    seal,
)
from mutt_project.muttctl.errors import ConfigurationError
from mutt_project.muttctl.redis_copy import RedisCopyError, check_rdb
from mutt_project.muttctl.store_settings import read_store
from tests.unit.mutt_project.muttctl.stub_api import Muttctl

NOW = datetime.now(UTC)


def made(folder: Path, now: datetime = NOW) -> Path:
    with new_backup(folder, now) as partial:
        (partial / "redis").mkdir()
        (partial / "redis" / "dump.rdb").write_bytes(b"REDIS0011\xff12345678")
        seal(partial, {"ended_at": now.isoformat()}, lambda _: None)
    return backups_in(folder)[-1].path


def wrong(path: Path) -> list[str]:
    return differences(read_backup(path), lambda _: None)


def test_a_backup_is_what_its_manifest_says(tmp_path):
    path = made(tmp_path)
    assert wrong(path) == []
    assert (tmp_path / "latest").resolve() == path
    manifest = json.loads((path / "manifest.json").read_text())
    assert any("MUTT_SECRET_KEY" in one for one in manifest["not_in_it"])


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda path: (path / "redis" / "dump.rdb").unlink(), "redis/dump.rdb is missing"),
        (lambda path: (path / "more").write_text("x"), "more does not belong to it"),
        (lambda path: (path / "redis" / "dump.rdb").write_bytes(b"short"), "redis/dump.rdb has another size"),
        (
            lambda path: (path / "redis" / "dump.rdb").write_bytes(b"REDIS0011\xff1234567X"),
            "redis/dump.rdb has another content",
        ),
    ],
)
def test_what_is_not_as_it_was_is_named(tmp_path, damage, complaint, muttctl: Muttctl):
    path = made(tmp_path)
    damage(path)
    assert wrong(path) == [complaint]
    result = muttctl("dr", "verify", str(path))
    assert result.exit_code == 1
    assert complaint in result.stderr


def test_one_that_failed_is_not_called_a_backup_and_leaves_nothing(tmp_path):
    first = made(tmp_path, NOW - timedelta(days=1))

    def fail() -> None:
        with new_backup(tmp_path, NOW) as partial:
            (partial / "half").write_text("x")
            raise RedisCopyError("it broke")

    with pytest.raises(RedisCopyError):
        fail()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([first.name, "latest"])
    assert (tmp_path / "latest").resolve() == first


def test_a_folder_without_a_manifest_is_none(tmp_path):
    with pytest.raises(BackupError, match=r"is no backup: it has no manifest\.json"):
        read_backup(tmp_path)


def test_too_little_room_is_said_before_anything_is_written(tmp_path):
    check_room(tmp_path / "not" / "there" / "yet", 1)
    with pytest.raises(BackupError, match="There is not enough room"):
        check_room(tmp_path, 2**60)


def test_the_newest_stay(tmp_path, muttctl: Muttctl):
    for days in (3, 2, 1):
        made(tmp_path, NOW - timedelta(days=days))
    newest = backups_in(tmp_path)[-1].path
    assert muttctl("dr", "prune", str(tmp_path), "--keep", "1", stdin=b"n\n").exit_code == 1
    assert len(backups_in(tmp_path)) == 3
    assert muttctl("dr", "prune", str(tmp_path), "--keep", "1", "--yes").exit_code == 0
    assert [one.path for one in backups_in(tmp_path)] == [newest]
    assert "nothing to delete" in muttctl("dr", "prune", str(tmp_path), "--keep", "1").stdout


@pytest.mark.parametrize("content", [b"", b"not RDB at all \xff12345678", b"REDIS0011 cut off"])
def test_what_is_no_whole_rdb_is_refused(tmp_path, content):
    path = tmp_path / "dump.rdb"
    path.write_bytes(content)
    with pytest.raises(RedisCopyError, match="is no whole RDB file"):
        check_rdb(path)


def test_a_password_is_taken_from_its_own_setting_or_file_and_kept_out_of_the_address(tmp_path):
    (tmp_path / "password").write_text("from-a-file\n")
    url = {"DATABASE_URL": "postgresql://mutt:in%20it@db:5433/mutt?sslmode=require"}
    store = read_store(url, "DATABASE")
    assert (store.url, store.password) == ("postgresql://mutt@db:5433/mutt?sslmode=require", "in it")
    assert "in it" not in repr(store)
    assert read_store({**url, "DATABASE_PASSWORD": "beside"}, "DATABASE").password == "beside"
    beside = {**url, "DATABASE_PASSWORD_FILE": str(tmp_path / "password")}
    assert read_store(beside, "DATABASE").password == "from-a-file"


@pytest.mark.parametrize(
    ("environ", "complaint"),
    [
        ({}, "REDIS_URL is not set"),
        ({"REDIS_URL": "http://:hidden@redis"}, "REDIS_URL is no address such as redis://"),
        ({"REDIS_URL_FILE": "/not/there"}, "REDIS_URL_FILE cannot be read"),
    ],
)
def test_a_setting_of_no_use_is_named_without_its_value(environ, complaint):
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        read_store(environ, "REDIS")
    assert "hidden" not in str(caught.value)


def test_a_backup_without_the_servers_settings_says_where_it_must_run(muttctl: Muttctl, tmp_path):
    result = muttctl("dr", "backup", "--to", str(tmp_path), REDIS_URL=None, DATABASE_URL=None)
    assert result.exit_code == 2
    assert "run it with the settings of the server" in result.stderr
