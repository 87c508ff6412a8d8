"""`muttctl rules backtest`: what a draft would have changed about the events of the past."""

import time
from typing import Any, BinaryIO

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from mutt_project.muttctl.client import Client, JsonObject, connect
from mutt_project.muttctl.errors import MuttctlError
from mutt_project.muttctl.output import (
    cell,
    cut_cell,
    examples,
    extra_width,
    new_table,
    one_line,
    output_option,
    print_csv,
    print_fields,
    print_json,
    print_table,
    short_time,
)
from mutt_project.muttctl.rule_drafts import draft_from, draft_option, post_with
from mutt_project.muttctl.rule_fields import RULE_ID, field_options

COLUMNS = ("count", "from", "to")
PATH = "/api/v1/rules/backtests"
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 2.0


@click.command(
    "backtest",
    epilog=examples(
        "muttctl rules backtest --draft draft.yaml --events 10000",
        'muttctl rules backtest --match-string "CPU high" --priority 10 --prod-handling Ticket_only --days 7',
        "muttctl rules backtest --id 7 --inactive --days 1 -o json",
    ),
)
@draft_option
@click.option("--id", metavar="ID", type=RULE_ID, help="The draft stands in for this rule, with these fields changed.")
@field_options
@click.option("--events", type=click.IntRange(1, 10_000_000), help="Try the last so many events.  [default: 10000]")
@click.option("--days", type=click.FloatRange(0.001, 3660), help="Try the events of the last days.")
@output_option
def backtest(draft: BinaryIO | None, events: int | None, days: float | None, form: str, **fields: Any) -> None:
    """Say what a rule would change, by deciding past events with it and without it.

    The rule is a draft, from a file or from options as of `muttctl rules create`; nothing is saved.
    With an id, it is that rule with other fields. The exit status is 1 when the backtest fails.
    """
    described = any(value is not None for value in fields.values())
    if (draft is None) != described:
        raise click.UsageError("Describe the rule either by --draft FILE or by options such as --match-string or --id.")
    if events is not None and days is not None:
        raise click.UsageError("Give either --events or --days.")
    client = connect()
    span = {name: value for name, value in (("events", events), ("days", days)) if value is not None}
    started = post_with(client, PATH, span, draft_from(draft, fields))
    found = _finished(client, started)
    if form == "json":
        print_json(found)
    elif form == "csv":
        print_csv(found.get("transitions") or [], COLUMNS)
    elif found.get("status") == "done":
        _print_found(found)
    if found.get("status") != "done":
        problem = one_line(str(found.get("problem") or "no reason given"))
        raise MuttctlError(f"The backtest failed: {problem}")


def _finished(client: Client, found: JsonObject) -> JsonObject:
    """Ask until it runs no more; a bar on a terminal's stderr shows how far it is."""
    console = Console(stderr=True, highlight=False, markup=False)
    columns: tuple[Any, ...] = (TextColumn("Trying"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    wait = FIRST_WAIT_S
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        bar = progress.add_task("Trying", total=1.0)
        while found.get("status") == "running":
            time.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT_S)
            found = client.get(f"{PATH}/{found.get('id')}")
            progress.update(bar, completed=found.get("progress") or 0.0)
    return found


def _print_found(found: JsonObject) -> None:
    print_fields([(name.replace("_", " "), found.get(name)) for name in ("examined", "changed", "rule_set_version")])
    for transition in found.get("transitions") or []:
        click.echo()
        print_fields(
            [
                ("events", transition.get("count")),
                ("from", _outcome(transition.get("from") or {})),
                ("to", _outcome(transition.get("to") or {})),
            ]
        )
        _print_examples(transition.get("examples") or [])


def _outcome(decision: JsonObject) -> str:
    if decision.get("rule") is None:
        return f"{decision.get('outcome')}, team {decision.get('team')}"
    return (
        f"{decision.get('outcome')}: {decision.get('handling')}, team {decision.get('team')}, by “{decision['rule']}”"
    )


def _print_examples(listed: list[JsonObject]) -> None:
    table = new_table()
    table.add_column("For instance", no_wrap=True)
    table.add_column("Host", overflow="fold", max_width=20 + extra_width() // 2)
    table.add_column("ID and message")  # an ID takes 36 columns and must be whole, to be copied
    for event in listed:
        table.add_row(
            cell(short_time(event.get("received_at"))),
            cell(event.get("hostname")),
            cut_cell(event.get("id"), event.get("message")),
        )
    if table.row_count:
        print_table(table)
