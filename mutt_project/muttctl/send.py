"""`muttctl send`: events from a file to the webhook, in batches."""

import os
import socket
import stat
from datetime import UTC, datetime
from typing import BinaryIO

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from mutt_project.muttctl.client import TRIES, Client, connect
from mutt_project.muttctl.delivery import SHOWN_REASONS, Tally, batches, send_batch
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
)
from mutt_project.muttctl.sources import Source, open_source


@click.command(
    "send",
    epilog=examples(
        "muttctl send events.ndjson",
        "muttctl send /var/log/syslog --hostname core-router-01",
        "journalctl -o short-iso -n 1000 | muttctl send - --batch-size 500",
        "muttctl send events.json -o json",
    ),
)
@click.argument("file", type=click.File("rb"))
@click.option(
    "--batch-size",
    type=click.IntRange(1, 1000),
    default=100,
    show_default=True,
    help="Events in one request.",
)
@click.option(
    "--hostname",
    metavar="NAME",
    help="Host of syslog lines that name none.  [default: this machine's name]",
)
@output_option
def send(file: BinaryIO, batch_size: int, hostname: str | None, form: str) -> None:
    """Send the events of FILE (- is standard input) to MUTT.

    FILE is a JSON object or array, NDJSON, or plain syslog lines; the bytes say which. In NDJSON a
    line that is not valid JSON is sent as it is, for MUTT to say what is wrong with it.

    While MUTT is busy (503) a batch is sent again, up to 5 tries. The exit status is 1 when an
    event was rejected.
    """
    client = connect()
    source = open_source(file, hostname or socket.gethostname(), lambda: datetime.now(UTC))
    tally = Tally()
    try:
        _send_all(client, source, batch_size, tally, _size_of(file))
    except MuttctlError:
        if tally.sent:
            click.echo(
                f"Stopped after {source.unit} {tally.answered_to}: what follows was not sent, or its answer was lost.",
                err=True,
            )
        raise
    finally:
        # Also after Ctrl-C: what was accepted until then is in MUTT's hands.
        if tally.sent or form != "table":
            _print_summary(tally, source, form)
    if not tally.sent:
        click.echo("There are no events in it.", err=True)
    if tally.accepted != tally.sent:
        click.get_current_context().exit(1)


def _send_all(client: Client, source: Source, batch_size: int, tally: Tally, size: int | None) -> None:
    console = Console(stderr=True, highlight=False, markup=False)

    def tell_wait(seconds: float, attempt: int) -> None:
        console.print(f"MUTT is busy; trying again in {seconds:.0f} s (try {attempt} of {TRIES})")

    progress = Progress(
        TextColumn("Sending"),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[events]} events"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
    with progress:
        bar = progress.add_task("send", total=size, events=0)
        for batch in batches(source.records, batch_size):
            send_batch(client, batch, tally, tell_wait)
            progress.update(bar, advance=sum(record.size for record in batch), events=tally.sent)


def _size_of(file: BinaryIO) -> int | None:
    """Bytes of a regular file; a pipe does not know how much is to come."""
    try:
        status = os.fstat(file.fileno())
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _print_summary(tally: Tally, source: Source, form: str) -> None:
    counts = {"format": source.form, "sent": tally.sent, "accepted": tally.accepted, "rejected": tally.rejected}
    if form == "csv":
        print_csv([counts], tuple(counts))
        return
    if form == "json":
        reasons = [{source.unit: position, "reason": reason} for position, reason in tally.reasons]
        print_json({**counts, "reasons": reasons})
        return
    print_fields([("sent", tally.sent), ("accepted", tally.accepted), ("rejected", tally.rejected)])
    if not tally.reasons:
        return
    table = new_table()
    table.add_column(source.unit.capitalize(), justify="right", no_wrap=True)
    more = f" (the first {SHOWN_REASONS})" if tally.rejected > len(tally.reasons) else ""
    table.add_column(f"Reason{more}", overflow="fold")
    for position, reason in tally.reasons:
        table.add_row(str(position), cell(reason))
    click.echo()
    print_table(table)
