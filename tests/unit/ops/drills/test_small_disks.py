"""Disks that are full to the last byte, for processes that are told so, and for nobody else."""

import subprocess
import sys
from pathlib import Path

import pytest

from ops.local.stack import ROOT

_TRY = """
import sys
from pathlib import Path
from ops.drills.small_disks import NotAllowed, SmallDisks, fill
folder = Path(sys.argv[1])
try:
    disks = SmallDisks()
except NotAllowed as why:
    sys.exit(f"not allowed: {why}")
disks.mount(folder, 1)
filler = fill(folder)
print(filler.stat().st_size)
try:
    (folder / "one more").write_text("x")
except OSError as error:
    print(error.strerror)
filler.unlink()
(folder / "one more").write_text("x")
disks.unmount()
"""


def test_a_small_disk_can_be_filled_and_is_seen_by_nobody_else(tmp_path: Path):
    command = [sys.executable, "-c", _TRY, str(tmp_path / "disk")]
    tried = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if tried.stderr.startswith("not allowed"):
        pytest.skip(tried.stderr)
    assert (tried.returncode, tried.stderr) == (0, "")
    assert tried.stdout.splitlines() == [str(1 << 20), "No space left on device"]
    assert list((tmp_path / "disk").iterdir()) == []
