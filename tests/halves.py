"""Runs all tests in two halves at once: those that mostly compute, and those that mostly wait for a running MUTT.

`python -m tests.halves [arguments of pytest]`: with arguments, or with servers from outside, it is one plain run.
"""

import os
import subprocess
import sys
import tempfile

COMPUTING = ("tests/unit", "tests/pages")
WAITING = ("tests/integration", "tests/faults", "tests/e2e")


def main() -> int:
    pytest = [sys.executable, "-m", "pytest"]
    arguments = sys.argv[1:]
    if arguments or {"DATABASE_URL", "REDIS_URL"} & os.environ.keys():
        return subprocess.run([*pytest, *arguments], check=False).returncode
    with tempfile.TemporaryFile() as output:
        beside = subprocess.Popen([*pytest, "-p", "no:cacheprovider", *COMPUTING], stdout=output, stderr=output)
        try:
            code = subprocess.run([*pytest, *WAITING], check=False).returncode
        finally:
            other = beside.wait()
            output.seek(0)
            sys.stdout.write(output.read().decode(errors="replace"))
    return code or other


if __name__ == "__main__":
    sys.exit(main())
