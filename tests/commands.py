"""The commands that pages show, and muttctl as people have it: without Django."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from ops.local.stack import ROOT
from tests.mutt import Mutt

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SHELLS = {"", "sh", "bash", "console"}
_OURS = re.compile(r"(?:\.venv/bin/)?(muttctl .+)|\.venv/bin/python manage\.py (.+)")


def shown(page: Path) -> list[str]:
    """The commands of muttctl and manage.py in a page's blocks of code, in order, without the way to them."""
    text = "".join(block for language, block in _BLOCK.findall(page.read_text()) if language in _SHELLS)
    lines = text.replace("\\\n", " ").splitlines()
    found = map(_OURS.fullmatch, lines)
    return [line[1] or line[2] for line in found if line]


def muttctl(
    mutt: Mutt, folder: Path, command: str, *, said: str = "", environ: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """What a command does as a process of its own, in this folder; `said` is on its standard input."""
    environment = {
        **os.environ,
        "MUTT_URL": mutt.stack.web,
        "MUTT_API_KEY": mutt.stack.secrets["api_key"],
        "PYTHONPATH": str(ROOT),
        **(environ or {}),
    }
    name, *words = shlex.split(command)
    assert name == "muttctl", command
    program = [sys.executable, "-m", "mutt_project.muttctl", *words]
    return subprocess.run(program, cwd=folder, env=environment, input=said, capture_output=True, text=True, check=False)


def works(mutt: Mutt, folder: Path, command: str) -> str:
    """What it printed."""
    finished = muttctl(mutt, folder, command)
    assert finished.returncode == 0, (command, finished.stdout, finished.stderr)
    return finished.stdout
