"""`muttctl teams`: which team a host belongs to."""

from typing import Any, BinaryIO

import click

from mutt_project.muttctl.changes import print_bulk
from mutt_project.muttctl.client import JsonObject, connect
from mutt_project.muttctl.completing import complete_teams
from mutt_project.muttctl.host_lists import all_entries, import_csv, import_options, remove
from mutt_project.muttctl.output import (
    cell,
    examples,
    new_table,
    output_option,
    print_rows,
    print_table,
    printable,
)
from mutt_project.muttctl.parameters import reason_option, yes_option

PATH = "/api/v1/teams"
COLUMNS = ("hostname", "team")


@click.group(
    "teams",
    epilog=examples(
        "muttctl teams list --team CORE",
        "muttctl teams set core-router-01 CORE",
        "muttctl teams import teams.csv --dry-run",
    ),
)
def teams() -> None:
    """The teams of hosts: they get the events that no rule matches."""


@teams.command(
    "list",
    epilog=examples(
        "muttctl teams list",
        "muttctl teams list --team CORE --search router",
        "muttctl teams list -o csv > teams.csv",
    ),
)
@click.option("--search", metavar="TEXT", help="Only hosts with this text in their names.")
@click.option("--team", metavar="NAME", help="Only hosts of this team.")
@output_option
def list_teams(search: str | None, team: str | None, form: str) -> None:
    """List hosts and their teams. `muttctl teams import` takes what -o csv prints."""
    found = all_entries(PATH, {"search": search, "team": team})
    print_rows(found, form, COLUMNS, _print_table, nothing="No teams found.")


@teams.command("set", epilog=examples('muttctl teams set core-router-01 CORE --reason "CHG-1234"'))
@click.argument("hostname", metavar="HOST", shell_complete=complete_teams)
@click.argument("team")
@reason_option()
@output_option
def set_team(hostname: str, team: str, reason: str | None, form: str) -> None:
    """Give a host a team, or another team than it has."""
    answer = connect().post(f"{PATH}/bulk", {"entries": [{"hostname": hostname, "team": team}]}, reason=reason)
    word = "now belongs to" if answer.get("changes") else "already belongs to"
    print_bulk(answer, form, f"{printable(hostname)} {word} {printable(team)}.")


@teams.command("remove", epilog=examples('muttctl teams remove core-router-01 --yes --reason "It was taken down"'))
@click.argument("hostname", metavar="HOST", shell_complete=complete_teams)
@yes_option
@reason_option()
@output_option
def remove_team(hostname: str, *, yes: bool, reason: str | None, form: str) -> None:
    """Take a host's team away. The exit status is 4 when it has none, 1 when the answer is no."""
    remove(PATH, hostname, f"Take the team of 1 host, {printable(hostname)}, away?", yes=yes, reason=reason, form=form)


@teams.command(
    "import",
    epilog=examples(
        "muttctl teams import teams.csv --dry-run",
        'muttctl teams import teams.csv --reason "CHG-1234"',
        "muttctl teams import teams.csv --delete-others --yes",
    ),
)
@click.argument("file", type=click.File("rb"))
@import_options
@reason_option()
@output_option
def import_teams(file: BinaryIO, **options: Any) -> None:
    """Set the teams of the hosts of a CSV file (- is standard input), all of them or none.

    The first line names the columns: hostname,team. Commas, semicolons and tabs are taken. Hosts
    that are not in the file keep their teams, unless --delete-others is given.

    The exit status is 1 when rows are wrong, each of which is named with its line, or the answer is
    no; 4 when somebody has changed something before you agreed to a deletion.
    """
    import_csv(file, PATH, COLUMNS, (), options)


def _print_table(found: list[JsonObject]) -> None:
    table = new_table()
    table.add_column("Host", overflow="fold")
    table.add_column("Team", overflow="fold")
    for host in found:
        table.add_row(cell(host.get("hostname")), cell(host.get("team")))
    print_table(table)
