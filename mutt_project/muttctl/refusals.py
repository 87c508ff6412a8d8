"""`muttctl refusals`: who was refused at the door, and why."""

import click

from mutt_project.muttctl.client import JsonObject, connect
from mutt_project.muttctl.output import (
    cell,
    examples,
    extra_width,
    new_table,
    output_option,
    print_rows,
    print_table,
    short_time,
)
from mutt_project.muttctl.parameters import TimeParameter

COLUMNS = ("why", "api_key", "address", "requests", "last_at")


@click.command(
    "refusals",
    epilog=examples(
        "muttctl refusals",
        "muttctl refusals --since -1d --why revoked_key",
        "muttctl refusals --address 192.0.2.7 -o json",
    ),
)
@click.option("--since", type=TimeParameter(), default="-1h", show_default=True, help="Refused at or after.")
@click.option("--why", metavar="WORD", help="Only for this reason, e.g. revoked_key or key_rate.")
@click.option("--api-key", metavar="NAME", help="Only with the API key of this name.")
@click.option("--address", metavar="ADDRESS", help="Only from this address.")
@output_option
def refusals(form: str, **filters: str | None) -> None:
    """Show the requests that were refused as a whole: why, with which key, from where, how many, and when last.

    They are counted by the hour. Single events that were refused are in `muttctl quarantine`.
    """
    found = connect().get("/api/v1/refusals", filters)
    print_rows(found["results"], form, COLUMNS, _print_list, nothing="No request was refused.", as_json=found)
    if found["more"]:
        click.echo("There are more: --since, --why, --api-key and --address narrow it down.", err=True)


def _print_list(rows: list[JsonObject]) -> None:
    table = new_table()
    table.add_column("Why", no_wrap=True)
    table.add_column("API key", overflow="fold", max_width=20 + extra_width() // 2)
    table.add_column("Address", overflow="fold")
    table.add_column("Requests", justify="right", no_wrap=True)
    table.add_column("Last UTC", no_wrap=True)
    for row in rows:
        table.add_row(
            cell(row.get("why")),
            cell(row.get("api_key")),
            cell(row.get("address")),
            cell(row.get("requests")),
            cell(short_time(row.get("last_at"))),
        )
    print_table(table)
