"""`muttctl rules export`, `check`, `plan` and `apply`."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.mutt_project.muttctl.stub_api import Muttctl, StubApi, problem
from tests.unit.mutt_project.muttctl.stub_lists import rule

FILE = "rules.yaml"


def entry(name: str, **fields: Any) -> str:
    lines = {"name": name, "prod_handling": "Page_only", "dev_handling": "Ignore", "match_string": "down", **fields}
    return "- " + "\n  ".join(f"{field}: {value}" for field, value in lines.items()) + "\n"


@pytest.fixture
def write(muttctl: Muttctl, tmp_path: Path):
    """Write rules to the file; muttctl runs beside it."""
    return lambda *entries: (tmp_path / FILE).write_text("rules:\n" + "".join(entries))


@pytest.fixture
def changed(api: StubApi, write) -> None:
    """One rule to create, one to update, one to delete, one as it is."""
    api.rules = [rule(1, name="same"), rule(2, name="old", priority=9), rule(3, name="gone")]
    write(entry("same"), entry("old", priority=10, notes="'now\twith notes'"), entry("new", trap_oid="'1.3'"))


def test_export_and_plan_agree(api: StubApi, muttctl: Muttctl, tmp_path: Path) -> None:
    api.rules = [rule(1, priority=5), rule(2, name="1.3", notes="a\nü"), rule(3, name="twin"), rule(4, name="twin")]
    exported = muttctl("rules", "export")
    assert exported.stdout.index("'1.3'") < exported.stdout.index("id: 3") < exported.stdout.index("id: 4")
    result = muttctl("rules", "export", FILE)
    assert (result.stdout, result.stderr) == ("", "4 rules are in rules.yaml now.\n")
    assert (tmp_path / FILE).read_text() == exported.stdout
    for content in (None, exported.stdout.encode()):
        result = muttctl("rules", "plan", FILE if content is None else "-", stdin=content)
        assert (result.exit_code, result.stdout) == (0, "0 to create, 0 to update, 0 to delete, 4 unchanged.\n")


def test_export_where_nothing_can_be_written(muttctl: Muttctl) -> None:
    result = muttctl("rules", "export", "missing/rules.yaml")
    assert result.exit_code == 1
    assert "missing/rules.yaml cannot be written: No such file or directory." in result.stderr


@pytest.mark.usefixtures("changed")
def test_plan_shows_what_would_change(api: StubApi, muttctl: Muttctl) -> None:
    result = muttctl("rules", "plan", FILE)
    assert result.exit_code == 2
    lines = result.stdout.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == [
        "~ old (id 2)",
        "+ new",
        "- gone (id 3)",
        "1 to create, 1 to update, 1 to delete, 1 unchanged.",
    ]
    updated, created = lines[1 : lines.index("+ new")], lines[lines.index("+ new") + 1 : lines.index("- gone (id 3)")]
    assert sorted(updated) == ['    notes: "" → "now\\twith notes"', "    priority: 9 → 10"]
    assert '    trap_oid: "1.3"' in created
    assert not any("description" in line or "examples" in line for line in created)
    (sent,) = api.sent()
    assert (sent["dry_run"], sent["others"], len(sent["entries"])) == (True, "delete", 3)
    assert len(api.rules) == 3


@pytest.mark.usefixtures("changed")
def test_plan_is_coloured_on_a_terminal_only(muttctl: Muttctl) -> None:
    output = muttctl("rules", "plan", FILE, FORCE_COLOR="1", TERM="xterm").stdout
    for line in ("\x1b[32m+ new", "\x1b[33m~ old (id 2)", "\x1b[31m- gone (id 3)"):
        assert line in output
    assert "\x1b" not in muttctl("rules", "plan", FILE).stdout


@pytest.mark.usefixtures("changed")
def test_plan_as_json_is_what_the_api_says(muttctl: Muttctl) -> None:
    result = muttctl("rules", "plan", FILE, "-o", "json")
    assert result.exit_code == 2
    plan = json.loads(result.stdout)
    assert [(change["action"], change["name"]) for change in plan["changes"]] == [
        ("update", "old"),
        ("create", "new"),
        ("delete", "gone"),
    ]


@pytest.mark.usefixtures("changed")
def test_others_are_kept_where_that_is_asked_for(api: StubApi, muttctl: Muttctl) -> None:
    result = muttctl("rules", "plan", FILE, "--keep-others")
    assert "1 to create, 1 to update, 0 to delete, 1 unchanged." in result.stdout
    assert muttctl("rules", "apply", FILE, "--keep-others", "--yes", "--reason", "CHG-1").exit_code == 0
    assert [one["name"] for one in api.rules] == ["same", "old", "gone", "new"]


@pytest.mark.usefixtures("changed")
def test_apply_shows_the_plan_asks_and_applies_just_that(api: StubApi, muttctl: Muttctl) -> None:
    api.rule_list.warnings = [{"pointer": "/entries/2", "detail": "It can never win."}]
    result = muttctl("rules", "apply", FILE, "--reason", "CHG-1 ü", stdin=b"y\n")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == "~ old (id 2)"
    assert result.stdout.endswith("Applied: 1 created, 1 updated, 1 deleted, 1 unchanged.\n")
    for words in ("rules.yaml:12: warning: It can never win.", "1 to create, 1 to update, 1 to delete", "Apply this?"):
        assert words in result.stderr
    planned, applied = api.sent()
    assert planned["entries"] == applied["entries"]
    assert (applied["dry_run"], applied["others"], applied["rule_set_version"]) == (False, "delete", 7)
    assert "X-Change-Reason" not in api.asked[0].headers
    assert api.asked[1].headers["X-Change-Reason"].encode("latin-1").decode() == "CHG-1 ü"
    assert [one["name"] for one in api.rules] == ["same", "old", "new"]


@pytest.mark.usefixtures("changed")
@pytest.mark.parametrize("answer", [b"n\n", b""])
def test_apply_does_nothing_without_a_yes(api: StubApi, muttctl: Muttctl, answer: bytes) -> None:
    assert muttctl("rules", "apply", FILE, "--reason", "CHG-1", stdin=answer).exit_code == 1
    assert len(api.asked) == 1


@pytest.mark.parametrize("reason", [(), ("--reason", " ")])
def test_apply_wants_a_reason(api: StubApi, muttctl: Muttctl, reason: tuple[str, ...]) -> None:
    result = muttctl("rules", "apply", "-", "--yes", *reason, stdin=b"rules: []")
    assert result.exit_code == 2
    assert "--reason" in result.stderr
    assert api.asked == []


@pytest.mark.usefixtures("changed")
def test_apply_overwrites_nothing_that_somebody_else_has_changed(
    api: StubApi, muttctl: Muttctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    bulk = api.rule_list.bulk

    def then_somebody_else(body: dict[str, Any]) -> Any:
        answer = bulk(body)
        api.rule_list.version += 1
        return answer

    monkeypatch.setattr(api.rule_list, "bulk", then_somebody_else)
    result = muttctl("rules", "apply", FILE, "--yes", "--reason", "CHG-1")
    assert result.exit_code == 4
    assert "so nothing was done. Run it again." in result.stderr
    assert [one["name"] for one in api.rules] == ["same", "old", "gone"]


def test_apply_of_what_is_so_already_says_so(api: StubApi, muttctl: Muttctl, write) -> None:
    api.rules = [rule(1, name="same")]
    write(entry("same"))
    result = muttctl("rules", "apply", FILE, "--reason", "CHG-1")
    assert (result.exit_code, result.stdout) == (0, "Nothing to do: the rules are as the file has them.\n")
    assert len(api.asked) == 1
    assert json.loads(muttctl("rules", "apply", FILE, "--reason", "CHG-1", "-o", "json").stdout)["unchanged"] == 1


@pytest.mark.usefixtures("changed")
def test_apply_as_json_prints_what_was_done_alone(muttctl: Muttctl) -> None:
    result = muttctl("rules", "apply", FILE, "--reason", "CHG-1", "-o", "json", stdin=b"y\n")
    done = json.loads(result.stdout)
    assert (done["dry_run"], done["created"], done["rule_set_version"]) == (False, 1, 8)
    assert "~ old (id 2)" in result.stderr


def test_nobody_can_be_asked_where_the_file_is_standard_input(api: StubApi, muttctl: Muttctl) -> None:
    content = ("rules:\n" + entry("new")).encode()
    result = muttctl("rules", "apply", "-", "--reason", "CHG-1", stdin=content)
    assert result.exit_code == 2
    assert "add --yes" in result.stderr
    assert api.rules == []
    assert muttctl("rules", "apply", "-", "--reason", "CHG-1", "--yes", stdin=content).exit_code == 0
    assert [one["name"] for one in api.rules] == ["new"]


def test_check_of_a_good_file(api: StubApi, muttctl: Muttctl, write) -> None:
    write(entry("a"), entry("b"))
    api.rule_list.warnings = [
        {"pointer": "/entries/1", "detail": "It can never win."},
        {"pointer": "/entries/0/priority", "detail": "Careful."},
    ]
    result = muttctl("rules", "check", FILE)
    assert (result.exit_code, result.stdout) == (0, "rules.yaml: 2 rules, no errors.\n")
    assert result.stderr.splitlines() == [
        "rules.yaml:2: warning: priority: Careful.",
        "rules.yaml:6: warning: It can never win.",
    ]
    assert api.sent()[0]["dry_run"] is True
    assert json.loads(muttctl("rules", "check", FILE, "-o", "json").stdout) == {
        "file": FILE,
        "errors": [],
        "warnings": [{"line": 2, "detail": "priority: Careful."}, {"line": 6, "detail": "It can never win."}],
    }


WRONG = [
    "rules.yaml:6: “priority” is a whole number from 1 to 1000.",
    "rules.yaml:11: Not an OID: numbers joined by dots, the first 0, 1 or 2.",
    "rules.yaml:16: /match/0: It must match “fails”, and does not.",
]


@pytest.fixture
def wrong(api: StubApi, write) -> None:
    """A file that is wrong in three places, one of which can be seen without MUTT."""
    write(
        entry("a", priority="high"), entry("b", trap_oid="'9.9'"), entry("c", examples="{match: [fails]}"), entry("d")
    )


@pytest.mark.usefixtures("wrong")
@pytest.mark.parametrize("command", [("check",), ("plan",), ("apply", "--yes", "--reason", "CHG-1")])
def test_all_that_is_wrong_is_said_at_once_with_its_line(
    api: StubApi, muttctl: Muttctl, command: tuple[str, ...]
) -> None:
    result = muttctl("rules", *command, FILE)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == WRONG
    assert result.stdout == ""
    assert api.rules == []


@pytest.mark.usefixtures("wrong")
def test_errors_of_check_as_json(muttctl: Muttctl) -> None:
    result = muttctl("rules", "check", FILE, "-o", "json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert [f"rules.yaml:{error['line']}: {error['detail']}" for error in found["errors"]] == WRONG


@pytest.mark.usefixtures("wrong")
def test_what_is_seen_in_the_file_is_said_also_where_mutt_does_not_answer(api: StubApi, muttctl: Muttctl) -> None:
    api.scripted = [problem(503, "Service Unavailable", "PostgreSQL is away.")]
    result = muttctl("rules", "check", FILE)
    assert (result.exit_code, result.stderr.splitlines()) == (1, WRONG[:1])


@pytest.mark.usefixtures("changed")
@pytest.mark.parametrize(("status", "exit_code"), [(403, 4), (413, 4), (500, 3)])
def test_refusals_that_are_not_about_the_file(api: StubApi, muttctl: Muttctl, status: int, exit_code: int) -> None:
    api.scripted = [problem(status, "No", "It cannot be.")]
    result = muttctl("rules", "plan", FILE)
    assert result.exit_code == exit_code
    assert f"{status}: It cannot be." in result.stderr


@pytest.mark.usefixtures("changed")
def test_what_became_wrong_since_the_plan_is_said_with_its_line(
    api: StubApi, muttctl: Muttctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    bulk = api.rule_list.bulk

    def then_wrong(body: dict[str, Any]) -> Any:
        answer = bulk(body)
        api.rule_list.faults_of = lambda entry: {"name": "No."} if entry["name"] == "new" else {}
        return answer

    monkeypatch.setattr(api.rule_list, "bulk", then_wrong)
    result = muttctl("rules", "apply", FILE, "--yes", "--reason", "CHG-1")
    assert result.exit_code == 1
    assert "rules.yaml:12: No." in result.stderr


def test_a_file_of_too_many_rules(api: StubApi, muttctl: Muttctl, write) -> None:
    write(*(entry(f"rule {number}") for number in range(10_001)))
    result = muttctl("rules", "plan", FILE)
    assert result.exit_code == 1
    assert "10,001 entries; 10,000 can be sent at once" in result.stderr
    assert api.asked == []


def test_escape_sequences_of_names_do_not_reach_the_terminal(api: StubApi, muttctl: Muttctl, write) -> None:
    api.rules = [rule(1, name="a\x1b[31m[red]", notes="\x1b]0;x\x07")]
    assert "\x1b" not in muttctl("rules", "export").stdout
    write(entry('"a\\e[31m[red]"', notes='"\\x9b"'))
    output = muttctl("rules", "plan", FILE).stdout
    assert "a\\x1b[31m[red]" in output
    assert not {"\x1b", "\x9b"} & set(output)
