"""`muttctl rules list`."""

import csv
import io
import json
from typing import Any

from tests.unit.mutt_project.muttctl.stub_api import Muttctl, StubApi


def rule(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "name": f"rule-{number}",
        "description": "",
        "match_type": "contains",
        "match_string": "Interface down",
        "trap_oid": None,
        "syslog_severity": None,
        "priority": 100,
        "prod_handling": "Page_and_ticket",
        "dev_handling": "Ignore",
        "team_assignment": "NETO",
        "is_active": True,
        **fields,
    }


def test_all_pages_are_in_the_order_of_matching(api: StubApi, muttctl: Muttctl) -> None:
    api.rules = [rule(5), rule(4), rule(3, priority=1), rule(2, priority=None), rule(1)]
    result = muttctl("rules", "list", "-o", "json")
    assert result.exit_code == 0
    assert [found["id"] for found in json.loads(result.stdout)] == [3, 1, 4, 5, 2]


def test_table_fits_80_columns(api: StubApi, muttctl: Muttctl) -> None:
    api.rules = [
        rule(1, name="A core router's interface is down, whatever it is called", syslog_severity="Error"),
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
    assert list(rows[0]) == list(rule(1))
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


def test_no_rules(muttctl: Muttctl) -> None:
    assert muttctl("rules", "list").stderr == "No rules found.\n"
    assert json.loads(muttctl("rules", "list", "-o", "json").stdout) == []
