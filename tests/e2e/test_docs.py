"""The commands that the README shows work as they stand there."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ops.local.stack import ROOT
from tests.mutt import Mutt, event

pytestmark = pytest.mark.stack

COMMANDS = re.findall(r"^\.venv/bin/python manage\.py (muttctl .+)$", (ROOT / "README.md").read_text(), re.MULTILINE)


def test_the_readme_shows_commands():
    assert len(COMMANDS) >= 5


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_readme_works(mutt: Mutt, tmp_path: Path, command: str):
    (identifier,) = mutt.send(event(hostname="core-router-01"))
    mutt.settled()
    (tmp_path / "events.ndjson").write_text("\n".join(json.dumps(event(number=number)) for number in range(3)))
    words = [identifier if word == "ID" else word for word in shlex.split(command)]
    environment = {**os.environ, "MUTT_URL": mutt.stack.web, "MUTT_API_KEY": mutt.stack.secrets["api_key"]}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    finished = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *words],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert finished.stdout.strip()
