"""What `muttctl hosts` and `muttctl teams` have in common: lists that are keyed by host name."""

from typing import Any, BinaryIO

import click

from mutt_project.muttctl.changes import BAD_REQUEST, Bulk, print_bulk, would_change
from mutt_project.muttctl.client import PAGE_SIZE, JsonObject, connect
from mutt_project.muttctl.csv_files import read_csv
from mutt_project.muttctl.errors import ApiRefusedError, MuttctlError
from mutt_project.muttctl.output import print_fields, print_record, printable
from mutt_project.muttctl.parameters import confirm, name_of, with_options


def all_entries(path: str, query: dict[str, Any]) -> list[JsonObject]:
    """The entries, in the order of host names."""
    found = connect().pages(path, {**query, "limit": PAGE_SIZE})
    return sorted(found, key=lambda entry: str(entry.get("hostname")).casefold())


def remove(path: str, hostname: str, question: str, *, yes: bool, reason: str | None, form: str) -> None:
    """Take a host off a list, in whatever way its name is written, if the answer to the question is yes."""
    confirm(question, yes=yes)
    try:
        answer = connect().post(f"{path}/bulk", {"entries": [], "delete": [hostname]}, reason=reason)
    except ApiRefusedError as refusal:
        if refusal.status == BAD_REQUEST and any(pointer.startswith("/delete") for pointer, _ in refusal.errors):
            message = f"“{printable(hostname)}” is not in this list."
            raise ApiRefusedError(message, refusal.status, refusal.reason) from None
        raise
    print_bulk(answer, form, f"{printable(_changed_name(answer) or hostname)} is no longer in this list.")


def import_csv(
    file: BinaryIO, path: str, columns: tuple[str, ...], optional: tuple[str, ...], options: dict[str, Any]
) -> None:
    """Plan what a file changes, ask where it deletes, do it, and print the counts."""
    client = connect()
    read = read_csv(file.read(), name_of(file), columns, optional)
    others_go, dry_run, form = options["delete_others"], options["dry_run"], options["form"]
    if others_go and not read.entries and not read.faults:
        raise MuttctlError(f"{printable(read.name)} names no hosts: --delete-others would leave none in the list.")
    bulk = Bulk(client, path, read, others_go=others_go)
    answer = bulk.plan()
    if not dry_run and would_change(answer):
        if answer.get("deleted"):
            confirm(f"Delete {answer['deleted']:,} that are not in the file?", yes=options["yes"], file=file)
        # Only what is deleted was agreed to on sight of the plan.
        version = answer.get("rule_set_version") if answer.get("deleted") else None
        answer = bulk.do(reason=options["reason"], version=version)
    _print_counts(answer, form, dry_run=dry_run)


def import_options(command: Any) -> Any:
    options = (
        click.option("--delete-others", is_flag=True, help="Delete all that is not in the file."),
        click.option("--yes", is_flag=True, help="Do not ask before deleting."),
        click.option("--dry-run", is_flag=True, help="Only say what would change."),
    )
    return with_options(command, options)


def _changed_name(answer: JsonObject) -> object:
    changes = answer.get("changes") or [{}]
    return changes[0].get("name")


def _print_counts(answer: JsonObject, form: str, *, dry_run: bool) -> None:
    names = ("created", "updated", "deleted", "unchanged")
    counts = {name: answer.get(name) or 0 for name in names}
    record = {"dry_run": dry_run, **counts}
    print_record(
        record, form, tuple(record), lambda: print_fields([(name, f"{count:,}") for name, count in counts.items()])
    )
    if dry_run and form == "table":
        click.echo("Nothing was changed: this was a dry run.", err=True)
