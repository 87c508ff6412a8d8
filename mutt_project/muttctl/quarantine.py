"""`muttctl quarantine`: what was refused, and sending it again once its sender or the schema was mended."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import click

from mutt_project.muttctl.bars import counting
from mutt_project.muttctl.client import PAGE_SIZE, JsonObject, connect
from mutt_project.muttctl.completing import complete_refused
from mutt_project.muttctl.errors import ApiRefusedError
from mutt_project.muttctl.output import (
    cell,
    cut_cell,
    examples,
    new_table,
    output_option,
    print_csv,
    print_fields,
    print_found,
    print_json,
    print_rows,
    print_table,
    printable,
    short_time,
)
from mutt_project.muttctl.parameters import ReasonParameter, TimeParameter, confirm, with_options, yes_option

PATH = "/api/v1/quarantine"
COLUMNS = (
    *("id", "received_at", "source", "reason", "error", "size", "truncated", "redacted", "content_type"),
    *("api_key", "address", "resent_at", "resent_by", "batch"),
)
SUMMARY_COLUMNS = ("source", "reason", "count", "resent", "last_seen")
RESULT_COLUMNS = ("id", "status", "batch", "accepted", "rejected", "detail")
IDS_PER_PAGE = 1000
RESENT_AT_ONCE = 100
SHOWN_FAILURES = 10
NOT_FOUND = 404

Command = Callable[..., Any]


def filter_options(command: Command) -> Command:
    """The options that say which refused events are meant."""
    options = (
        click.option("--source", metavar="NAME", help="Only from this source, e.g. syslog."),
        click.option("--reason", metavar="WORD", help="Only refused for this reason, e.g. hostname_missing."),
        click.option("--since", type=TimeParameter(), help="Received at or after: ISO 8601, or like -1h, -30m, -2d."),
        click.option("--until", type=TimeParameter(), help="Received before: the same forms."),
    )
    return with_options(command, options)


# --reason says which refused events are meant, as in `muttctl dlq`.
why_option = click.option("--why", metavar="TEXT", type=ReasonParameter(), help="Why; it is kept in the history.")


@click.group(
    "quarantine",
    epilog=examples(
        "muttctl quarantine summary",
        "muttctl quarantine list --source syslog --since -1h",
        "muttctl quarantine resend --reason hostname_missing --since -1d",
    ),
)
def quarantine() -> None:
    """What was refused: look at it, send it again, delete it."""


@quarantine.command(
    "list",
    epilog=examples(
        "muttctl quarantine list",
        "muttctl quarantine list --source syslog --reason hostname_missing --since -1h",
        "muttctl quarantine list --not-resent --limit 1000 -o csv > refused.csv",
    ),
)
@filter_options
@click.option("--resent/--not-resent", default=None, help="Only what was (not) sent again.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most so many.")
@output_option
def list_refused(*, resent: bool | None, limit: int, form: str, **filters: str | None) -> None:
    """List refused events, the newest first."""
    # One more than is shown tells whether there are more.
    query = {**filters, "resend": _word(resent), "limit": min(limit + 1, PAGE_SIZE)}
    print_found(connect().pages(PATH, query), limit, form, COLUMNS, _print_list, noun="refused events")


@quarantine.command(
    "show",
    epilog=examples(
        "muttctl quarantine show 01936f2c-8a3e-7c11-9f0e-5d2b8c1a4e77",
        "muttctl quarantine show 01936f2c-8a3e-7c11-9f0e-5d2b8c1a4e77 -o json",
    ),
)
@click.argument("refused_id", metavar="ID", type=click.UUID, shell_complete=complete_refused)
@output_option
def show_refused(refused_id: UUID, form: str) -> None:
    """Show one refused event: what was sent, and what is wrong with it.

    -o csv is one line with the columns of `muttctl quarantine list`, without the body.
    """
    refused = connect().get(f"{PATH}/{refused_id}")
    if form == "json":
        print_json(refused)
    elif form == "csv":
        print_csv([refused], COLUMNS)
    else:
        _print_refused(refused)


@quarantine.command(
    "summary",
    epilog=examples(
        "muttctl quarantine summary",
        "muttctl quarantine summary --since -1h -o json",
    ),
)
@click.option(
    "--since",
    type=TimeParameter(),
    default="-24h",
    show_default=True,
    help="Received at or after: ISO 8601, or like -1h, -30m, -2d.",
)
@output_option
def summary(since: str, form: str) -> None:
    """Count refused events by source and reason."""
    counts = connect().get(f"{PATH}/summary", {"since": since})
    rows: list[JsonObject] = counts.get("results") or []
    nothing = f"Nothing was refused since {since}."
    print_rows(rows, form, SUMMARY_COLUMNS, _print_summary, nothing=nothing, as_json=counts)


@quarantine.command(
    "resend",
    epilog=examples(
        "muttctl quarantine resend 01936f2c-8a3e-7c11-9f0e-5d2b8c1a4e77",
        "muttctl quarantine resend --source syslog --reason hostname_missing --since -1d",
        "muttctl quarantine resend --since -1h --yes -o csv > resent.csv",
    ),
)
@click.argument("ids", metavar="[ID]...", nargs=-1, type=click.UUID, shell_complete=complete_refused)
@filter_options
@yes_option
@why_option
@output_option
def resend(ids: tuple[UUID, ...], *, yes: bool, why: str | None, form: str, **filters: str | None) -> None:
    """Send refused events again: those with these IDs, or all that the options name.

    What was accepted before, or is kept in part only, is not chosen by options. The exit status is 1
    when one of them was not accepted.
    """
    client = connect()
    query = {**filters, "resend": "false", "limit": IDS_PER_PAGE}
    chosen = _chosen(ids, filters, lambda: _whole(client.pages(PATH, query)))
    if len(chosen) > 1:
        confirm(f"Send {_counted(chosen)} again?", yes=yes)
    results: list[JsonObject] = []
    try:
        with counting("Sending again", len(chosen)) as progress:
            for part in _parts(chosen, RESENT_AT_ONCE):
                answer = client.post(f"{PATH}/resend", {"ids": part}, reason=why)
                results += answer.get("results") or []
                progress.advance(len(part))
    finally:
        # Also after Ctrl-C or an error: what was accepted until then is in MUTT's hands.
        if results or form != "table":
            _print_results(results, len(chosen), form)
    if any(result.get("status") != 202 for result in results):  # noqa: PLR2004 - an HTTP status
        click.get_current_context().exit(1)


@quarantine.command(
    "delete",
    epilog=examples(
        'muttctl quarantine delete 01936f2c-8a3e-7c11-9f0e-5d2b8c1a4e77 --yes --why "A test"',
        "muttctl quarantine delete --resent --until -1d --yes",
        "muttctl quarantine delete --source syslog --reason not_json --yes",
    ),
)
@click.argument("ids", metavar="[ID]...", nargs=-1, type=click.UUID, shell_complete=complete_refused)
@filter_options
@click.option("--resent/--not-resent", default=None, help="Only what was (not) sent again.")
@yes_option
@why_option
@output_option
def delete(
    ids: tuple[UUID, ...],
    *,
    resent: bool | None,
    yes: bool,
    why: str | None,
    form: str,
    **filters: str | None,
) -> None:
    """Delete refused events: those with these IDs, or all that the options name.

    The exit status is 1 when one of them was not there.
    """
    client = connect()
    wanted = {**filters, "resend": _word(resent)}
    chosen = _chosen(ids, wanted, lambda: client.pages(PATH, {**wanted, "limit": IDS_PER_PAGE}))
    if chosen:
        confirm(f"Delete {_counted(chosen)} for good?", yes=yes)
    deleted = missing = 0
    try:
        with counting("Deleting", len(chosen)) as progress:
            for refused_id in chosen:
                try:
                    client.delete(f"{PATH}/{refused_id}", reason=why)
                    deleted += 1
                except ApiRefusedError as refusal:
                    if refusal.status != NOT_FOUND:
                        raise
                    missing += 1
                progress.advance(1)
    finally:
        counts = {"chosen": len(chosen), "deleted": deleted, "not_there": missing}
        if form == "json":
            print_json(counts)
        elif form == "csv":
            print_csv([counts], tuple(counts))
        elif chosen:
            print_fields([(name.replace("_", " "), number) for name, number in counts.items()])
    if missing:
        click.get_current_context().exit(1)


def _chosen(
    ids: Sequence[UUID], filters: Mapping[str, str | None], find: Callable[[], Iterable[JsonObject]]
) -> list[str]:
    """The ids that are meant, in the order of receipt; where `find` finds them, tells how many there are of which."""
    if bool(ids) == any(filters.values()):
        raise click.UsageError("Name either IDs, or at least one option that says which refused events are meant.")
    if ids:
        return list(dict.fromkeys(map(str, ids)))
    found = list(find())
    if not found:
        click.echo("No refused events found.", err=True)
    for (source, reason), number in Counter((row.get("source"), row.get("reason")) for row in found).most_common():
        click.echo(f"{number:>8,}  {printable(source)}  {printable(reason)}", err=True)
    return [str(row.get("id")) for row in reversed(found)]


def _whole(found: Iterable[JsonObject]) -> list[JsonObject]:
    """Those that can be sent again; tells how many cannot."""
    rows = list(found)
    whole = [row for row in rows if not row.get("truncated")]
    if len(whole) < len(rows):
        left_out = len(rows) - len(whole)
        click.echo(f"{left_out:>8,}  left out: kept in part only, so they cannot be sent again", err=True)
    return whole


def _counted(chosen: Sequence[str]) -> str:
    return f"{len(chosen):,} refused event{'' if len(chosen) == 1 else 's'}"


def _parts(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _word(value: bool | None) -> str | None:  # noqa: FBT001 - a value, not a switch
    return None if value is None else str(value).lower()


def _print_list(found: list[JsonObject]) -> None:
    table = new_table()
    table.add_column("Received UTC", no_wrap=True)
    table.add_column("Source and reason", overflow="fold", max_width=24)
    table.add_column("ID and error")  # an ID takes 36 columns and must be whole, to be copied
    for row in found:
        marks = ["(sent again)"] if row.get("resent_at") else []
        table.add_row(
            cell(short_time(row.get("received_at")), *marks),
            cell(row.get("source"), row.get("reason")),
            cut_cell(row.get("id"), row.get("error")),
        )
    print_table(table)


def _print_refused(refused: JsonObject) -> None:
    marks = [word for word in ("truncated", "redacted") if refused.get(word)]
    size = ", ".join([f"{refused.get('size')} bytes", *marks])
    print_fields(
        [
            ("id", refused.get("id")),
            ("received", refused.get("received_at")),
            ("source", refused.get("source")),
            ("reason", refused.get("reason")),
            ("error", refused.get("error")),
            ("API key", refused.get("api_key")),
            ("address", refused.get("address")),
            ("content type", refused.get("content_type")),
            ("size", size),
            ("sent again", refused.get("resent_at")),
            ("by", refused.get("resent_by")),
            ("batch", refused.get("batch")),
        ]
    )
    click.echo()
    for line in str(refused.get("body") or "").splitlines():
        click.echo(printable(line))


def _print_summary(rows: list[JsonObject]) -> None:
    table = new_table()
    table.add_column("Source", overflow="fold")
    table.add_column("Reason", overflow="fold")
    table.add_column("Refused", justify="right", no_wrap=True)
    table.add_column("Sent again", justify="right", no_wrap=True)
    table.add_column("Last (UTC)", no_wrap=True)
    for row in rows:
        table.add_row(
            *(cell(row.get(name)) for name in ("source", "reason", "count", "resent")),
            cell(short_time(row.get("last_seen"))),
        )
    print_table(table)


def _print_results(results: list[JsonObject], chosen: int, form: str) -> None:
    failed = [result for result in results if result.get("status") != 202]  # noqa: PLR2004 - an HTTP status
    accepted = len(results) - len(failed)
    if form == "json":
        print_json({"chosen": chosen, "accepted": accepted, "results": results})
        return
    if form == "csv":
        print_csv(results, RESULT_COLUMNS)
        return
    print_fields([("chosen", chosen), ("accepted", accepted), ("not accepted", len(failed))])
    if not failed:
        return
    table = new_table()
    table.add_column("ID", no_wrap=True)
    more = f" (the first {SHOWN_FAILURES})" if len(failed) > SHOWN_FAILURES else ""
    table.add_column(f"Why not{more}", overflow="fold")
    for result in failed[:SHOWN_FAILURES]:
        table.add_row(cell(result.get("id")), cell(result.get("detail")))
    click.echo()
    print_table(table)
