"""The commands that the README shows work as they stand there."""

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import urllib3
from django.conf import settings

from audit.ids import event_id, new_batch_id
from audit.partitions import Month
from audit.tallies import LATENCY_BOUNDS_S
from ingest.answers import Why
from mutt_project.slo.objectives import read_objectives
from ops.local.stack import ROOT
from tests.commands import muttctl, shown, works
from tests.keyrings import FILE_NAMED_BY
from tests.mutt import Mutt, event
from tests.old_months import fill_month
from tests.pages.addresses import LOOKS, PAGES, PUBLIC

pytestmark = pytest.mark.stack

DOCS = ROOT / "docs"
COMMANDS = shown(ROOT / "README.md")


def test_the_readme_shows_commands():
    assert len(COMMANDS) >= 5


def test_every_page_that_shows_commands_has_a_test_that_runs_them():
    tests = [path.read_text() for folder in ("tests", "ops/drills") for path in (ROOT / folder).rglob("*.py")]
    forgotten = [
        page.name for page in DOCS.glob("*.md") if shown(page) and not any(f'"{page.name}"' in text for text in tests)
    ]
    assert forgotten == []


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_readme_works(mutt: Mutt, tmp_path: Path, command: str):
    (identifier,) = mutt.send(event(hostname="core-router-01"))
    mutt.settled()
    (tmp_path / "events.ndjson").write_text("\n".join(json.dumps(event(number=number)) for number in range(3)))
    finished = muttctl(mutt, tmp_path, command.replace("ID", identifier))
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert (finished.stdout + finished.stderr).strip()


OF_DELIVERY = shown(DOCS / "reliability.md")


def test_the_commands_of_the_page_on_reliability_work_one_after_the_other(mutt: Mutt, tmp_path: Path):
    assert len(OF_DELIVERY) >= 8
    for command in OF_DELIVERY:
        works(mutt, tmp_path, command)
    assert mutt.api("breaker")["forced"] is None
    (identifier,) = mutt.send(event(message="Interface Gi0/1, changed state to down"))
    assert mutt.outcome(identifier, "delivered")  # an open breaker is tried at once, and closed by that


OF_ALERTS = shown(DOCS / "alerts.md")


@pytest.mark.parametrize("command", OF_ALERTS)
def test_the_commands_that_the_page_on_alerts_begins_with_work(mutt: Mutt, tmp_path: Path, command: str):
    works(mutt, tmp_path, command)


RULES = (DOCS / "rules.md").read_text()
OF_RULES = shown(DOCS / "rules.md")
A_FILE_OF_RULES = re.findall(r"^```yaml\n(.+?)^```", RULES, re.MULTILINE | re.DOTALL)


def test_the_commands_of_the_page_on_rules_work_one_after_the_other(mutt: Mutt, tmp_path: Path):
    assert len(OF_RULES) >= 9
    (tmp_path / "hosts.csv").write_text("hostname,description\nlab-of-the-docs,the lab\n")
    (tmp_path / "teams.csv").write_text("hostname,team\ncore-of-the-docs,CORE\n")
    for command in OF_RULES:
        if command == "ensure_roles":
            mutt.stack.manage(command)
            continue
        works(mutt, tmp_path, command)
    mutt.api("dev-hosts/bulk", "POST", {"delete": ["lab-of-the-docs"]})
    mutt.api("teams/bulk", "POST", {"delete": ["core-of-the-docs"]})


def test_the_file_of_rules_that_is_shown_is_one(mutt: Mutt, tmp_path: Path):
    (text,) = A_FILE_OF_RULES
    (tmp_path / "shown.yaml").write_text(text)
    works(mutt, tmp_path, "muttctl rules check shown.yaml")


SLO = (DOCS / "slo.md").read_text()
OF_SLO = shown(DOCS / "slo.md")


def test_the_commands_of_the_page_on_objectives_work(mutt: Mutt, tmp_path: Path):
    assert len(OF_SLO) >= 4
    for command in OF_SLO:
        works(mutt, tmp_path, command)


HEALTH = (DOCS / "health.md").read_text()
OF_HEALTH = shown(DOCS / "health.md")


def test_the_commands_of_the_page_on_health_work_one_after_the_other(mutt: Mutt, tmp_path: Path):
    assert len(OF_HEALTH) >= 4
    for command in OF_HEALTH:
        works(mutt, tmp_path, command)


def test_the_file_of_objectives_that_is_shown_is_one(tmp_path: Path):
    (text,) = re.findall(r"^```toml\n(.+?)^```", SLO, re.MULTILINE | re.DOTALL)
    (tmp_path / "slo.toml").write_text(text)
    assert len(read_objectives(tmp_path / "slo.toml", LATENCY_BOUNDS_S)) == 2


def test_the_page_on_objectives_has_every_reason_and_every_bound():
    assert {why for why in Why if f"`{why.value}`" not in SLO} == set()
    assert ", ".join(f"{bound:g}" for bound in LATENCY_BOUNDS_S) in SLO


def test_the_page_on_health_names_every_task_with_its_queue():
    tasks = dict(re.findall(r"^\| `([a-z]+\.[a-z_]+)` \| ([a-z]+) \|", HEALTH, re.MULTILINE))
    assert tasks == {name: route["queue"] for name, route in settings.CELERY_TASK_ROUTES.items()}


OF_CHANGES = shown(DOCS / "changes.md")


def test_the_commands_of_the_page_on_changes_work(mutt: Mutt, tmp_path: Path):
    assert len(OF_CHANGES) >= 3
    for command in OF_CHANGES:
        works(mutt, tmp_path, command)
    made = mutt.api("changes?kind=key&name=local")["results"][0]
    assert (made["via"], made["who"].endswith(" by manage.py prepare")) == ("command", True)


SENDERS = (DOCS / "senders.md").read_text()
KEYS = [command for command in shown(DOCS / "senders.md") if command.startswith("create_key ")]
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


RETENTION = (DOCS / "retention.md").read_text()
OF_RETENTION = shown(DOCS / "retention.md")
OLD_MONTH = Month(2025, 1)  # the page's example, old enough whatever the page says


def test_the_commands_of_the_page_on_retention_archive_a_month_and_bring_it_back(mutt: Mutt, tmp_path: Path):
    assert len(OF_RETENTION) >= 5
    identifier = event_id(new_batch_id(OLD_MONTH.start), 0)
    fill_month(mutt, OLD_MONTH, identifier)
    assert mutt.event(str(identifier))["outcome"] == "unmatched"
    folder = mutt.stack.folder / "archive" / "2025-01"
    for command in OF_RETENTION:
        if command.startswith("restore_records"):
            forget_month(mutt, folder)
            mutt.stack.manage(*shlex.split(command.replace("/mnt/archive/2025-01", str(folder))))
            continue
        told = works(mutt, tmp_path, command)
        if " archives" in command:
            assert "dropped" in told
            assert mutt.api("events?until=2025-02-01T00:00:00Z")["results"] == []
    assert mutt.event(str(identifier))["outcome"] == "unmatched"
    check = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, text=True, check=False)
    assert check.returncode == 0, check.stdout


def forget_month(mutt: Mutt, folder: Path) -> None:
    """Be a database that has never seen the month."""
    assert (folder / "manifest.json").exists()
    with mutt.database() as cursor:
        cursor.execute(f"DROP TABLE {OLD_MONTH.partition}")
        cursor.execute("DELETE FROM audit_archive")


SEARCHING = (DOCS / "searching.md").read_text()
OF_SEARCHING = shown(DOCS / "searching.md")


def test_the_commands_of_the_page_on_searching_find_what_they_should(mutt: Mutt, tmp_path: Path):
    assert len(OF_SEARCHING) == 7
    (identifier,) = mutt.send(event(hostname="core-router-01", message="Interface Gi0/7, changed state to down"))
    mutt.outcome(identifier, "delivered")
    for command in OF_SEARCHING:
        told = works(mutt, tmp_path, command)
        if " search " in command:
            assert identifier in told
    assert identifier in (tmp_path / "events.csv").read_text()


OF_MUTTCTL = shown(DOCS / "muttctl.md")


def test_the_commands_of_the_page_on_muttctl_work_one_after_the_other(mutt: Mutt, tmp_path: Path):
    assert len(OF_MUTTCTL) >= 14
    key = mutt.stack.secrets["api_key"]
    own = {
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "PYTHON_KEYRING_BACKEND": "tests.keyrings.FileKeyring",
        FILE_NAMED_BY: str(tmp_path / "keyring.json"),
    }
    for command in OF_MUTTCTL:
        line = command.replace("https://mutt.example.com", mutt.stack.web)
        of_profiles = {**own, "MUTT_URL": "", "MUTT_API_KEY": ""} if "profile" in command else own
        finished = muttctl(mutt, tmp_path, line, said=f"{key}\n", environ=of_profiles)
        assert finished.returncode == 0, (command, finished.stdout, finished.stderr)
        assert key not in finished.stdout + finished.stderr


PICTURES = DOCS / "pictures"


def test_every_page_has_its_pictures_and_no_picture_is_of_a_page_that_is_gone():
    wanted = {f"{name}-{looks}.jpg" for name in (*PAGES, *PUBLIC) for looks in LOOKS}
    assert {path.name for path in PICTURES.glob("*.jpg")} == wanted
    assert set(re.findall(r"\(pictures/(.+?)\)", (DOCS / "pages.md").read_text())) == wanted


WHY = (DOCS / "why.md").read_text()
OF_WHY = shown(DOCS / "why.md")
BY_CURL = re.findall(r"^curl .+$", WHY, re.MULTILINE)


def test_the_commands_of_the_page_on_why_work_on_the_event_that_it_sends(mutt: Mutt, tmp_path: Path):
    assert (len(OF_WHY), len(BY_CURL)) == (4, 3)
    if not shutil.which("curl"):
        pytest.skip("no curl here")
    environment = {**os.environ, "MUTT_URL": mutt.stack.web, "MUTT_API_KEY": mutt.stack.secrets["api_key"]}
    identifier = ""
    for command in BY_CURL:
        line = command.replace("ID", identifier) if "/events/ID" in command else command
        done = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True, check=True)
        answer = json.loads(done.stdout)
        identifier = identifier or mutt.outcome(answer["events"][0]["id"], "delivered")["id"]
    assert answer["verdict"] == "delivered"
    for command in OF_WHY:
        finished = muttctl(mutt, tmp_path, command.replace("ID", identifier))
        assert finished.returncode == 0, (command, finished.stdout, finished.stderr)
        assert "delivered" in finished.stdout


OF_LOGS = re.findall(r"^((?:grep|jq) .+)$", (DOCS / "logging.md").read_text(), re.MULTILINE)


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
