"""The commands that the README shows work as they stand there."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import urllib3

from ops.local.stack import ROOT
from tests.mutt import Mutt, event

pytestmark = pytest.mark.stack

COMMANDS = re.findall(r"^\.venv/bin/python manage\.py (muttctl .+)$", (ROOT / "README.md").read_text(), re.MULTILINE)


def test_the_readme_shows_commands():
    assert len(COMMANDS) >= 5


def muttctl(mutt: Mutt, folder: Path, command: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "MUTT_URL": mutt.stack.web, "MUTT_API_KEY": mutt.stack.secrets["api_key"]}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    words = [sys.executable, str(ROOT / "manage.py"), *shlex.split(command)]
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_readme_works(mutt: Mutt, tmp_path: Path, command: str):
    (identifier,) = mutt.send(event(hostname="core-router-01"))
    mutt.settled()
    (tmp_path / "events.ndjson").write_text("\n".join(json.dumps(event(number=number)) for number in range(3)))
    finished = muttctl(mutt, tmp_path, command.replace("ID", identifier))
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert (finished.stdout + finished.stderr).strip()


OF_DELIVERY = re.findall(
    r"^\.venv/bin/python manage\.py (muttctl .+)$", (ROOT / "docs" / "reliability.md").read_text(), re.MULTILINE
)


def test_the_commands_of_the_page_on_reliability_work_one_after_the_other(mutt: Mutt, tmp_path: Path):
    assert len(OF_DELIVERY) >= 8
    for command in OF_DELIVERY:
        finished = muttctl(mutt, tmp_path, command)
        assert finished.returncode == 0, (command, finished.stdout, finished.stderr)
    assert mutt.api("breaker")["forced"] is None
    (identifier,) = mutt.send(event(message="Interface Gi0/1, changed state to down"))
    assert mutt.outcome(identifier, "delivered")  # an open breaker is tried at once, and closed by that


RULES = (ROOT / "docs" / "rules.md").read_text()
OF_RULES = re.findall(r"^\.venv/bin/python manage\.py (.+)$", RULES, re.MULTILINE)
A_FILE_OF_RULES = re.findall(r"^```yaml\n(.+?)^```", RULES, re.MULTILINE | re.DOTALL)


def test_the_commands_of_the_page_on_rules_work_one_after_the_other(mutt: Mutt, tmp_path: Path):
    assert len(OF_RULES) >= 9
    (tmp_path / "hosts.csv").write_text("hostname,description\nlab-of-the-docs,the lab\n")
    (tmp_path / "teams.csv").write_text("hostname,team\ncore-of-the-docs,CORE\n")
    for command in OF_RULES:
        if command == "ensure_roles":
            mutt.stack.manage(command)
            continue
        finished = muttctl(mutt, tmp_path, command)
        assert finished.returncode == 0, (command, finished.stdout, finished.stderr)
    mutt.api("dev-hosts/bulk", "POST", {"delete": ["lab-of-the-docs"]})
    mutt.api("teams/bulk", "POST", {"delete": ["core-of-the-docs"]})


def test_the_file_of_rules_that_is_shown_is_one(mutt: Mutt, tmp_path: Path):
    (text,) = A_FILE_OF_RULES
    (tmp_path / "shown.yaml").write_text(text)
    checked = muttctl(mutt, tmp_path, "muttctl rules check shown.yaml")
    assert checked.returncode == 0, checked.stdout + checked.stderr


SENDERS = (ROOT / "docs" / "senders.md").read_text()
KEYS = re.findall(r"^\.venv/bin/python manage\.py (create_key .+)$", SENDERS, re.MULTILINE)
ON_A_LOG_HOST = re.findall(r"^((?:install|/usr/local/lib/mutt/mutt_relay\.py) [^#\n]+)", SENDERS, re.MULTILINE)


@pytest.mark.parametrize("command", KEYS)
def test_a_key_is_made_as_the_page_on_senders_says(mutt: Mutt, command: str):
    mutt.stack.manage(*shlex.split(command))


def test_the_relay_is_installed_as_the_page_on_senders_says(tmp_path: Path):
    assert len(ON_A_LOG_HOST) >= 8
    for command in ON_A_LOG_HOST:
        words = [
            f"{tmp_path}{word}" if word.startswith(("/usr", "/etc", "/var")) else word for word in shlex.split(command)
        ]
        Path(words[-1]).parent.mkdir(parents=True, exist_ok=True)
        if words[-1].endswith("/"):
            Path(words[-1]).mkdir(parents=True, exist_ok=True)
        done = subprocess.run(words, cwd=ROOT, input="a key\n", capture_output=True, text=True, check=False)
        assert done.returncode == 0, (command, done.stderr)
    assert (tmp_path / "etc/mutt/relay.key").read_text() == "a key\n"


OF_LOGS = re.findall(r"^((?:grep|jq) .+)$", (ROOT / "docs" / "logging.md").read_text(), re.MULTILINE)


def test_the_commands_of_the_page_on_logs_find_what_they_say(mutt: Mutt):
    if shutil.which("jq") is None:
        pytest.skip("no jq on this machine")
    headers = {"X-API-KEY": mutt.stack.secrets["api_key"], "X-Correlation-ID": "ticket-4711"}
    body = event(message="Interface Gi0/1, changed state to down")
    answer = urllib3.request("POST", f"{mutt.stack.web}/webhook", json=body, headers=headers).json()
    mutt.outcome(answer["events"][0]["id"], "delivered")
    said = []
    for command in OF_LOGS:
        words = command.replace("var/log/", f"{mutt.stack.folder}/log/")
        finished = subprocess.run(["bash", "-c", words], capture_output=True, text=True, check=False)
        assert finished.returncode == 0, (command, finished.stderr)
        said.append(finished.stdout)
    by_grep, by_jq, slowest, _ = said
    assert {"batch accepted", "batch decided", "delivered"} <= {
        json.loads(line)["message"] for line in by_jq.splitlines()
    }
    assert "ticket-4711" in by_grep
    assert slowest.count("\t") >= 2
