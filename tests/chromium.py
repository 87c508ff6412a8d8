"""A real Chromium for tests of pages: the one on PATH, or Debian's package unpacked into the clone, without root.

`python -m tests.chromium` (make test runs it) fetches it where there is none.
"""

import os
import shutil
import subprocess
import sys

import pytest

from tests.senders import ROOT, environment, unpack_packages

FOLDER = ROOT / ".venv" / "chromium"
OPTIONS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
]
_UNPACKED = FOLDER / "usr" / "lib" / "chromium" / "chromium"
_NAMES = ("chromium", "chromium-browser", "google-chrome")


def installed() -> str | None:
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


def executable() -> tuple[str, dict[str, str | float | bool]]:
    """The program and its environment; the test is skipped where there is none."""
    if found := installed():
        return found, dict(os.environ)
    if _starts():
        return str(_UNPACKED), dict(environment(FOLDER))
    pytest.skip("there is no Chromium here, and Debian's package could not be fetched (python -m tests.chromium)")


def fetch() -> bool:
    """Unpack it if it is not there; False where that cannot be done."""
    if _starts():
        return True
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return False
    try:
        unpack_packages(["chromium", "chromium-common", "fonts-dejavu-core"], FOLDER)
    except (OSError, subprocess.SubprocessError) as error:
        print(getattr(error, "stderr", "") or error, file=sys.stderr)
        return False
    return _starts()


def _starts() -> bool:
    """Whether it is unpacked, and finds its libraries."""
    command = [str(_UNPACKED), "--version"]
    return (
        _UNPACKED.exists()
        and not subprocess.run(
            command, env=environment(FOLDER), capture_output=True, check=False, timeout=60
        ).returncode
    )


if __name__ == "__main__" and not installed() and not fetch():
    print("Chromium cannot be fetched here: tests of pages are skipped.")
