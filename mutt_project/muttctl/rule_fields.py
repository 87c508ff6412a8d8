"""The fields of rules: what they may hold, and the options that set them."""

from collections.abc import Callable
from typing import Any

import click

from mutt_project.muttctl.parameters import with_options

SEVERITIES = ("Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Info", "Debug")
HANDLINGS = ("Page_and_ticket", "Page_only", "Ticket_only", "Ignore")
MATCH_TYPES = ("contains", "regex", "oid_prefix")
CHOICES = {
    "match_type": MATCH_TYPES,
    "syslog_severity": SEVERITIES,
    "prod_handling": HANDLINGS,
    "dev_handling": HANDLINGS,
}
# What a field holds where it is left out; the others must be given.
DEFAULTS: dict[str, Any] = {
    "description": "",
    "notes": "",
    "priority": 100,
    "match_type": "contains",
    "match_string": None,
    "trap_oid": None,
    "syslog_severity": None,
    "team_assignment": "NETO",
    "is_active": True,
    "examples": {"match": [], "no_match": []},
}
REQUIRED = ("name", "prod_handling", "dev_handling")
FIELDS = (
    *("name", "id", "description", "notes", "priority", "match_type", "match_string", "trap_oid", "syslog_severity"),
    *("prod_handling", "dev_handling", "team_assignment", "is_active", "examples"),
)
# A field that may hold more than a text; all others are texts.
TYPES: dict[str, tuple[type, str]] = {
    "id": (int, "a whole number"),
    "priority": (int, "a whole number from 1 to 1000"),
    "is_active": (bool, "true or false"),
    "examples": (dict, 'fields "match" and "no_match", each with a list'),
}

Command = Callable[..., Any]
RULE_ID = click.IntRange(min=1)


def severity(*names: str, text: str) -> Callable[[Command], Command]:
    return _choice(names, SEVERITIES, text)


def handling(*names: str, text: str) -> Callable[[Command], Command]:
    return _choice(names, HANDLINGS, text)


def _choice(names: tuple[str, ...], words: tuple[str, ...], text: str) -> Callable[[Command], Command]:
    """Taken in any case, and shown as the words are."""
    taken = click.Choice(words, case_sensitive=False)
    return click.option(*names, type=taken, metavar=f"[{'|'.join(words)}]", help=text)


def field_options(command: Command) -> Command:
    """The options that describe a rule; each has the name of its field in the API."""
    options: tuple[Callable[[Command], Command], ...] = (
        click.option("--name", metavar="TEXT", help="By default made of the conditions."),
        click.option("--match-string", metavar="TEXT", help="Text to find in the message, or an expression."),
        click.option("--match-type", type=click.Choice(MATCH_TYPES), help="How to compare.  [default: contains]"),
        click.option("--trap-oid", metavar="OID", help="The trap's OID, or the beginning of it up to a dot."),
        severity("--severity", "syslog_severity", text="The event's severity."),
        click.option("--priority", type=click.IntRange(1, 1000), help="The lowest number wins.  [default: 100]"),
        handling("--prod-handling", text="What to do with events of production."),
        handling("--dev-handling", text="What to do with events of development hosts.  [default: Ignore]"),
        click.option("--team", "team_assignment", metavar="NAME", help="Whose events these are.  [default: NETO]"),
        click.option("--description", metavar="TEXT", help="What it means when this rule wins."),
        click.option("--notes", metavar="TEXT", help="For colleagues: why it is as it is."),
        click.option(
            "--active/--inactive", "is_active", default=None, help="Whether it is in force.  [default: active]"
        ),
    )
    return with_options(command, options)


def given_fields(options: dict[str, Any]) -> dict[str, Any]:
    """The fields that were given, ready for the API; a new rule ignores development hosts unless told otherwise."""
    given = {name: value for name, value in options.items() if value is not None}
    if "id" in given:
        return given
    if "prod_handling" not in given:
        raise click.UsageError("Say with --prod-handling what is to be done with the events.")
    return {"dev_handling": "Ignore", **given}
