"""Finding events, for whichever noun asks: `muttctl audit search`, `muttctl audit export`, `muttctl events search`."""

import sys
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any, BinaryIO

import click

from mutt_project.muttctl.bars import downloading
from mutt_project.muttctl.client import PAGE_SIZE, JsonObject, connect
from mutt_project.muttctl.errors import MuttctlError
from mutt_project.muttctl.output import (
    cell,
    cut_cell,
    examples,
    extra_width,
    new_table,
    output_option,
    print_found,
    print_table,
    printable,
    short_time,
)
from mutt_project.muttctl.parameters import TimeParameter, with_options

STDOUT = Path("-")
OUTCOMES = ("delivered", "ignored", "unmatched", "suppressed", "dead", "pending")
COLUMNS = (
    "id",
    "batch",
    "received_at",
    "event_time",
    "hostname",
    "message",
    "syslog_severity",
    "trap_oid",
    "source_type",
    "environment",
    "rule_id",
    "rule_name",
    "rule_set_version",
    "handling",
    "team",
    "outcome",
    "outcome_at",
)


_FILTERS: tuple[Callable[..., Any], ...] = (
    click.option("--hostname", metavar="NAME", help="Only events of this host: the whole name, in any case."),
    click.option("--text", metavar="WORDS", help="Only with all these words in the message; the last may be cut."),
    click.option("--rule-id", type=click.IntRange(1), help="Only events that this rule won."),
    click.option("--outcome", type=click.Choice(OUTCOMES), help="Only events with this outcome."),
    click.option("--team", metavar="NAME", help="Only events for this team."),
    click.option("--correlation-id", metavar="ID", help="Only events of the request with this X-Correlation-ID."),
    click.option("--batch", type=click.UUID, metavar="ID", help="Only events of this batch, or of this event's."),
    click.option(
        *("--since", "--start-time"),
        type=TimeParameter(),
        help="Received at or after: ISO 8601, or like -1h, -30m, -2d.",
    ),
    click.option("--until", "--end-time", type=TimeParameter(), help="Received before: the same forms."),
)


_TO_FILE = (
    click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path), required=False),
    click.option(
        "--format",
        "form",
        type=click.Choice(["ndjson", "csv"]),
        help="By default what FILE ends in, or else ndjson: one JSON object a line.",
    ),
)


def filters(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which events are meant."""
    return with_options(command, _FILTERS)


def to_file(command: Callable[..., Any]) -> Callable[..., Any]:
    """Where an export goes to, and in which form."""
    return with_options(command, _TO_FILE)


@click.command(
    "search",
    epilog=examples(
        "muttctl audit search --hostname core-router-01 --start-time -1h",
        'muttctl audit search --text "interface Gi0/7" --since -2d',
        "muttctl audit search --outcome dead --since -2d --limit 500 -o csv",
        "muttctl events search --correlation-id ticket-4711 --since -1d",
        "muttctl audit search --since 2026-11-23T08:00:00Z --until 2026-11-23T09:00:00Z",
    ),
)
@filters
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most so many events.")
@output_option
def search_events(limit: int, form: str, **wanted: object) -> None:
    """Find events by host, words, rule, outcome, team, batch and time; the newest come first.

    `muttctl audit search` and `muttctl events search` are the same.
    """
    # One more than is shown tells whether there are more.
    query = {**wanted, "limit": min(limit + 1, PAGE_SIZE)}
    print_found(connect().pages("/api/v1/events", query), limit, form, COLUMNS, _print_list, noun="events")


@click.command(
    "export",
    epilog=examples(
        "muttctl audit export --since -1d > yesterday.ndjson",
        "muttctl audit export yesterday.csv --since -1d --team NETO",
        "muttctl events export dead.csv --outcome dead --since -7d",
        "muttctl audit export again.ndjson --to-send --rule-id 12 --outcome ignored --since -1h",
    ),
)
@to_file
@click.option(
    "--to-send", is_flag=True, help="As events that `muttctl send` takes: they are decided anew, as new ones."
)
@filters
def export_events(file: Path | None, form: str | None, *, to_send: bool, **wanted: object) -> None:
    """Write all events that a search finds to FILE, or to standard output; the newest come first.

    FILE is there only when it is complete. On standard output the exit status tells: 3 where the
    stream broke off.
    """
    if to_send and form:
        raise click.UsageError("--to-send has a form of its own: leave out --format.")
    export("/api/v1/events/export", wanted, file, "events" if to_send else form)


def export(path: str, wanted: dict[str, object], file: Path | None, form: str | None) -> None:
    """Write what is at this address to the file, or to standard output."""
    query = {**wanted, "form": form or ("csv" if file and file.suffix.lower() == ".csv" else "ndjson")}
    if file is None or file == STDOUT:
        _copy(path, query, sys.stdout.buffer, "")
        return
    draft = file.with_name(f"{file.name}.part")
    try:
        with draft.open("wb") as target:
            size = _copy(path, query, target, "Writing")
        draft.replace(file)
    except OSError as error:
        raise MuttctlError(f"{printable(file)} cannot be written: {error.strerror}.") from None
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    click.echo(f"{printable(file)} is written: {size:,} bytes.", err=True)


def _copy(path: str, query: dict[str, object], target: BinaryIO, word: str) -> int:
    """The number of bytes; the word stands beside a bar, for which there is no place where the content is shown."""
    size = 0
    with downloading(word) if word else nullcontext() as bar:
        for piece in connect().stream(path, query):
            size += target.write(piece)
            if bar:
                bar.advance(len(piece))
    return size


def _print_list(found: list[JsonObject]) -> None:
    table = new_table()
    table.add_column("Received UTC", no_wrap=True)
    table.add_column("Host", overflow="fold", max_width=14 + extra_width() // 2)
    table.add_column("Outcome", no_wrap=True)
    table.add_column("ID and message")  # an ID takes 36 columns and must be whole, to be copied
    for event in found:
        table.add_row(
            cell(short_time(event.get("received_at"))),
            cell(event.get("hostname")),
            cell(event.get("outcome")),
            cut_cell(event.get("id"), event.get("message")),
        )
    print_table(table)
