"""Metrics that the code has, that the docs explain, and that rules and dashboard ask for, are the same."""

import re
import shlex
from datetime import UTC, datetime
from typing import Any

import click
import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

import mutt_project.secrets.metrics  # noqa: F401 - a process without Vault has none of these
from audit.tasks import check_ledger
from audit.workers import beat_ticks, say_alive
from ingest.canary import send_canary
from mutt_project.celery import app
from mutt_project.muttctl.main import cli
from rules.tasks import check_rule_set
from tests.unit.ops.prometheus import ROOT, alerts, asked_for, rules, without_ending

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]

METRICS = (ROOT / "docs" / "metrics.md").read_text()
ALERTS = (ROOT / "docs" / "alerts.md").read_text()
RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
_ROW = re.compile(r"^\| `(mutt_\w+)` \| (\w+) \|([^|]*)\|", re.MULTILINE)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, settings: Any) -> dict[str, tuple[str, set[str]]]:
    """The type and the labels of each metric, of a page where nothing is missing."""
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    app.loader.import_default_modules()
    say_alive("a@host", ["pipeline"], datetime.now(UTC), 0)
    beat_ticks()
    check_rule_set.run()
    check_ledger.run()
    settings.MUTT_CANARY_EVERY_S = 60
    send_canary.run()
    page = Client().get("/metrics").content.decode()
    return {
        family.name + ("_total" if family.type == "counter" else ""): (
            family.type,
            {label for sample in family.samples for label in sample.labels} - {"le"},
        )
        for family in text_string_to_metric_families(page)
        if not family.name.endswith("_created")
    }


def explained() -> dict[str, tuple[str, set[str]]]:
    """The same, by the page in docs/; `pid` is there where processes share a folder, which they do not here."""
    rows = {name: (kind, labels) for name, kind, labels in _ROW.findall(METRICS)}
    return {
        name: (kind, {label for label in re.findall(r"`(\w+)`", labels) if label != "pid"})
        for name, (kind, labels) in rows.items()
    }


def test_the_docs_explain_what_there_is_and_nothing_else(told):
    ours = {name: found for name, found in told.items() if name.startswith("mutt_")}
    # Their labels come with the first refused event, and with the first deprecated operation.
    unused = {"mutt_events_rejected_total", "mutt_deprecated_requests_total"}
    assert {name: found for name, found in explained().items() if name not in unused} == {
        name: found for name, found in ours.items() if name not in unused
    }
    assert explained().keys() == ours.keys()


def test_rules_and_dashboard_ask_for_what_there_is(told):
    made = {rule["record"] for rule in rules() if "record" in rule}
    known = told.keys() | made
    unknown = {(name, by) for name, by in asked_for() if name not in known and without_ending(name) not in known}
    assert unknown == set()


def test_every_alert_leads_to_its_page():
    for alert in alerts():
        notes = alert["annotations"]
        assert notes["runbook_url"] == f"{{{{ $externalLabels.mutt_docs }}}}docs/runbooks/{alert['alert']}.md"
        assert notes["summary"]
        assert "1." in notes["description"] or alert["alert"] == "MuttQuarantineLosesEvents"
        assert alert["labels"]["severity"] in ("critical", "warning")


def test_every_alert_is_in_a_table_as_it_is():
    rows = re.findall(r"^\| \[(\w+)\]\(runbooks/(\w+)\.md\) \| (\w+) \| ([\w ]+) \|", ALERTS, re.MULTILINE)
    assert sorted(rows) == sorted(
        (alert["alert"], alert["alert"], alert["labels"]["severity"], alert.get("for", "at once")) for alert in alerts()
    )


def commands() -> list[str]:
    """What the alerts, and the text of their pages, tell to run; what stands alone there is run by tests/e2e."""
    in_docs = re.findall(r"`(muttctl [^`]+)`", "".join(path.read_text() for path in RUNBOOKS))
    lines = "\n".join(alert["annotations"]["description"] for alert in alerts())
    in_alerts = re.findall(r"(muttctl .+?)(?:, then| shows|, and |\. |$|(?=, muttctl))", lines, re.MULTILINE)
    return sorted(set(in_docs) | set(in_alerts))


@pytest.mark.parametrize("command", commands())
def test_the_commands_exist(command):
    words = re.sub(r"\{\{.+?\}\}", "moog", command).replace("SOURCE", "syslog").rstrip(".")
    group: click.Command = cli
    rest = shlex.split(words)[1:]
    context = click.Context(group)
    while isinstance(group, click.Group) and rest:
        found = group.get_command(context, rest.pop(0))
        assert found is not None, command
        group = found
    takes = {option for parameter in group.params for option in parameter.opts}
    assert {word for word in rest if word.startswith("--")} <= takes


def test_there_are_commands():
    assert len(commands()) > 20
