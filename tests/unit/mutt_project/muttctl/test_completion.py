"""A real bash completes commands, options, names and ids of muttctl."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.mutt_project.muttctl.stub_api import API_KEY, Answer, Muttctl, StubApi

ROOT = Path(__file__).resolve().parents[4]

pytestmark = pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the program muttctl, and its script for bash."""
    folder = tmp_path_factory.mktemp("completion")
    program = folder / "bin" / "muttctl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m mutt_project.muttctl "$@"\n')
    program.chmod(0o755)
    in_bash("muttctl completion bash > muttctl.bash", folder, {})
    return folder


def in_bash(script: str, home: Path, environ: dict[str, str]) -> list[str]:
    environment = {
        "PATH": f"{home / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "LANG": "C.UTF-8",
        **environ,
    }
    command = ["bash", "-c", script]
    done = subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.fixture
def offered(home: Path, api: StubApi, tmp_path: Path):
    """What Tab offers after these words; a blank at their end begins a new one."""

    def ask(line: str, **environ: str) -> list[str]:
        words = line.split(" ")
        # What bash does when Tab is pressed.
        script = (
            f"source muttctl.bash; COMP_WORDS=({' '.join(map(_quoted, words))}); COMP_CWORD={len(words) - 1}\n"
            "_muttctl_completion muttctl; printf '%s\\n' \"${COMPREPLY[@]}\""
        )
        config = {"MUTT_URL": api.url, "MUTT_API_KEY": API_KEY, "XDG_CONFIG_HOME": str(tmp_path / "config")}
        return in_bash(script, home, config | environ)

    return ask


def _quoted(word: str) -> str:
    return f"'{word}'"


def test_bash_knows_the_function(home: Path):
    assert "_muttctl_completion" in in_bash("source muttctl.bash; complete -p muttctl", home, {})


def test_nouns_verbs_options_and_choices(offered):
    assert {"rules", "keys", "dlq"} <= set(offered("muttctl "))
    assert offered("muttctl rules dis") == ["disable"]
    assert offered("muttctl rules list --hand") == ["--handling"]
    assert offered("muttctl rules list --output j") == ["json"]


def test_ids_and_names_are_those_that_mutt_has(offered, api: StubApi):
    api.page_size = 100
    api.rules = [{"id": number, "name": f"rule {number}"} for number in (7, 70, 8)]
    assert offered("muttctl rules show 7") == ["7", "70"]
    api.hosts.entries = [{"id": 1, "hostname": "lab-1"}, {"id": 2, "hostname": "lab 2"}, {"id": 3, "hostname": "core"}]
    assert offered("muttctl hosts remove lab") == ["lab-1"]
    assert api.asked[-1].query["search"] == "lab"


def test_names_of_settings_are_at_every_other_place(offered, api: StubApi):
    settings = Answer(200, {"settings": [{"name": "MUTT_MAX_EVENTS"}, {"name": "MOOGSOFT_RATE"}]})
    api.scripted = [settings] * 2
    assert offered("muttctl config set MUTT") == ["MUTT_MAX_EVENTS"]
    assert offered("muttctl config set MUTT_MAX_EVENTS M") == []
    assert offered("muttctl config set MUTT_MAX_EVENTS 5 MOOG") == ["MOOGSOFT_RATE"]


def test_a_mutt_that_is_away_or_refuses_completes_nothing_and_says_nothing(offered):
    assert offered("muttctl rules show ", MUTT_URL="http://127.0.0.1:1") == []
    assert offered("muttctl rules show ", MUTT_API_KEY="another") == []
    assert offered("muttctl rules show ", MUTT_URL="", MUTT_API_KEY="") == []


def test_profiles(offered, muttctl: Muttctl):
    for name in ("prod", "lab"):
        muttctl("profile", "add", name, "--url", "https://mutt.example.com", "--file", stdin=b"a-key\n")
    assert offered("muttctl profile use p") == ["prod"]
    assert offered("muttctl --profile ") == ["lab", "prod"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_have_a_script_too(muttctl: Muttctl, shell: str):
    assert "_MUTTCTL_COMPLETE" in muttctl("completion", shell).stdout
