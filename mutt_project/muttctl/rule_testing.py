"""`muttctl rules test`: what the rules say of an event, and why."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, BinaryIO

import click
from rich.console import Console
from rich.text import Text

from ingest.syslog_lines import parse_line
from mutt_project.muttctl.client import JsonObject, connect
from mutt_project.muttctl.errors import MuttctlError
from mutt_project.muttctl.output import (
    cell,
    examples,
    new_table,
    output_option,
    print_csv,
    print_fields,
    print_json,
    print_table,
    printable,
)
from mutt_project.muttctl.parameters import is_stdin
from mutt_project.muttctl.rule_drafts import draft_from, draft_option, post_with
from mutt_project.muttctl.rule_fields import severity
from mutt_project.muttctl.sources import decode_leniently

AROUND = 24
COLUMNS = ("id", "name", "priority", "wins", "why")
MATCHED = "bold reverse"
FIELDS = ("message", "trap_oid", "syslog_severity")
UNNAMED_HOST = "unnamed-host"
_NOT_OF_A_LOG_FILE = ("<", "{", "[")


@click.command(
    "test",
    epilog=examples(
        'muttctl rules test --message "Interface Gi0/1, changed state to down" --severity Error',
        "muttctl rules test --oid 1.3.6.1.6.3.1.1.5.3 --hostname core-router-01 --draft draft.yaml",
        "tail -n 1 /var/log/syslog | muttctl rules test -",
        "muttctl rules test event.json -o json",
    ),
)
@click.argument("file", type=click.File("rb"), required=False)
@click.option("--message", metavar="TEXT", help="The event's message.")
@click.option("--hostname", metavar="NAME", help="The event's host.")
@severity("--severity", "syslog_severity", text="The event's severity.")
@click.option("--oid", "trap_oid", metavar="OID", help="The OID of the trap.")
@draft_option
@output_option
def try_rules(file: BinaryIO | None, draft: BinaryIO | None, form: str, **fields: str | None) -> None:
    """Say what the rules make of one event: nothing is stored or sent.

    The event comes from FILE (- is standard input), which holds what a source would send, such as a
    JSON object or a syslog line; or from options. With --draft the rules are asked as if that
    draft were saved. The exit status is 0 also when no rule matches.

    What matched is «marked», or in another colour on a terminal.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    if (file is None) != bool(given):
        raise click.UsageError("Give the event either as FILE or by options such as --message.")
    if file is not None and draft is not None and is_stdin(file) and is_stdin(draft):
        raise click.UsageError("Only one of FILE and --draft can be standard input.")
    client = connect()
    wanted = draft_from(draft)
    event = given if file is None else _event_in(file.read())
    answer = post_with(client, "/api/v1/rules/test", {"event": event}, wanted)
    if form == "json":
        print_json(answer)
    elif form == "csv":
        print_csv([*(answer.get("candidates") or []), *(answer.get("near_misses") or [])], COLUMNS)
    else:
        _print_answer(answer)


def _event_in(content: bytes) -> object:
    """A JSON object, for which MUTT makes up host and time; all else goes as the text that it is.

    But a line of a log file, without the <priority> that it had on the wire, is read as by `muttctl send`.
    """
    text = decode_leniently(content).strip("\ufeff\r\n")
    if not text.strip():
        raise MuttctlError("There is no event in FILE.")
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        is_log_line = "\n" not in text and not text.startswith(_NOT_OF_A_LOG_FILE)
        return parse_line(text, datetime.now(UTC), UNNAMED_HOST) if is_log_line else text
    return event if isinstance(event, dict) else text


def _print_answer(answer: JsonObject) -> None:
    event, candidates = answer.get("event") or {}, answer.get("candidates") or []
    winner: JsonObject = next((one for one in candidates if one.get("wins")), {})
    marks = winner.get("highlights") or []
    decision = answer.get("handling") or "no rule matches"
    print_fields(
        [
            ("decision", f"{answer.get('outcome')}: {decision}"),
            ("winner", cell(_named(winner), winner.get("why")) if winner else None),
            ("environment", cell(answer.get("environment"), answer.get("environment_why"))),
            ("team", cell(answer.get("team"), answer.get("team_why"))),
            ("host", event.get("hostname")),
            ("severity", _marked(event, "syslog_severity", marks)),
            ("trap OID", _marked(event, "trap_oid", marks)),
            ("message", _marked(event, "message", marks)),
            ("rule set", answer.get("rule_set_version")),
        ]
    )
    _print_rules("Matches, and loses", [one for one in candidates if not one.get("wins")], event)
    _print_rules("Nearly matches", answer.get("near_misses") or [], event)


def _print_rules(title: str, listed: Iterable[JsonObject], event: Mapping[str, Any]) -> None:
    table = new_table()
    table.add_column(title, overflow="fold")
    table.add_column("Why", overflow="fold")
    for rule in listed:
        why = cell(rule.get("why"))
        for field in FIELDS:
            marks = [mark for mark in rule.get("highlights") or [] if mark.get("field") == field]
            if marks:
                why.append_text(Text(f"\n{field}: ")).append_text(_marked(event, field, marks, AROUND))
        table.add_row(cell(_named(rule)), why)
    if table.row_count:
        click.echo()
        print_table(table)


def _named(rule: JsonObject) -> str:
    known = "the draft" if rule.get("id") is None else f"rule {rule['id']}"
    return f"{rule.get('name')} ({known}, priority {rule.get('priority')})"


def _marked(event: Mapping[str, Any], field: str, marks: Iterable[JsonObject], around: int | None = None) -> Text:
    """A field of the event with what matched in it; with `around` only so many characters on both sides."""
    text = str(event.get(field) or "")
    spans = sorted((mark["begin"], mark["end"]) for mark in marks if mark.get("field") == field)
    first, last = 0, len(text)
    if around is not None and spans:
        first, last = max(spans[0][0] - around, 0), min(max(end for _, end in spans) + around, len(text))
    left, right = ("", "") if Console().color_system else ("«", "»")
    shown = Text("…" if first else "")
    for begin, end in spans:
        shown.append(printable(text[first:begin]))
        shown.append(left + printable(text[max(begin, first) : end]) + right, style=MATCHED)
        first = max(end, first)
    shown.append(printable(text[first:last]))
    shown.append("…" if last < len(text) else "")
    return shown if text else Text("-")
