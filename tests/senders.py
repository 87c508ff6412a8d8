"""The programs that send to MUTT in the world, for tests: those on PATH, or Debian's packages unpacked into the clone.

`python -m tests.senders` (make test runs it) downloads them with apt-get, without installing anything: rsyslog and
syslog-ng exclude each other on one system, and tests shall need no root.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".venv" / "senders"
_SETS = [
    *(["rsyslog"], ["syslog-ng-core", "syslog-ng-mod-http"], ["snmp", "snmptrapd"], ["prometheus"]),
    ["libfaketime"],  # not a sender: a clock that tests can put
    *(["postgresql"], ["redis-server"]),  # nor these: they speak TLS, which the embedded ones do not
    *(["nginx"], ["systemd"]),  # nor these: a proxy before MUTT, and what checks the units
]
_PROGRAMS = [
    *("usr/sbin/rsyslogd", "usr/sbin/syslog-ng", "usr/sbin/snmptrapd", "usr/bin/snmptrap", "usr/bin/promtool"),
    *("usr/bin/redis-server", "usr/sbin/nginx"),
]
_POSTGRESQL = "usr/lib/postgresql/*/bin/postgres"
_CLOCK = "usr/lib/*/faketime/libfaketimeMT.so.1"


def program(name: str) -> Path:
    """Where a program is; the test is skipped if it is nowhere."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    unpacked = [folder / name for folder in (FOLDER / "usr/sbin", FOLDER / "usr/bin") if (folder / name).exists()]
    if not unpacked and not found:
        pytest.skip(f"{name} is not here, and Debian's package could not be fetched (python -m tests.senders)")
    return unpacked[0] if unpacked else Path(str(found))


def environment(folder: Path = FOLDER) -> dict[str, str]:
    """What unpacked programs need to find their libraries."""
    places = (
        *("usr/lib/*-linux-gnu*", "lib/*-linux-gnu*", "usr/lib/*-linux-gnu*/pulseaudio", "usr/lib/syslog-ng"),
        *("lib/systemd", "usr/lib/systemd"),
    )
    libraries = [str(path) for place in places for path in folder.glob(place)]
    return {**os.environ, "LD_LIBRARY_PATH": ":".join([*libraries, os.environ.get("LD_LIBRARY_PATH", "")])}


def modules(*names: str) -> Path | None:
    """The folder of a program's modules, if it was unpacked; else it knows its own."""
    return next((path for name in names for path in FOLDER.glob(name) if path.is_dir()), None)


def fetch() -> bool:
    """Unpack what is missing; False where that cannot be done."""
    if _is_complete():
        return True
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return False
    try:
        for names in _SETS:
            unpack_packages(names, FOLDER)
    except (OSError, subprocess.CalledProcessError) as error:
        print(getattr(error, "stderr", "") or error, file=sys.stderr)
        return False
    return _is_complete()


def _is_complete() -> bool:
    return all((FOLDER / name).exists() for name in _PROGRAMS) and any(FOLDER.glob(_CLOCK)) and bool(_postgresql())


def _postgresql() -> Path | None:
    """Where it is installed nothing was unpacked: its package of that name only depends on the one of a version."""
    return next((path.parent for place in (FOLDER, Path("/")) for path in sorted(place.glob(_POSTGRESQL))), None)


def postgresql() -> Path:
    """The folder of PostgreSQL's programs that speak TLS; the test is skipped if it is nowhere."""
    found = _postgresql()
    if found is None:
        pytest.skip("Debian's PostgreSQL is not here, and could not be fetched (python -m tests.senders)")
    return found


def unpack_packages(names: list[str], folder: Path) -> None:
    """Unpack Debian packages, and what they need that this system lacks, into a folder.

    Lists of packages are fetched if there are none. Raises OSError, CalledProcessError.
    """
    archives = folder / "archives"
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    options = ["-o", f"Dir::Cache::archives={archives}", "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User="]
    command = ["apt-get", "install", "--yes", "--no-install-recommends", "--download-only", "--reinstall"]
    before = set(archives.glob("*.deb"))
    if _run([*command, *options, *names], check=False):
        state = folder / "state"
        (state / "lists" / "partial").mkdir(parents=True, exist_ok=True)
        own = ["-o", f"Dir::State::lists={state}/lists", "-o", f"Dir::Cache={state}"]
        _run(["apt-get", "update", *options, *own])
        _run([*command, *options, *own, "-o", f"Dir::Cache::archives={archives}", *names])
    for package in sorted(set(archives.glob("*.deb")) - before):
        _run(["dpkg-deb", "-x", str(package), str(folder)])


def _run(command: list[str], *, check: bool = True) -> int:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    return subprocess.run(command, check=check, capture_output=True, text=True, env=environment, timeout=600).returncode


if __name__ == "__main__":
    if not fetch():
        print("Debian's packages cannot be fetched here: tests with real senders are skipped.")
