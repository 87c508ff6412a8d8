"""The commands against MUTT's own API, in this process: what the stub API is like, and MUTT is not, shows here."""

import csv
import json
from pathlib import Path

import pytest

from rules.changes import history_of
from rules.models import DevelopmentHost, DeviceTeam, Rule
from tests.unit.mutt_project.conftest import fresh_rule_set, make_key
from tests.unit.mutt_project.muttctl.against_mutt import Run, run

__all__ = ["fresh_rule_set", "make_key", "run"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_rule_set", "redis_server")]

AWKWARD = {
    "name": "no",
    "description": "Several lines:\n  indented, with a trailing blank \nü “quotes” 'single' \"double\" # no comment\n",
    "notes": "1.10",
    "match_type": "regex",
    "match_string": r"%LINK-\d-UPDOWN: (?:a|b)+ 'x' \"y\"",
    "trap_oid": "1.3",
    "syslog_severity": "Error",
    "priority": 7,
    "prod_handling": "Page_only",
    "dev_handling": "Page_and_ticket",
    "team_assignment": "2026-11-23",
    "is_active": False,
    "examples": {"match": [], "no_match": ["null", {"message": "~", "syslog_severity": 3}]},
}


def test_what_is_exported_is_planned_as_no_change(run: Run) -> None:
    for fields in (AWKWARD, {**AWKWARD, "name": "twin", "priority": 1}, {**AWKWARD, "name": "twin", "priority": 2}):
        Rule.objects.create(**fields)
    assert run("rules", "create", "--match-string", "CPU high", "--prod-handling", "Ticket_only").exit_code == 0
    exported = run("rules", "export").stdout
    planned = run("rules", "plan", "-", stdin=exported)
    assert (planned.exit_code, planned.stdout) == (0, "0 to create, 0 to update, 0 to delete, 4 unchanged.\n")
    Rule.objects.all().delete()
    text = exported.replace("  id: ", "  # id: ").replace("name: twin", "name: first twin", 1)
    assert run("rules", "apply", "-", "--yes", "--reason", "CHG-1", stdin=text).exit_code == 0
    kept = Rule.objects.get(name="no")
    assert {name: getattr(kept, name) for name in AWKWARD} == AWKWARD


def test_a_file_is_applied_with_its_reason(run: Run) -> None:
    for name in ("same", "old", "gone"):
        Rule.objects.create(name=name, match_string=name, prod_handling="Page_only", dev_handling="Ignore")
    text = (
        run("rules", "export")
        .stdout.replace("name: gone", "name: new", 1)
        .replace("match_string: old", "match_string: O")
    )
    assert run("rules", "plan", "-", stdin=text).exit_code == 2
    done = run("rules", "apply", "-", "--yes", "--reason", "CHG-1 ü… Å", "-o", "json", stdin=text)
    assert [json.loads(done.stdout)[name] for name in ("created", "updated", "deleted", "unchanged")] == [1, 1, 1, 1]
    change = history_of(Rule, Rule.objects.get(name="old").pk)[0]
    assert (change.reason, change.author) == ("CHG-1 ü… Å", "API key muttctl")


def test_faults_and_warnings_have_their_lines(run: Run) -> None:
    handling = "prod_handling: Ignore\n  dev_handling: Ignore"
    wide = f"rules:\n- name: wide\n  priority: 1\n  match_string: down\n  {handling}\n"
    narrow = f"- name: narrow\n  match_string: link down\n  {handling}\n"
    checked = run("rules", "check", "-", stdin=wide + narrow)
    assert checked.exit_code == 0
    assert "stdin:7: warning: It can never win: “wide”" in checked.stderr
    wrong = wide.replace("match_string: down", "match_string: down\n  examples: {match: [up]}\n  match_type: regex")
    wrong += narrow.replace(handling, f"priority: 2000\n  {handling}")
    checked = run("rules", "check", "-", stdin=wrong)
    assert checked.exit_code == 1
    places = [line.partition(" ")[0] for line in checked.stderr.splitlines()]
    assert places == ["stdin:5:", "stdin:11:"]


def test_a_plan_is_not_applied_to_other_rules(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def meanwhile(*_: object, **__: object) -> None:
        DevelopmentHost.objects.create(hostname="meanwhile")

    monkeypatch.setattr("mutt_project.muttctl.rule_file_commands.confirm", meanwhile)
    text = "rules:\n- {name: a, match_string: a, prod_handling: Ignore, dev_handling: Ignore}\n"
    result = run("rules", "apply", "-", "--reason", "CHG-1", stdin=text)
    assert result.exit_code == 4
    assert "Run it again" in result.stderr
    assert not Rule.objects.exists()


def test_a_rule_from_its_creation_to_its_end(run: Run) -> None:
    seed = ("rules", "create", "--match-string", "CPU high", "--priority", "10", "--prod-handling", "Ticket_only")
    number = str(json.loads(run(*seed, "-o", "json").stdout)["id"])
    assert "can never win" in run(*seed, "--severity", "Error").stderr
    assert run("rules", "disable", number, "--reason", "too many").exit_code == 0
    assert "active:         no" in run("rules", "show", number).stdout
    assert "(inactive)" in run("rules", "list", "--handling", "ticket_only", "--order", "-id").stdout
    assert run("rules", "delete", number, "--yes").exit_code == 0
    assert run("rules", "show", number).exit_code == 4


def test_an_event_and_a_draft_are_tried(run: Run, tmp_path: Path) -> None:
    Rule.objects.create(name="saved", match_string="down", prod_handling="Page_only", dev_handling="Ignore")
    tried = run("rules", "test", "--message", "Link down", "--hostname", "sw1").stdout
    for words in ("forwarded: Page_only", "saved (rule ", "Link «down»"):
        assert words in tried
    (tmp_path / "draft.yaml").write_text("name: drafted\npriority: 1\nmatch_string: link\nprod_handling: Ignore\n")
    line = "2026-11-23T08:00:00+01:00 sw1 kernel: Link down"
    tried = run("rules", "test", "-", "--draft", "draft.yaml", stdin=line).stdout
    for words in ("ignored: Ignore", "drafted (the draft, priority 1)", "sw1", "«Link» down", "Matches, and loses"):
        assert words in tried
    (tmp_path / "draft.yaml").write_text(
        "name: drafted\nmatch_type: regex\nmatch_string: (link\nprod_handling: Ignore\n"
    )
    result = run("rules", "backtest", "--draft", "draft.yaml")
    assert (result.exit_code, result.stderr.partition(" ")[0]) == (1, "draft.yaml:3:")
    found = json.loads(
        run("rules", "backtest", "--match-string", "x", "--prod-handling", "Ignore", "-o", "json").stdout
    )
    assert (found["status"], found["examined"]) == ("done", 0)


def test_hosts_and_teams(run: Run) -> None:
    assert run("hosts", "add", "dev-switch-01", "--description", "Lab device").exit_code == 0
    assert run("hosts", "add", "DEV-switch-01").exit_code == 4
    content = "hostname;description\nDev-Switch-01;Lab\nsw2;new\n"
    counts = json.loads(run("hosts", "import", "-", "-o", "json", stdin=content).stdout)
    assert counts == {"dry_run": False, "created": 1, "updated": 1, "deleted": 0, "unchanged": 0}
    assert run("hosts", "remove", "SW2", "--yes").stdout == "sw2 is no longer in this list.\n"
    assert run("hosts", "remove", "SW2", "--yes").exit_code == 4
    assert DevelopmentHost.objects.get().description == "Lab"
    assert run("teams", "set", "sw1", "CORE").stdout == "sw1 now belongs to CORE.\n"
    faulty = run("teams", "import", "-", stdin="hostname,team\nsw2,X\nsw2.,Y\nsw3\nsw4," + "x" * 101)
    assert [line.partition(" ")[0] for line in faulty.stderr.splitlines()] == ["stdin:3:", "stdin:4:", "stdin:5:"]
    assert "the same as line 2" in faulty.stderr
    replaced = run("teams", "import", "-", "--delete-others", "--yes", stdin="hostname,team\nsw2,X\n")
    assert replaced.exit_code == 0
    assert list(DeviceTeam.objects.values_list("hostname", "team")) == [("sw2", "X")]


def test_what_was_done_can_be_had_as_csv(run: Run) -> None:
    def rows(*arguments: str, stdin: str | None = None) -> list[dict[str, str]]:
        return list(csv.DictReader(run(*arguments, "-o", "csv", stdin=stdin).stdout.splitlines()))

    (made,) = rows("rules", "create", "--match-string", "CPU high", "--prod-handling", "Ticket_only")
    (found,) = rows("rules", "update", made["id"], "--priority", "5")
    assert (found["priority"], found["is_active"], made["priority"]) == ("5", "true", "100")
    exported = run("rules", "export", "-").stdout
    assert rows("rules", "check", "-", stdin=exported) == []
    (fault,) = rows("rules", "check", "-", stdin=exported.replace("priority: 5", "priority: 5000"))
    assert (fault["kind"], fault["file"]) == ("error", "stdin")
    (change,) = rows("rules", "plan", "-", stdin=exported.replace("priority: 5", "priority: 6"))
    assert (change["action"], json.loads(change["fields"])) == ("update", {"priority": [5, 6]})
    (candidate,) = rows("rules", "test", "--message", "CPU high")
    assert (candidate["id"], candidate["wins"]) == (made["id"], "true")
    assert rows("rules", "delete", made["id"], "--yes")[0]["name"] == made["name"]
    assert rows("hosts", "add", "sw1")[0]["hostname"] == "sw1"
    assert rows("hosts", "update", "SW1", "--description", "Lab")[0]["description"] == "Lab"
    assert rows("hosts", "import", "-", stdin="hostname\nsw1\nsw2\n")[0]["created"] == "1"
    assert [row["action"] for row in rows("hosts", "remove", "sw1", "--yes")] == ["delete"]
    assert [row["name"] for row in rows("teams", "set", "sw2", "CORE")] == ["sw2"]
    assert rows("breaker", "show")[0]["state"] == "closed"
    assert rows("dlq", "discard", "--all", "--why", "none", "--yes")[0]["count"] == "0"
    (change_row, *_) = rows("audit", "changes")
    assert rows("audit", "change", change_row["id"])[0]["kind"] == change_row["kind"]
    assert run("hosts", "update", "away", "--description", "x").exit_code == 4
    assert run("rules", "update", "7").exit_code == 2
