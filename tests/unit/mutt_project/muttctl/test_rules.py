"""`muttctl rules` list, show, create, enable, disable and delete."""

import csv
import io
import json

import pytest

from mutt_project.muttctl.rule_output import COLUMNS
from tests.unit.mutt_project.muttctl.stub_api import Muttctl, StubApi, problem
from tests.unit.mutt_project.muttctl.stub_lists import rule

SEED = ("rules", "create", "--match-string", "CPU high", "--priority", "10", "--prod-handling", "Ticket_only")


def reason_of(api: StubApi) -> str:
    """The reason of the last request, as MUTT reads it."""
    return api.asked[-1].headers["X-Change-Reason"].encode("latin-1").decode()


def test_all_pages_are_in_the_order_of_matching(api: StubApi, muttctl: Muttctl) -> None:
    api.rules = [rule(5), rule(4), rule(3, priority=1), rule(2, priority=None), rule(1)]
    result = muttctl("rules", "list", "-o", "json")
    assert result.exit_code == 0
    assert [found["id"] for found in json.loads(result.stdout)] == [3, 1, 4, 5, 2]


def test_table_fits_80_columns(api: StubApi, muttctl: Muttctl) -> None:
    api.rules = [
        rule(1, name="A core router's interface is down, whatever it is called", prod_handling="Page_and_ticket"),
        rule(2, syslog_severity="Error"),
        rule(123456, match_type="oid_prefix", match_string=None, trap_oid="1.3.6.1.4.1.9.9.41.2.0.1"),
        rule(3, is_active=False, match_type="regex", match_string="[bold]x[/bold]\x1b", priority=1000),
    ]
    output = muttctl("rules", "list").stdout
    assert max(map(len, output.splitlines())) <= 80
    for words in (
        "prod Page_and_ticket",
        "dev  Ignore",
        "severity",
        "OID",
        "(inactive)",
        "[bold]x[/bold]\\x1b",
    ):
        assert words in output
    assert "\x1b" not in output


def test_csv_has_the_fields_of_the_api(api: StubApi, muttctl: Muttctl) -> None:
    api.rules = [rule(1, description='said "no",\nthen went')]
    rows = list(csv.DictReader(io.StringIO(muttctl("rules", "list", "-o", "csv").stdout)))
    assert tuple(rows[0]) == COLUMNS
    assert rows[0]["description"] == 'said "no",\nthen went'
    assert (rows[0]["is_active"], rows[0]["trap_oid"]) == ("true", "")


def test_filters_go_to_the_api(api: StubApi, muttctl: Muttctl) -> None:
    muttctl("rules", "list", "--active", "--search", "a&b ü")
    muttctl("rules", "list", "--inactive")
    muttctl("rules", "list")
    asked = [{name: asked.query.get(name) for name in ("is_active", "search")} for asked in api.asked]
    assert asked == [
        {"is_active": "true", "search": "a&b ü"},
        {"is_active": "false", "search": None},
        {"is_active": None, "search": None},
    ]


def test_more_filters_go_to_the_api_and_its_order_is_kept(api: StubApi, muttctl: Muttctl) -> None:
    api.rules = [rule(1, priority=9), rule(2, priority=1)]
    kinds = ("--match-type", "regex", "--team", "CORE", "--handling", "page_only", "--severity", "error")
    result = muttctl("rules", "list", *kinds, "--order", "-name", "-o", "json")
    assert api.asked[0].query == {
        "match_type": "regex",
        "team": "CORE",
        "handling": "Page_only",
        "severity": "Error",
        "ordering": "-name",
        "limit": "100",
    }
    assert [found["id"] for found in json.loads(result.stdout)] == [1, 2]


def test_orders_that_there_are_not(muttctl: Muttctl) -> None:
    result = muttctl("rules", "list", "--order", "colour")
    assert result.exit_code == 2
    assert "-updated_at" in result.stderr


def test_no_rules(muttctl: Muttctl) -> None:
    assert muttctl("rules", "list").stderr == "No rules found.\n"
    assert json.loads(muttctl("rules", "list", "-o", "json").stdout) == []


def test_show_has_every_field_and_warns_on_stderr(api: StubApi, muttctl: Muttctl) -> None:
    examples = {"match": ["link down", {"message": "ü"}], "no_match": ["up\x1b"]}
    api.rules = [rule(7, notes="one\ntwo", examples=examples, warnings=["It can never win."], is_active=False)]
    result = muttctl("rules", "show", "7")
    assert result.exit_code == 0
    lines = [line.strip() for line in result.stdout.splitlines()]
    for line in (
        "name:           rule-7",
        "active:         no",
        "two",
        "must match:     link down",
        '{"message": "ü"}',
    ):
        assert line in lines
    assert "up\\x1b" in result.stdout
    assert result.stderr == "warning: It can never win.\n"
    assert json.loads(muttctl("rules", "show", "7", "-o", "json").stdout) == api.rules[0]


def test_show_a_rule_that_is_not_there(muttctl: Muttctl) -> None:
    assert muttctl("rules", "show", "7").exit_code == 4
    assert muttctl("rules", "show", "../hosts").exit_code == 2


def test_create_as_it_stands_in_the_manual(api: StubApi, muttctl: Muttctl) -> None:
    result = muttctl(*SEED)
    assert result.exit_code == 0
    assert api.sent() == [
        {"match_string": "CPU high", "priority": 10, "prod_handling": "Ticket_only", "dev_handling": "Ignore"}
    ]
    assert "X-Change-Reason" not in api.asked[0].headers
    assert "CPU high" in result.stdout
    assert result.stderr == ""


def test_create_with_everything(api: StubApi, muttctl: Muttctl) -> None:
    conditions = ("--match-type", "regex", "--match-string", "a|b", "--trap-oid", "1.3", "--severity", "error")
    handling = ("--prod-handling", "Page_only", "--dev-handling", "Ticket_only", "--team", "CORE", "--inactive")
    texts = ("--name", "N", "--description", "D", "--notes", "O", "--reason", " CHG-1 …\n Åü ")
    result = muttctl("rules", "create", *conditions, *handling, *texts, "-o", "json")
    assert json.loads(result.stdout)["name"] == "N"
    assert api.sent() == [
        {
            "name": "N",
            "description": "D",
            "notes": "O",
            "match_type": "regex",
            "match_string": "a|b",
            "trap_oid": "1.3",
            "syslog_severity": "Error",
            "prod_handling": "Page_only",
            "dev_handling": "Ticket_only",
            "team_assignment": "CORE",
            "is_active": False,
        }
    ]
    assert reason_of(api) == "CHG-1 … Åü"


def test_warnings_about_a_new_rule_are_on_stderr(api: StubApi, muttctl: Muttctl) -> None:
    api.rule_list.defaults = {**api.rule_list.defaults, "warnings": ["It can never win:\n“x”."]}
    assert muttctl(*SEED).stderr == "warning: It can never win: “x”.\n"


def test_create_without_a_handling_is_not_sent(api: StubApi, muttctl: Muttctl) -> None:
    result = muttctl("rules", "create", "--match-string", "x")
    assert result.exit_code == 2
    assert "--prod-handling" in result.stderr
    assert api.asked == []


def test_what_mutt_refuses_is_told(api: StubApi, muttctl: Muttctl) -> None:
    errors = [{"pointer": "/match_string", "detail": "Give a text, an OID or a severity."}]
    api.scripted = [problem(400, "Bad Request", "See errors.", errors)]
    result = muttctl("rules", "create", "--prod-handling", "Ignore")
    assert result.exit_code == 4
    assert "/match_string: Give a text, an OID or a severity." in result.stderr


@pytest.mark.parametrize("reason", ["", " \n", "x" * 501, "a\x1b[31m", "a\udcff"])
def test_reasons_that_are_not_taken(api: StubApi, muttctl: Muttctl, reason: str) -> None:
    result = muttctl(*SEED, "--reason", reason)
    assert result.exit_code == 2
    assert "--reason" in result.stderr
    assert api.asked == []


@pytest.mark.parametrize(("command", "words"), [("enable", "in"), ("disable", "out of")])
def test_rules_are_put_into_and_out_of_force(api: StubApi, muttctl: Muttctl, command: str, words: str) -> None:
    is_active = command == "enable"
    api.rules = [rule(7, is_active=not is_active, warnings=["It can never win."])]
    result = muttctl("rules", command, "7", "--reason", "CHG-1")
    assert result.stdout == f"Rule 7 “rule-7” is {words} force.\n"
    assert result.stderr == "warning: It can never win.\n"
    assert (api.asked[-1].method, api.sent()) == ("PATCH", [{"is_active": is_active}])
    assert reason_of(api) == "CHG-1"
    assert json.loads(muttctl("rules", command, "7", "-o", "json").stdout)["is_active"] is is_active
    assert muttctl("rules", command, "8").exit_code == 4


def test_delete_shows_the_rule_and_asks(api: StubApi, muttctl: Muttctl) -> None:
    api.rules = [rule(7), rule(8)]
    for answer in (b"n\n", b""):
        result = muttctl("rules", "delete", "7", stdin=answer)
        assert result.exit_code == 1
        assert "rule-7" in result.stderr
        assert len(api.rules) == 2
    result = muttctl("rules", "delete", "7", "--reason", "CHG-1", stdin=b"y\n")
    assert result.stdout == "Rule 7 “rule-7” is deleted.\n"
    assert reason_of(api) == "CHG-1"
    assert [one["id"] for one in api.rules] == [8]


def test_delete_without_asking_prints_what_was(api: StubApi, muttctl: Muttctl) -> None:
    api.rules = [rule(7)]
    result = muttctl("rules", "delete", "7", "--yes", "-o", "json")
    assert (json.loads(result.stdout), result.stderr, api.rules) == (rule(7), "", [])
    assert muttctl("rules", "delete", "7", "--yes").exit_code == 4
