"""Ask the database of known holes (OSV) about everything in requirements/*.txt: `make audit`.

Ends with 0 if none is known, with 1 if one is, and with 2 if the database could not be asked: then nothing was audited.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOTHING_KNOWN, HOLES, NOT_ASKED = 0, 1, 2
_SAYS_HOLES = "known vulnerabilit"


def main(environment: Mapping[str, str]) -> int:
    """Audit each file; MUTT_OSV_URL is the address of a mirror."""
    mirror = environment.get("MUTT_OSV_URL")
    return max(_audit(path, mirror) for path in sorted((ROOT / "requirements").glob("*.txt")))


def _audit(path: Path, mirror: str | None) -> int:
    command = [
        *(sys.executable, "-m", "pip_audit", "--strict", "--require-hashes", "--disable-pip"),
        *("--progress-spinner", "off", "--vulnerability-service", "osv", "--requirement", str(path)),
        *(("--osv-url", mirror) if mirror else ()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # nosec B603 # no input of a user is in it
    print(done.stdout, end="")
    last = (done.stderr.strip().splitlines() or [""])[-1]
    if done.returncode == 0:
        print(f"{path.name}: {last}")
        return NOTHING_KNOWN
    if _SAYS_HOLES in done.stderr and "Found" in done.stderr:
        print(f"{path.name}: {last or 'there are known holes'}")
        return HOLES
    print(f"{path.name}: nothing was audited, for the database could not be asked: {last}")
    return NOT_ASKED


if __name__ == "__main__":
    sys.exit(main(os.environ))
