"""What `muttctl dr` makes, looks at and deletes; the stores themselves are in tests/integration/test_backup.py."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
from ops.local.stack import ROOT
from tests.unit.mutt_project.muttctl.stub_api import Muttctl

NOW = datetime.now(UTC)


def made(folder: Path, now: datetime = NOW, **known: object) -> Path:
    with new_backup(folder, now) as new:
        (new.path / "redis").mkdir()
        (new.path / "redis" / "dump.rdb").write_bytes(b"REDIS0011\xff12345678")
        seal(new.path, {"ended_at": now.isoformat(), **known}, lambda _: None)
    return new.final


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
        with new_backup(tmp_path, NOW) as new:
            (new.path / "half").write_text("x")
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


@pytest.mark.parametrize("manifest", ["", "[]", '{"format": 99, "files": {}}'])
def test_one_that_cannot_be_read_is_named_and_left_alone(tmp_path, manifest, muttctl: Muttctl):
    old = made(tmp_path, NOW - timedelta(days=2))
    foreign = tmp_path / "mutt-zzz"
    foreign.mkdir()
    (foreign / "manifest.json").write_text(manifest)
    newest = made(tmp_path)
    result = muttctl("dr", "prune", str(tmp_path), "--keep", "1", "--yes")
    assert result.exit_code == 0
    assert f"Left alone: {foreign}" in result.stderr
    assert (old.exists(), newest.exists(), foreign.exists()) == (False, True, True)


AT_IT = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from mutt_project.muttctl.backups import new_backup
from mutt_project.muttctl.postgresql_copy import copy_postgresql
from mutt_project.muttctl.store_settings import read_store

store = read_store({"DATABASE_URL": "postgresql://db/mutt"}, "DATABASE")
with new_backup(Path(sys.argv[1]), datetime.now(UTC)) as new:
    copy_postgresql(store, {"PATH": sys.argv[2]}, new.path / "postgresql", "dump", lambda done, total: None)
"""


@contextmanager
def being_made(folder: Path, programs: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A backup that waits for a pg_dump which does not end; both processes."""
    programs.mkdir()
    (programs / "pg_dump").write_text(
        f"#!/bin/sh\necho $$ > {programs}/draft\n/bin/mv {programs}/draft {programs}/pid\nexec /bin/sleep 600\n"
    )
    (programs / "pg_dump").chmod(0o700)
    with subprocess.Popen([sys.executable, "-c", AT_IT, str(folder), str(programs)], cwd=ROOT) as process:
        while not (programs / "pid").exists():
            assert process.poll() is None
            time.sleep(0.05)
        pg_dump = int((programs / "pid").read_text())
        try:
            yield process, pg_dump
        finally:
            process.kill()
            with suppress(ProcessLookupError):
                os.kill(pg_dump, signal.SIGKILL)


def test_one_that_is_ended_by_sigterm_cleans_up_and_ends_what_it_has_started(tmp_path):
    with being_made(tmp_path / "backups", tmp_path / "bin") as (process, pg_dump):
        process.terminate()
        assert process.wait() == 128 + signal.SIGTERM
        with pytest.raises(ProcessLookupError):
            os.kill(pg_dump, 0)
    assert list((tmp_path / "backups").iterdir()) == []


def test_what_a_killed_one_left_goes_with_the_next_and_what_is_being_made_stays(tmp_path, muttctl: Muttctl):
    folder = tmp_path / "backups"
    with being_made(folder, tmp_path / "bin") as (process, _):
        (being,) = folder.iterdir()
        first = made(folder, NOW - timedelta(days=1))
        assert muttctl("dr", "prune", str(folder), "--keep", "1").exit_code == 0
        assert being.exists()
        process.kill()
        process.wait()
        assert "1 backup that was never whole: deleted" in muttctl("dr", "prune", str(folder), "--keep", "1").stderr
        assert not being.exists()
    (folder / ".partial-7").mkdir()  # of a MUTT before this one
    second = made(folder)
    assert sorted(path.name for path in folder.iterdir()) == sorted([first.name, second.name, "latest"])


@pytest.mark.parametrize("content", [b"", b"not RDB at all \xff12345678", b"REDIS0011 cut off"])
def test_what_is_no_whole_rdb_is_refused(tmp_path, content):
    path = tmp_path / "dump.rdb"
    path.write_bytes(content)
    with pytest.raises(RedisCopyError, match="is no whole RDB file"):
        check_rdb(path, {})


def test_a_password_is_taken_from_its_own_setting_or_file_and_kept_out_of_the_address(tmp_path):
    (tmp_path / "password").write_text("from-a-file\n")
    url = {"DATABASE_URL": "postgresql://mutt:in%20it@db:5433/mutt?sslmode=require"}
    store = read_store(url, "DATABASE")
    assert (store.url, store.password) == ("postgresql://mutt@db:5433/mutt?sslmode=require", "in it")
    assert "in it" not in repr(store)
    assert read_store({**url, "DATABASE_PASSWORD": "beside"}, "DATABASE").password == "beside"
    beside = {**url, "DATABASE_PASSWORD_FILE": str(tmp_path / "password")}
    assert read_store(beside, "DATABASE").password == "from-a-file"


def test_a_password_in_the_query_is_kept_out_of_the_address_too():
    url = {"DATABASE_URL": "postgresql://mutt@db/mutt?sslmode=require&pass%77ord=in%20it&application_name=a+b"}
    store = read_store(url, "DATABASE")
    assert (store.password, "in%20it" in store.url) == ("in it", False)
    assert store.url == "postgresql://mutt@db/mutt?sslmode=require&application_name=a+b"


@pytest.mark.parametrize(
    ("environ", "complaint"),
    [
        ({"REDIS_URL": "redis://redis/0?sslpassword=hidden"}, "REDIS_URL has an sslpassword"),
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
