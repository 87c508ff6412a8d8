"""Runs all tests in three parts at once: those that mostly compute, and two that mostly wait for a running MUTT.

`python -m tests.parts [arguments of pytest]`: with arguments, or with servers from outside, it is one plain run.
"""

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack

DEMO = "tests/e2e/test_full_pipeline.py"
LONG = tuple(f"tests/integration/test_{name}.py" for name in ("store_tls", "strangers_hour", "settings_at_run_time"))
BESIDE = (("tests/unit", "tests/pages"), ("tests/faults", "tests/e2e", f"--ignore={DEMO}", *LONG))
WATCHED = (
    "tests/integration",
    DEMO,
    *(f"--ignore={name}" for name in LONG),
)  # its output is shown as it comes, that of the others at the end


def main() -> int:
    pytest = [sys.executable, "-m", "pytest"]
    arguments = sys.argv[1:]
    if arguments or {"DATABASE_URL", "REDIS_URL"} & os.environ.keys():
        return subprocess.run([*pytest, *arguments], check=False).returncode
    with ExitStack() as stack:
        # Folders of their own: whoever comes to pytest's common one later closes it to the servers of the others.
        common = stack.enter_context(tempfile.TemporaryDirectory(prefix="mutt-parts-", ignore_cleanup_errors=True))
        outputs = [stack.enter_context(tempfile.TemporaryFile()) for _ in BESIDE]
        others = [
            subprocess.Popen(
                [*pytest, "-p", "no:cacheprovider", f"--basetemp={common}/{number}", *folders],
                stdout=output,
                stderr=output,
            )
            for number, (folders, output) in enumerate(zip(BESIDE, outputs, strict=True))
        ]
        try:
            codes = [subprocess.run([*pytest, f"--basetemp={common}/watched", *WATCHED], check=False).returncode]
        finally:
            codes_of_others = [other.wait() for other in others]
            for output in outputs:
                output.seek(0)
                sys.stdout.write(output.read().decode(errors="replace"))
    return next((code for code in codes + codes_of_others if code), 0)


if __name__ == "__main__":
    sys.exit(main())
