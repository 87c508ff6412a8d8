"""What the pages for operators and the runbooks tell to type works as it stands there; each command once."""

import gzip
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from mutt_project.muttctl.main import cli
from ops.local.stack import ROOT
from tests.commands import muttctl
from tests.mutt import Mutt, event, eventually
from tests.pages_of_docs import commands

pytestmark = pytest.mark.stack

DOCS = ROOT / "docs"
DOWN = "Interface Gi0/7, changed state to down"
PAGES = [
    *(DOCS / name for name in ("concepts.md", "login.md", "operating.md", "upgrading.md")),
    *sorted((DOCS / "runbooks").glob("*.md")),
]
DIFFERENT = list(dict.fromkeys(command.removeprefix(".venv/bin/") for page in PAGES for command in commands(page)))
MANAGE = "python manage.py "
OF_MANAGE = [shlex.split(command.removeprefix(MANAGE)) for command in DIFFERENT if command.startswith(MANAGE)]
QUICK_START = commands(DOCS / "quick-start.md")
ADA = (
    "INSERT INTO auth_user (username, password, is_superuser, first_name, last_name, email, is_staff, is_active,"
    " date_joined) VALUES ('ada', '!', false, '', '', '', true, true, now())"
)
# Of one that cannot be done the exit status says so, and the event that we have is as broken as it was.
MAY_FAIL = ("muttctl quarantine resend ",)


@pytest.fixture(scope="module")
def ids(mutt: Mutt) -> Iterator[dict[str, str]]:
    """What stands for ID, by the beginning of a command."""
    with mutt.database() as cursor:
        cursor.execute(ADA)
    rule = {"name": "Of the runbooks", "match_string": "of the runbooks", "priority": 900}
    rule = mutt.api("rules", "POST", {**rule, "prod_handling": "Page_only", "dev_handling": "Ignore"})
    (delivered,) = mutt.send(event(hostname="core-router-01", message=DOWN))
    mutt.outcome(delivered, "delivered")
    mutt.misbehave("400")
    try:
        letters = mutt.send(event(hostname="given-up-1", message=DOWN), event(hostname="given-up-2", message=DOWN))
        for letter in letters:
            mutt.outcome(letter, "dead")
    finally:
        mutt.misbehave("ok")
    mutt.post(json.dumps([{"message": "of nobody"}]), source="syslog")
    refused = eventually(lambda: mutt.api("quarantine?source=syslog&limit=1")["results"])
    dead = mutt.api("dead-letters?state=waiting&limit=1")["results"]
    yield {
        "muttctl events ": delivered,
        "muttctl rules ": str(rule["id"]),
        "muttctl dlq ": str(dead[0]["id"]),
        "muttctl quarantine ": str(refused[0]["id"]),
    }
    mutt.api(f"rules/{rule['id']}", "DELETE")
    eventually(lambda: all(one["ended_at"] for one in mutt.api("replays")["results"]))
    with mutt.database() as cursor:
        cursor.execute("DELETE FROM auth_user WHERE username = 'ada'")
    mutt.api("breaker", "PUT", {"state": "automatic", "reason": "as it was"})
    mutt.settled()


def test_there_are_commands():
    assert len(DIFFERENT) > 50


@pytest.mark.parametrize("command", [command for command in DIFFERENT if not command.startswith(MANAGE)])
def test_a_command_of_the_pages_for_operators_works(
    mutt: Mutt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ids: dict[str, str], command: str
):
    monkeypatch.chdir(tmp_path)
    beginning = next((one for one in ids if command.startswith(one)), "")
    line = re.sub(r"\bID\b", ids.get(beginning, "ID"), command).replace("SOURCE", "syslog")
    said = run(mutt, line) if line.startswith("muttctl ") else by_bash(mutt, tmp_path, line)
    assert said.strip() or line.startswith("muttctl rules export")


@pytest.mark.usefixtures("ids")
def test_the_commands_of_manage_that_the_pages_for_operators_show_work(mutt: Mutt):
    """In one process, since each would take seconds to begin; tests of each command start it as people do."""
    assert len(OF_MANAGE) >= 8
    program = (
        "import json, sys; from django.core.management import execute_from_command_line as execute;"
        "[execute(['manage.py', *words]) for words in json.load(sys.stdin)]"
    )
    words = [sys.executable, "-c", program]
    done = subprocess.run(
        words,
        input=json.dumps(OF_MANAGE),
        env=mutt.stack.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def run(mutt: Mutt, command: str) -> str:
    """What muttctl printed, in this process: a process for each would take longer than all the rest."""
    environment = {"MUTT_URL": mutt.stack.web, "MUTT_API_KEY": mutt.stack.secrets["api_key"]}
    words = shlex.split(command.removeprefix(".venv/bin/"))[1:]
    done = CliRunner().invoke(cli, words, env=environment, input="y\n")  # whoever is asked a question says yes
    allowed = {0, 1} if command.startswith(MAY_FAIL) else {0}
    assert done.exit_code in allowed, (command, done.output, done.exception)
    return done.output


def by_bash(mutt: Mutt, folder: Path, command: str) -> str:
    if command.startswith("curl ") and not shutil.which("curl"):
        pytest.skip("no curl here")
    environment = {**os.environ, "MUTT_URL": mutt.stack.web, "MUTT_API_KEY": mutt.stack.secrets["api_key"]}
    words = ["bash", "-c", command]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (command, done.stderr)
    assert done.stdout.strip() or command.startswith("export "), command
    return done.stdout


def test_the_quick_start_leads_from_an_unmatched_event_to_an_alert(mutt: Mutt, tmp_path: Path):
    assert (QUICK_START[0], QUICK_START[-1]) == ("make run", "make stop")  # tests/e2e/test_full_pipeline.py does these
    *exports, doctor, send, search, why_not, create, try_out, send_again, delivered, ledger = QUICK_START[1:-1]
    shell = "; ".join(exports) + '; echo "$MUTT_URL $MUTT_API_KEY"'
    said = by_bash(mutt, mutt.stack.folder.parent, shell).split()
    assert said == [mutt.stack.web, mutt.stack.secrets["api_key"]]
    muttctl(mutt, tmp_path, doctor.removeprefix(".venv/bin/")).check_returncode()
    first = json.loads(by_bash(mutt, tmp_path, send))["events"][0]["id"]
    mutt.outcome(first, "unmatched")
    assert "unmatched" in run(mutt, search)
    assert "unmatched" in run(mutt, why_not)
    run(mutt, create)
    try:
        assert "Coolant pump stopped" in run(mutt, try_out)
        assert eventually(lambda: is_delivered(mutt, json.loads(by_bash(mutt, tmp_path, send_again))))
        assert "delivered" in run(mutt, delivered)
    finally:
        (rule,) = mutt.api("rules?search=Coolant pump stopped".replace(" ", "%20"))["results"]
        mutt.api(f"rules/{rule['id']}", "DELETE")
    mutt.settled()
    run(mutt, ledger)


def is_delivered(mutt: Mutt, answer: dict[str, list[dict[str, str]]]) -> bool:
    """Whether the worker that got it knew the new rule already."""
    story = mutt.outcome(answer["events"][0]["id"], "delivered", "unmatched")
    return bool(story["outcome"] == "delivered")


def test_the_command_of_the_page_on_retention_finds_a_host_in_an_archive(tmp_path: Path):
    (command,) = [line for line in commands(DOCS / "retention.md") if line.startswith("zgrep ")]
    if not shutil.which("zgrep"):
        pytest.skip("no zgrep here")
    (tmp_path / "2025-01").mkdir()
    with gzip.open(tmp_path / "2025-01" / "records-0001.csv.gz", "wt") as file:
        file.write("event_id,hostname\n1,edge-1\n2,core-router-01\n")
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "2,core-router-01\n"
