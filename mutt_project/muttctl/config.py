"""`muttctl config`: settings that are changed while MUTT runs."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import click

from mutt_project.muttctl.client import JsonObject, connect
from mutt_project.muttctl.completing import complete_setting_pairs, complete_settings
from mutt_project.muttctl.errors import ApiRefusedError
from mutt_project.muttctl.output import (
    cell,
    examples,
    new_table,
    output_option,
    print_fields,
    print_record,
    print_rows,
    print_table,
    short_time,
)
from mutt_project.muttctl.parameters import confirm, reason_option, yes_option

PATH = "/api/v1/config"
COLUMNS = (
    *("name", "value", "default", "origin", "type", "unit", "bounds", "topic", "meaning", "by", "at", "why"),
)  # fmt: skip
CHANGED = ("name", "before", "after", "risk")


@click.group(
    "config",
    epilog=examples(
        "muttctl config list --changed",
        "muttctl config get MOOGSOFT_RATE",
        'muttctl config set MOOGSOFT_BATCH_SIZE 50 --reason "CHG-1234"',
        'muttctl config reset MOOGSOFT_BATCH_SIZE --reason "CHG-1234 is over"',
    ),
)
def config() -> None:
    """Settings that can be changed while MUTT runs; what nobody sets is as its environment says."""


@config.command(
    "list", epilog=examples("muttctl config list", "muttctl config list --changed", "muttctl config list -o csv")
)
@click.option("--changed", is_flag=True, help="Only what was set at run time.")
@output_option
def list_settings(form: str, *, changed: bool) -> None:
    """List the settings with their values, and where each comes from."""
    settings: list[JsonObject] = connect().get(PATH).get("settings") or []
    found = [one for one in settings if one.get("origin") == "run time"] if changed else settings
    rows = found if form == "json" else [_as_text(one) for one in found]
    print_rows(rows, form, COLUMNS, _print_table, nothing="Nothing was set at run time.")


@config.command("get", epilog=examples("muttctl config get MOOGSOFT_RATE", "muttctl config get MOOGSOFT_RATE -o json"))
@click.argument("name", shell_complete=complete_settings)
@output_option
def get(name: str, form: str) -> None:
    """Show a setting: its value, its bounds, and who changed it last."""
    one = connect().get(f"{PATH}/{quote(name, safe='')}")
    print_record(one if form == "json" else _as_text(one), form, COLUMNS, lambda: _print_one(one))


def _print_one(one: JsonObject) -> None:
    changed = f"{short_time(one.get('at'))} by {one.get('by')}: {one.get('why') or '-'}" if one.get("at") else None
    print_fields(
        [
            ("name", one.get("name")),
            ("value", _text(one.get("value"))),
            ("comes from", one.get("origin")),
            ("default", _text(one.get("default"))),
            ("unit", one.get("unit")),
            ("may be", one.get("bounds")),
            ("meaning", one.get("meaning")),
            ("last change", changed),
        ]
    )


@config.command(
    "set",
    epilog=examples(
        'muttctl config set MOOGSOFT_BATCH_SIZE 50 --reason "CHG-1234: Moogsoft asks for less at once"',
        'muttctl config set MUTT_OPEN_BATCHES_LOW 1000 MUTT_OPEN_BATCHES_HIGH 2000 --yes --reason "CHG-1234"',
    ),
)
@click.argument(
    "pairs", metavar="NAME VALUE [NAME VALUE]...", nargs=-1, required=True, shell_complete=complete_setting_pairs
)
@reason_option(required=True)
@yes_option
@click.option("--dry-run", is_flag=True, help="Only say what would be changed.")
@output_option
def set_settings(pairs: Sequence[str], reason: str, form: str, *, yes: bool, dry_run: bool) -> None:
    """Set one or more settings, all or none; they hold in every process within a few seconds.

    It asks before a guard is loosened. The VALUE “none” takes a rate away.
    """
    if len(pairs) % 2:
        raise click.UsageError("Give a value for each name: NAME VALUE.")
    _change(dict(zip(pairs[::2], pairs[1::2], strict=True)), reason, form, yes=yes, dry_run=dry_run)


@config.command(
    "reset",
    epilog=examples(
        'muttctl config reset MOOGSOFT_BATCH_SIZE --reason "CHG-1234 is over"',
        'muttctl config reset MUTT_OPEN_BATCHES_LOW MUTT_OPEN_BATCHES_HIGH --yes --reason "CHG-1234 is over"',
    ),
)
@click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=complete_settings)
@reason_option(required=True)
@yes_option
@click.option("--dry-run", is_flag=True, help="Only say what would be changed.")
@output_option
def reset(names: Sequence[str], reason: str, form: str, *, yes: bool, dry_run: bool) -> None:
    """Take settings back to their defaults: what the environment says."""
    _change(dict.fromkeys(names), reason, form, yes=yes, dry_run=dry_run)


def _change(values: Mapping[str, str | None], reason: str, form: str, *, yes: bool, dry_run: bool) -> None:
    """Look first what would be changed; ask where that loosens a guard. What was looked at is what is changed."""
    client = connect()
    planned, tag = client.plan(PATH, {"values": values, "dry_run": True, "reason": reason})
    risks = [f"{one.get('name')}: {one['risk']}" for one in planned.get("changes") or [] if one.get("risk")]
    if dry_run:
        _print_changes(planned, form)
        return
    if risks and not yes:
        _print_changes(planned, "table", err=True)
        for risk in risks:
            click.echo(risk, err=True)
    if risks:
        confirm("Change it all the same?", yes=yes)
    try:
        done = client.patch(PATH, {"values": values, "reason": reason}, if_match=tag)
    except ApiRefusedError as error:
        if error.status != HTTPStatus.PRECONDITION_FAILED:
            raise
        message = (
            "Somebody has changed settings since this was planned, so nothing was changed.\n"
            "Look with muttctl config list --changed, then give the command again."
        )
        raise ApiRefusedError(message, error.status, error.reason, error.errors) from None
    _print_changes(done, form)


def _print_changes(done: JsonObject, form: str, *, err: bool = False) -> None:
    changes: list[JsonObject] = done.get("changes") or []
    rows = [_as_text(one) for one in changes]
    nothing = "Nothing to change: it is so already."
    print_rows(rows, form, CHANGED, lambda found: _print_differences(found, err=err), nothing=nothing, as_json=done)


def _print_differences(found: list[JsonObject], *, err: bool) -> None:
    print_fields(((str(one.get("name")), f"{one.get('before')} → {one.get('after')}") for one in found), err=err)


def _as_text(one: JsonObject) -> JsonObject:
    """The same with its values as people write them."""
    return one | {name: _text(one[name]) for name in ("value", "default", "before", "after") if name in one}


def _text(value: Any) -> str:
    """A value as `set` takes it; “none” stands for a rate that is not limited."""
    if isinstance(value, list):
        return ",".join(map(str, value))
    return "none" if value in ("", None) else str(value)


def _print_table(found: list[JsonObject]) -> None:
    table = new_table()
    table.add_column("Setting", no_wrap=True)
    table.add_column("Value", overflow="fold")
    table.add_column("Default", overflow="fold")
    table.add_column("From", no_wrap=True)
    for one in found:
        table.add_row(*(cell(one.get(name)) for name in ("name", "value", "default", "origin")))
    print_table(table)
