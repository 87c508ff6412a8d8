"""`muttctl audit changes` and `muttctl audit export-changes`: who changed what, when, from where and why."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mutt_project.muttctl.client import PAGE_SIZE, JsonObject, connect
from mutt_project.muttctl.output import (
    cell,
    examples,
    extra_width,
    new_table,
    output_option,
    print_found,
    print_record,
    print_table,
    short_time,
)
from mutt_project.muttctl.parameters import TimeParameter, with_options
from mutt_project.muttctl.searching import export, to_file

COLUMNS = (
    *("id", "at", "who", "via", "address", "correlation_id", "reason"),
    *("kind", "object_id", "name", "what", "old", "new"),
)
_FILTERS = (
    click.option("--kind", metavar="WORD", help="Only of this kind: rule, development_host, team, key, user, …"),
    click.option("--object", metavar="ID", help="Only of the thing with this number; name its kind, too."),
    click.option("--name", metavar="TEXT", help="Only of things whose name begins like this, in any case."),
    click.option("--who", metavar="NAME", help="Only by this user, or by “API key NAME”."),
    click.option("--what", metavar="WORD", help="Only this: added, changed, deleted, replayed, logged_in, …"),
    click.option("--correlation-id", metavar="ID", help="Only of the request with this X-Correlation-ID."),
    click.option("--since", type=TimeParameter(), help="At or after: ISO 8601, or like -1h, -7d."),
    click.option("--until", type=TimeParameter(), help="Before: the same forms."),
)


def _filters(command: Callable[..., Any]) -> Callable[..., Any]:
    return with_options(command, _FILTERS)


@click.command(
    "changes",
    epilog=examples(
        "muttctl audit changes --since -1d",
        'muttctl audit changes --kind rule --name "Interface down" --since -7d',
        "muttctl audit changes --kind key --what deleted -o json",
        'muttctl audit changes --who "API key sync" --limit 500 -o csv',
    ),
)
@_filters
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most so many.")
@output_option
def list_changes(limit: int, form: str, **wanted: object) -> None:
    """Show who changed which rule, host, team, key, user or role, or did what to breaker and dead letters.

    The newest come first. It needs an API key with the scope admin.
    """
    query = {**wanted, "limit": min(limit + 1, PAGE_SIZE)}
    print_found(connect().pages("/api/v1/changes", query), limit, form, COLUMNS, _print_list, noun="changes")


@click.command(
    "change",
    epilog=examples("muttctl audit change 12345", "muttctl audit change 12345 -o json"),
)
@click.argument("number", metavar="NUMBER", type=click.IntRange(1))
@output_option
def show_change(number: int, form: str) -> None:
    """Show one change, by the number that -o json and -o csv of `muttctl audit changes` have."""
    print_record(connect().get(f"/api/v1/changes/{number}"), form, COLUMNS)


@click.command(
    "export-changes",
    epilog=examples(
        "muttctl audit export-changes --since -30d > changes.ndjson",
        "muttctl audit export-changes keys.csv --kind key",
    ),
)
@to_file
@_filters
def export_changes(file: Path | None, form: str | None, **wanted: object) -> None:
    """Write all changes that are wanted to FILE, or to standard output; the newest come first."""
    export("/api/v1/changes/export", wanted, file, form)


def _print_list(found: list[JsonObject]) -> None:
    table = new_table()
    table.add_column("When UTC", no_wrap=True)
    table.add_column("Who", overflow="fold", max_width=16 + extra_width() // 3)
    table.add_column("What", overflow="fold", max_width=20 + extra_width() // 3)
    table.add_column("Fields and why", overflow="fold")
    for change in found:
        what = f"{change.get('kind')} {change.get('what')}"
        table.add_row(
            cell(short_time(change.get("at"))),
            cell(change.get("who"), change.get("via")),
            cell(change.get("name") or change.get("object_id"), what),
            cell(*_fields(change), *([f"“{change['reason']}”"] if change.get("reason") else [])),
        )
    print_table(table)


def _fields(change: JsonObject) -> list[str]:
    """Each field in a line; of what was made or deleted, the name says enough."""
    if change.get("what") in {"added", "deleted"}:
        return []
    old, new = change.get("old") or {}, change.get("new") or {}
    return [f"{name}: {_value(old.get(name))} → {_value(new.get(name))}" for name in sorted({*old, *new})]


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
