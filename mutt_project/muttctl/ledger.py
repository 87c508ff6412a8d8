"""`muttctl ledger`: whether every accepted event is accounted for."""

import click

from mutt_project.muttctl.client import connect
from mutt_project.muttctl.output import (
    cell,
    examples,
    new_table,
    output_option,
    print_csv,
    print_json,
    print_table,
)

OUTCOMES = ("delivered", "ignored", "unmatched", "suppressed", "dead", "pending")
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
    """Show the equation: accepted = delivered + ignored + unmatched + suppressed + dead + pending.

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
        click.echo("The ledger does not balance: accepted events are not accounted for.", err=True)
        click.get_current_context().exit(1)
