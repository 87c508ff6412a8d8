"""`muttctl audit retain`, `restore` and `archives`: old months leave the database, and come back."""

import re
import time
from collections.abc import Collection
from typing import Any

import click
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from mutt_project.muttctl.client import Client, JsonObject, connect
from mutt_project.muttctl.completing import complete_months
from mutt_project.muttctl.errors import MuttctlError
from mutt_project.muttctl.output import (
    cell,
    examples,
    new_table,
    one_line,
    output_option,
    print_csv,
    print_fields,
    print_json,
    print_rows,
    print_table,
)
from mutt_project.muttctl.parameters import confirm, reason_option

PATH = "/api/v1/retention"
WORKING = ("writing", "checking", "dropping", "restoring")
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 2.0
COLUMNS = (
    *("month", "state", "progress", "problem", "records", "attempts", "dead_letters", "bytes", "path", "sha256"),
    *("requested_by", "reason", "started_at", "ended_at", "keep_until"),
)


MONTH_COLUMNS = ("month", "records", "bytes", "may_go", "why_not")


class MonthParameter(click.ParamType[str]):
    """A month such as 2025-01."""

    name = "month"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not re.fullmatch(r"[12][0-9]{3}-(0[1-9]|1[0-2])", value):
            self.fail(f"“{value}” is no month: write it as 2025-01.", param, ctx)
        return value


wait_option = click.option("--wait/--no-wait", default=True, show_default=True, help="Whether to wait for the end.")


@click.command(
    "retain",
    epilog=examples(
        "muttctl audit retain --dry-run",
        'muttctl audit retain --reason "CHG-1234: the disk is nearly full"',
        'muttctl audit retain --days 180 --yes --no-wait --reason "CHG-1234"',
    ),
)
@click.option("--days", type=click.IntRange(1, 36_600), help="Keep so many days after a month's end, this once.")
@click.option("--dry-run", is_flag=True, help="Only say which months would go, and why the others stay.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@reason_option()
@wait_option
@output_option
def retain(days: int | None, reason: str | None, form: str, *, dry_run: bool, yes: bool, wait: bool) -> None:
    """Archive the months that are old enough, and drop them from the database.

    MUTT does the same every night. Neither the month in use goes, nor one of which something is still
    to be done. The exit status is 1 where a month meets a problem.
    """
    if not dry_run and reason is None:
        raise click.UsageError("Say why: --reason TEXT.")
    client = connect()
    asked = {} if days is None else {"days": days}
    found = client.post(PATH, {**asked, "dry_run": True})
    going = [str(month.get("month")) for month in found.get("months") or [] if month.get("may_go")]
    if form == "table":
        _print_months(found.get("months") or [])
    if dry_run or not going:
        if form == "json":
            print_json(found)
        elif form == "csv":
            print_csv(found.get("months") or [], MONTH_COLUMNS)
        else:
            click.echo(f"These would go: {', '.join(going)}." if going else "No month may go.", err=True)
        return
    months = f"{len(going)} month{'s' if len(going) > 1 else ''}"
    confirm(f"Archive and drop {months}: {', '.join(going)}?", yes=yes)
    begun = client.post(PATH, {**asked, "reason": reason})
    _await_and_print(client, begun.get("begun") or [], form, wait=wait)


@click.command(
    "restore",
    epilog=examples('muttctl audit restore 2025-01 --reason "An auditor asks for it"'),
)
@click.argument("month", type=MonthParameter(), shell_complete=complete_months)
@reason_option(required=True)
@wait_option
@output_option
def restore(month: str, reason: str, form: str, *, wait: bool) -> None:
    """Bring an archived month back into the database.

    It stays for MUTT_RESTORED_DAYS. The exit status is 1 where its archive is not what was written.
    """
    client = connect()
    client.post(f"{PATH}/restore", {"month": month, "reason": reason})
    _await_and_print(client, [month], form, wait=wait)


@click.command("archives", epilog=examples("muttctl audit archives", "muttctl audit archives -o csv"))
@output_option
def archives(form: str) -> None:
    """List the months that have left the database, or have come back."""
    found = connect().get(PATH).get("archives") or []
    print_rows(found, form, COLUMNS, _print_archives, nothing="No month was archived yet.")


def _await_and_print(client: Client, months: Collection[str], form: str, *, wait: bool) -> None:
    found = _finished(client, months) if wait else _chosen(client, months)
    print_rows(found, form, COLUMNS, _print_archives, nothing="No month was begun.")
    problems = [f"{one.get('month')}: {one_line(str(one['problem']))}" for one in found if one.get("problem")]
    if problems:
        raise MuttctlError("\n".join(problems))


def _finished(client: Client, months: Collection[str]) -> list[JsonObject]:
    """Ask until none of these months is on its way; a bar on a terminal's stderr shows how far each is."""
    console = Console(stderr=True, highlight=False, markup=False)
    columns: tuple[Any, ...] = (
        TextColumn("{task.description}"),
        *(BarColumn(), TaskProgressColumn(), TimeElapsedColumn()),
    )
    pause = FIRST_WAIT_S
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        bars = {month: progress.add_task(month, total=1.0) for month in months}
        while True:
            found = _chosen(client, months)
            for one in found:
                about = f"{one.get('month')} {one.get('state')}"
                progress.update(bars[one["month"]], completed=one.get("progress") or 0.0, description=about)
            if not any(one.get("state") in WORKING and not one.get("problem") for one in found):
                return found
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_WAIT_S)


def _chosen(client: Client, months: Collection[str]) -> list[JsonObject]:
    return [one for one in client.get(PATH).get("archives") or [] if one.get("month") in months]


def _print_months(months: list[JsonObject]) -> None:
    table = new_table()
    table.add_column("Month", no_wrap=True)
    table.add_column("Records", justify="right", no_wrap=True)
    table.add_column("Disk", justify="right", no_wrap=True)
    table.add_column("Goes", no_wrap=True)
    table.add_column("Why not", overflow="fold")
    for month in months:
        records = month.get("records")
        table.add_row(
            cell(month.get("month")),
            cell("-" if records is None else f"{records:,}"),
            cell(decimal(month.get("bytes") or 0)),
            cell(bool(month.get("may_go"))),
            cell(month.get("why_not")),
        )
    print_table(table)


def _print_archives(found: list[JsonObject]) -> None:
    if len(found) == 1:
        _print_archive(found[0])
        return
    table = new_table()
    table.add_column("Month", no_wrap=True)
    table.add_column("State", no_wrap=True)
    table.add_column("Records", justify="right", no_wrap=True)
    table.add_column("Files", justify="right", no_wrap=True)
    table.add_column("By and why", overflow="fold")
    for one in found:
        why = one.get("problem") or one.get("reason")
        table.add_row(
            cell(one.get("month")),
            cell(one.get("state")),
            cell(f"{one.get('records') or 0:,}"),
            cell(decimal(one.get("bytes") or 0)),
            cell(one.get("requested_by"), why),
        )
    print_table(table)


def _print_archive(one: JsonObject) -> None:
    print_fields(
        [
            *((name.replace("_", " "), one.get(name)) for name in ("month", "state", "problem")),
            *((name.replace("_", " "), f"{one.get(name) or 0:,}") for name in ("records", "attempts", "dead_letters")),
            *((name, one.get(name)) for name in ("path", "bytes", "sha256")),
            ("by", one.get("requested_by")),
            ("because", one.get("reason")),
            ("ended", one.get("ended_at")),
            ("kept until", one.get("keep_until")),
        ]
    )
