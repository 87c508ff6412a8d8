"""A copy of all that Redis holds, as RDB: asked for as a replica asks, so that it need not lie on this machine."""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from audit.tls import client_context, tls_trouble
from mutt_project.muttctl.errors import ConfigurationError, MuttctlError
from mutt_project.muttctl.output import one_line
from mutt_project.muttctl.store_settings import Store

_CONNECT_S, _READ_S = 10.0, 600.0
_MAGIC = (b"REDIS0", b"VALKEY")
_END, _CHECKSUM_BYTES = 0xFF, 8
_PIECE = 1 << 20
_PROGRAMS, _OTHER_VERSION = ("valkey-check-rdb", "redis-check-rdb"), b"handle RDB format version"
MARKS = "its first and last bytes only"


class RedisCopyError(MuttctlError):
    """Redis cannot be copied; the message says why."""


def copy_redis(
    store: Store, environ: Mapping[str, str], path: Path, progress: Callable[[int, int], None]
) -> dict[str, object]:
    """Write the RDB to a new file; returns what is known of it. `progress`: bytes so far, and in all.

    Raises RedisCopyError and ConfigurationError.
    """
    with _connected(store, environ) as (connection, stream):
        if store.password:
            user = [store.user] if store.user else []
            _expect_ok(_ask(connection, stream, "AUTH", *user, store.password), "it refuses the password")
        version = _version(_bulk(_ask(connection, stream, "INFO", "server"), stream))
        line = _ask(connection, stream, "SYNC")
        if line == b"":
            line = _after_signs_of_life(stream, store)
        if not line.startswith(b"$"):
            raise RedisCopyError(
                f"Redis at {store.host}:{store.port} gives no copy: {one_line(line.decode(errors='replace'))}.\n"
                "Its user must be allowed the command sync; a rented one may not, then take its own snapshots."
            )
        size = int(line[1:])
        _receive(stream, path, size, progress)
    return {"version": version, "bytes": size, "checked_by": check_rdb(path, environ)}


def check_rdb(path: Path, environ: Mapping[str, str]) -> str:
    """Whether a file is a whole RDB; returns what has looked at it. Raises RedisCopyError.

    Without Redis' own program only its first and last marks are looked at: CRC-64 over gigabytes is not for Python.
    """
    _check_marks(path)
    for name in _PROGRAMS:
        if program := shutil.which(name, path=environ.get("PATH")):
            done = subprocess.run([program, path], capture_output=True, check=False)  # noqa: S603 # nosec B603 # no shell
            if done.returncode == 0:
                return name
            if _OTHER_VERSION not in done.stdout + done.stderr:
                raise RedisCopyError(f"{path} is not whole: {name} says {_complaint(done.stdout)}.")
    return MARKS


def _complaint(said: bytes) -> str:
    """The line below “RDB ERROR DETECTED”."""
    lines = said.decode(errors="replace").partition("RDB ERROR DETECTED")[2].splitlines()[1:2]
    return one_line("".join(lines)) or "that it is damaged"


def _check_marks(path: Path) -> None:
    with path.open("rb") as file:
        begin = file.read(9)
        file.seek(0, os.SEEK_END)
        size = file.tell()
        file.seek(max(size - _CHECKSUM_BYTES - 1, 0))
        end = file.read(1)
    if not begin.startswith(_MAGIC) or end != bytes([_END]):
        raise RedisCopyError(f"{path} is no whole RDB file.")


def _after_signs_of_life(stream: BinaryIO, store: Store) -> bytes:
    """The line that is not empty: a line's end alone is how Redis says that it is still at it."""
    while raw := stream.readline():
        if line := raw.strip():
            return line
    raise RedisCopyError(
        f"Redis at {store.host}:{store.port} closed the connection before it gave a copy; its log says why."
    )


@contextmanager
def _connected(store: Store, environ: Mapping[str, str]):  # type: ignore[no-untyped-def] # noqa: ANN202 - a pair
    try:
        plain = socket.create_connection((store.host, store.port), timeout=_CONNECT_S)
        plain.settimeout(_READ_S)
        connection = _wrapped(plain, store, environ)
        with connection, connection.makefile("rb") as stream:
            yield connection, stream
    except OSError as error:
        why = tls_trouble(error) or (error.strerror or str(error) or type(error).__name__)
        raise RedisCopyError(f"Redis at {store.host}:{store.port} cannot be copied: {one_line(why)}.") from None


def _wrapped(plain: socket.socket, store: Store, environ: Mapping[str, str]) -> socket.socket:
    if not store.is_tls:
        return plain
    files = (environ.get(f"REDIS_{name}_FILE") or None for name in ("CA", "CLIENT_CERT", "CLIENT_KEY"))
    try:
        context = client_context(*files)
    except ValueError as error:
        raise ConfigurationError(f"The files for TLS to Redis cannot be used: {error}.") from None
    return context.wrap_socket(plain, server_hostname=store.host)


def _ask(connection: socket.socket, stream: BinaryIO, *words: str) -> bytes:
    """The first line of the answer."""
    parts = [word.encode() for word in words]
    request = b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
    connection.sendall(request)
    return stream.readline().strip()


def _expect_ok(line: bytes, complaint: str) -> None:
    if line != b"+OK":
        raise RedisCopyError(f"Redis cannot be copied: {complaint}.")


def _bulk(line: bytes, stream: BinaryIO) -> bytes:
    if not line.startswith(b"$"):
        raise RedisCopyError(f"Redis cannot be copied: {one_line(line.lstrip(b'-').decode(errors='replace'))}.")
    content = stream.read(int(line[1:]))
    stream.readline()
    return content


def _version(info: bytes) -> str:
    known = dict(line.split(":", 1) for line in info.decode(errors="replace").splitlines() if ":" in line)
    return f"Valkey {known['valkey_version']}" if "valkey_version" in known else f"Redis {known.get('redis_version')}"


def _receive(stream: BinaryIO, path: Path, size: int, progress: Callable[[int, int], None]) -> None:
    done = 0
    with path.open("xb") as file:
        while done < size:
            piece = stream.read(min(_PIECE, size - done))
            if not piece:
                raise RedisCopyError(f"Redis broke off after {done:,} of {size:,} bytes.")
            file.write(piece)
            done += len(piece)
            progress(done, size)
        file.flush()
        os.fsync(file.fileno())
