"""`muttctl ledger`: whether every accepted event is accounted for."""

import click

from mutt_project.muttctl.client import JsonObject, connect
from mutt_project.muttctl.output import (
    cell,
    examples,
    new_table,
    output_option,
    print_csv,
    print_json,
    print_table,
    printable,
    short_time,
)

OUTCOMES = ("delivered", "ignored", "unmatched", "suppressed", "dead", "lost", "pending")
COLUMNS = ("accepted", *OUTCOMES, "rejected", "balanced")


@click.command(
    "ledger",
    epilog=examples(
        "muttctl ledger",
        "muttctl ledger -o json",
    ),
)
@output_option
def ledger(form: str) -> None:
    """Show the equation: accepted = delivered + ignored + unmatched + suppressed + dead + lost + pending.

    Lost is what a person has booked as that after a disaster (manage.py reconcile).
    The exit status is 1 when it does not balance.
    """
    counts = connect().get("/api/v1/ledger")
    balanced = counts.get("balanced") is True
    if form == "json":
        print_json(counts)
    elif form == "csv":
        print_csv([counts], COLUMNS)
    else:
        table = new_table()
        table.add_column("Events", no_wrap=True)
        table.add_column("Count", justify="right", no_wrap=True)
        table.add_row("accepted", cell(counts.get("accepted")), end_section=True)
        for number, outcome in enumerate(OUTCOMES):
            table.add_row(f"{'+' if number else '='} {outcome}", cell(counts.get(outcome)))
        table.add_section()
        table.add_row("rejected", cell(counts.get("rejected")))
        table.add_row("balanced", cell(balanced))
        print_table(table)
    if not balanced:
        click.echo(_complaint(counts), err=True)
        click.get_current_context().exit(1)


def _complaint(counts: JsonObject) -> str:
    """What is wrong, and the batches that are involved."""
    off = int(counts.get("imbalance") or 0)
    what = "accepted events have no record" if off > 0 else "records are of events that were never accepted"
    lines = [f"The ledger does not balance: {abs(off):,} {what}."]
    lines += [
        f"  batch {printable(one.get('batch'))}, received {short_time(one.get('received_at'))}:"
        f" {one.get('expected')} events were accepted after batch {printable(one.get('before'))},"
        f" {one.get('found')} are recorded"
        for one in counts.get("suspects") or []
    ]
    if len(lines) == 1:
        lines.append(f"  No batch was found to be involved since {short_time(counts.get('looked_back_to'))} UTC.")
    return "\n".join(lines)
