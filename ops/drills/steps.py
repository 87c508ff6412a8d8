"""The page's commands, run as they stand there: one shell for all of them, so that what one sets the next one has."""

import selectors
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ops.local.stack import ROOT

_MARK = "\x01step "
# What the page's top defines for systemd, Compose and Kubernetes, for a sandbox.
_PREAMBLE = """
stop()  { "$DRILL_PYTHON" -m ops.drills.control stop "$@"; }
start() { "$DRILL_PYTHON" -m ops.drills.control start "$@"; }
"""


class StepFailed(RuntimeError):  # noqa: N818 - it reads as a sentence
    """A command of the page failed; the message has the block and what was printed."""


@dataclass(frozen=True, slots=True)
class Step:
    """One block of commands, and how long it took."""

    commands: str
    seconds: float

    @property
    def shown(self) -> str:
        """Its first command."""
        lines = [line for line in self.commands.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        return lines[0].strip() if lines else ""


def run_steps(
    blocks: Sequence[str],
    environment: Mapping[str, str],
    begun: Callable[[int, str], None] = lambda _number, _commands: None,
    patience_s: float = 600,
) -> list[Step]:
    """Run blocks one after the other in one bash; `begun` is told of each. Raises StepFailed."""
    script = _PREAMBLE + "".join(f"printf '{_MARK}{number}\\n'\n{block}\n" for number, block in enumerate(blocks))
    shell = subprocess.Popen(  # nosec B603 # these are the commands of the page
        [shutil.which("bash") or "/bin/bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env={**environment, "DRILL_PYTHON": sys.executable, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    moments, printed = _follow(shell, blocks, begun, patience_s)
    if shell.returncode:
        failed = blocks[max(len(moments) - 1, 0)]
        raise StepFailed(f"exit status {shell.returncode} of\n{failed}\nwhich printed\n{printed[-1].strip()}")
    ends = [*moments[1:], time.monotonic()]
    return [Step(block, end - begin) for block, begin, end in zip(blocks, moments, ends, strict=True)]


def _follow(
    shell: "subprocess.Popen[bytes]", blocks: Sequence[str], begun: Callable[[int, str], None], patience_s: float
) -> tuple[list[float], list[str]]:
    """When each block began and what it printed, until the shell ends."""
    moments: list[float] = []
    printed = [""]
    deadline = time.monotonic() + patience_s
    assert shell.stdout is not None  # noqa: S101  # nosec B101 # for mypy: it is a pipe
    with selectors.DefaultSelector() as selector, shell.stdout:
        selector.register(shell.stdout, selectors.EVENT_READ)
        while True:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                shell.kill()
                shell.wait()
                last = blocks[max(len(moments) - 1, 0)]
                raise StepFailed(f"still busy after {patience_s:.0f} s:\n{last}\nwhich printed\n{printed[-1].strip()}")
            line = shell.stdout.readline().decode(errors="replace")
            if not line:
                break
            if line.startswith(_MARK):
                moments.append(time.monotonic())
                printed.append("")
                begun(len(moments), blocks[len(moments) - 1])
            else:
                printed[-1] += line
    shell.wait()
    return moments, printed
