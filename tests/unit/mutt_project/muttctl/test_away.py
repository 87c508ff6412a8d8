"""What each command says where no MUTT answers: its own examples are asked of nobody."""

import shlex
from pathlib import Path

import pytest

from tests.examples import EXAMPLES, UPLINK, needs_shell, write_files
from tests.unit.mutt_project.muttctl.stub_api import Muttctl

FILES = {"rules.yaml": UPLINK, "hosts.csv": "hostname\nsw1\n", "teams.csv": "hostname,team\nsw1,A\n"}
OVER_THE_API = [
    example
    for example in EXAMPLES
    if not needs_shell(example) and not example.startswith(("muttctl profile ", "muttctl --profile ", "muttctl dr "))
]


@pytest.mark.parametrize("example", OVER_THE_API)
def test_every_command_says_in_a_few_lines_that_mutt_is_away(muttctl: Muttctl, tmp_path: Path, example: str) -> None:
    write_files(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    words = shlex.split(example.replace("/var/log/syslog", "syslog"))[1:]
    result = muttctl(*words, MUTT_URL="http://127.0.0.1:1", stdin=b"y\n")
    if words[0] == "doctor":
        assert (result.exit_code, "cannot be reached" in result.stdout) == (1, True)
        return
    assert result.exit_code == 3, result.output
    assert "MUTT at http://127.0.0.1:1 cannot be reached: Connection refused." in result.stderr
    assert "Is it running, and is MUTT_URL right?" in result.stderr
    assert len(result.stderr.splitlines()) <= 3
