"""How rules are shown."""

import json
from typing import Any

import click
from rich.text import Text

from mutt_project.muttctl.client import JsonObject
from mutt_project.muttctl.output import cell, new_table, one_line, print_fields, print_record, print_table, printable

COLUMNS = (
    "id",
    "name",
    "description",
    "match_type",
    "match_string",
    "trap_oid",
    "syslog_severity",
    "priority",
    "prod_handling",
    "dev_handling",
    "team_assignment",
    "is_active",
)


def print_rule(rule: JsonObject, form: str = "table", *, err: bool = False) -> None:
    """One rule with all its fields; its warnings go to stderr."""
    print_record(rule, form, COLUMNS, lambda: print_fields(_fields(rule), err=err))
    tell_warnings(rule)


def tell_warnings(rule: JsonObject) -> None:
    for warning in rule.get("warnings") or []:
        click.echo(f"warning: {one_line(str(warning), 1000)}", err=True)


def _fields(rule: JsonObject) -> list[tuple[str, Any]]:
    examples = rule.get("examples") or {}
    return [
        ("id", rule.get("id")),
        ("name", rule.get("name")),
        ("active", rule.get("is_active")),
        ("priority", rule.get("priority")),
        ("match type", rule.get("match_type")),
        ("match string", rule.get("match_string")),
        ("trap OID", rule.get("trap_oid")),
        ("severity", rule.get("syslog_severity")),
        ("in production", rule.get("prod_handling")),
        ("in development", rule.get("dev_handling")),
        ("team", rule.get("team_assignment")),
        ("description", _lines(rule.get("description"))),
        ("notes", _lines(rule.get("notes"))),
        ("must match", _examples(examples.get("match"))),
        ("must not match", _examples(examples.get("no_match"))),
        ("created", rule.get("created_at")),
        ("updated", rule.get("updated_at")),
    ]


def _lines(text: object) -> Text | None:
    return cell(*str(text).splitlines()) if text else None


def _examples(listed: Any) -> Text | None:
    if not listed:
        return None
    return cell(*(one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in listed))


def print_rules(found: list[JsonObject]) -> None:
    table = new_table()
    table.add_column("ID", justify="right", no_wrap=True)
    table.add_column("Prio", justify="right", no_wrap=True)
    table.add_column("Name", overflow="fold")
    table.add_column("All of", overflow="fold")
    table.add_column("Handling", no_wrap=True)
    table.add_column("Team", overflow="fold")
    for rule in found:
        marks = [] if rule.get("is_active") else ["(inactive)"]
        table.add_row(
            cell(rule.get("id")),
            cell(rule.get("priority")),
            cell(rule.get("name"), *marks),
            cell(*_conditions(rule)),
            cell(f"prod {rule.get('prod_handling')}", f"dev  {rule.get('dev_handling')}"),
            cell(rule.get("team_assignment")),
        )
    print_table(table)


def named(rule: JsonObject) -> str:
    """The rule in a sentence."""
    return f"Rule {rule.get('id')} “{printable(rule.get('name'))}”"


def _conditions(rule: JsonObject) -> list[str]:
    conditions = []
    if rule.get("match_string"):
        conditions.append(f"{rule.get('match_type')} {rule['match_string']}")
    if rule.get("trap_oid"):
        conditions.append(f"OID {rule['trap_oid']}")
    if rule.get("syslog_severity"):
        conditions.append(f"severity {rule['syslog_severity']}")
    return conditions
