"""`muttctl hosts`: the development hosts, whose events the rules handle in their own way."""

from typing import Any, BinaryIO

import click

from mutt_project.muttctl.client import JsonObject, connect
from mutt_project.muttctl.completing import complete_hosts
from mutt_project.muttctl.errors import ApiRefusedError
from mutt_project.muttctl.host_lists import all_entries, import_csv, import_options, remove
from mutt_project.muttctl.output import (
    cell,
    examples,
    new_table,
    output_option,
    print_record,
    print_rows,
    print_table,
    printable,
)
from mutt_project.muttctl.parameters import reason_option, yes_option

PATH = "/api/v1/dev-hosts"
COLUMNS = ("hostname", "description")
NOT_FOUND = 404


@click.group(
    "hosts",
    epilog=examples(
        'muttctl hosts list --search "lab"',
        'muttctl hosts add dev-switch-01 --description "Lab device"',
        "muttctl hosts import hosts.csv --dry-run",
    ),
)
def hosts() -> None:
    """The development hosts: their events are handled as the rules say for development."""


@hosts.command(
    "list",
    epilog=examples(
        "muttctl hosts list",
        "muttctl hosts list --search lab",
        "muttctl hosts list -o csv > hosts.csv",
    ),
)
@click.option("--search", metavar="TEXT", help="Only hosts with this text in name or description.")
@output_option
def list_hosts(search: str | None, form: str) -> None:
    """List the development hosts. `muttctl hosts import` takes what -o csv prints."""
    found = all_entries(PATH, {"search": search})
    print_rows(found, form, COLUMNS, _print_table, nothing="No development hosts found.")


@hosts.command(
    "add",
    epilog=examples(
        'muttctl hosts add dev-switch-01 --description "Lab device"',
        'muttctl hosts add 192.0.2.7 --reason "CHG-1234"',
    ),
)
@click.argument("hostname", metavar="NAME")
@click.option("--description", metavar="TEXT", default="", help="What it is.")
@reason_option()
@output_option
def add_host(hostname: str, description: str, reason: str | None, form: str) -> None:
    """Add a development host, which must not be in the list yet (exit status 4)."""
    added = connect().post(PATH, {"hostname": hostname, "description": description}, reason=reason)
    print_record(added, form, ("id", *COLUMNS))


@hosts.command(
    "update",
    epilog=examples('muttctl hosts update dev-switch-01 --description "Lab device, rack 7"'),
)
@click.argument("hostname", metavar="NAME", shell_complete=complete_hosts)
@click.option("--description", metavar="TEXT", required=True, help="What it is.")
@reason_option()
@output_option
def update_host(hostname: str, description: str, reason: str | None, form: str) -> None:
    """Describe a development host anew. The exit status is 4 when it is not in the list."""
    client = connect()
    found = next((one for one in client.pages(PATH, {"search": hostname}) if _is_called(one, hostname)), None)
    if found is None:
        message = f"“{printable(hostname)}” is not in this list."
        raise ApiRefusedError(message, NOT_FOUND, message)
    changed = client.patch(f"{PATH}/{found.get('id')}", {"description": description}, reason=reason)
    print_record(changed, form, ("id", *COLUMNS))


@hosts.command("remove", epilog=examples('muttctl hosts remove dev-switch-01 --yes --reason "It is in production now"'))
@click.argument("hostname", metavar="NAME", shell_complete=complete_hosts)
@yes_option
@reason_option()
@output_option
def remove_host(hostname: str, *, yes: bool, reason: str | None, form: str) -> None:
    """Take a host off the list. The exit status is 4 when it is not there, 1 when the answer is no."""
    question = f"Take 1 host, {printable(hostname)}, off the development hosts?"
    remove(PATH, hostname, question, yes=yes, reason=reason, form=form)


@hosts.command(
    "import",
    epilog=examples(
        "muttctl hosts import hosts.csv --dry-run",
        'muttctl hosts import hosts.csv --reason "CHG-1234"',
        "muttctl hosts import hosts.csv --delete-others --yes",
    ),
)
@click.argument("file", type=click.File("rb"))
@import_options
@reason_option()
@output_option
def import_hosts(file: BinaryIO, **options: Any) -> None:
    """Add and change the hosts of a CSV file (- is standard input), all of them or none.

    The first line names the columns: hostname,description. Commas, semicolons and tabs are taken.
    Hosts that are not in the file are kept, unless --delete-others is given.

    The exit status is 1 when rows are wrong, each of which is named with its line, or the answer is
    no; 4 when somebody has changed something before you agreed to a deletion.
    """
    import_csv(file, PATH, COLUMNS, ("description",), options)


def _is_called(host: JsonObject, hostname: str) -> bool:
    return str(host.get("hostname")).casefold() == hostname.casefold()


def _print_table(found: list[JsonObject]) -> None:
    table = new_table()
    table.add_column("Host", overflow="fold")
    table.add_column("Description", overflow="fold")
    for host in found:
        table.add_row(cell(host.get("hostname")), cell(host.get("description")))
    print_table(table)
