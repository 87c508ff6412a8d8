"""`muttctl slo`: how the objectives stand, and how fast their error budgets burn."""

import click

from mutt_project.muttctl.client import JsonObject, connect
from mutt_project.muttctl.output import cell, examples, new_table, output_option, print_csv, print_json, print_table

COLUMNS = (
    *("name", "measure", "target", "within_s", "window_days", "good", "total", "ratio"),
    *("allowed", "spent", "remaining", "burn_1h", "burn_6h", "burn_3d", "state"),
)
NOTHING = "-"


@click.command(
    "slo",
    epilog=examples(
        "muttctl slo",
        "muttctl slo --check",
        "muttctl slo -o json",
    ),
)
@click.option("--check", is_flag=True, help="Exit with 1 if a budget burns or is exhausted.")
@output_option
def slo(form: str, *, check: bool) -> None:
    """Show each objective: what was good, what is left of its error budget, and how fast that burns.

    A burn of 1 spends the budget exactly by the end of its window. "-" stands where nothing came.
    """
    found = connect().get("/api/v1/slo")
    rows: list[JsonObject] = found["results"]
    if form == "json":
        print_json(found)
    elif form == "csv":
        print_csv([_flat(row) for row in rows], COLUMNS)
    else:
        _print_table(rows)
    bad = [row["name"] for row in rows if row["state"] in {"burning", "exhausted"}]
    if check and bad:
        click.echo(f"Burning or exhausted: {', '.join(bad)}.", err=True)
        click.get_current_context().exit(1)


def _flat(row: JsonObject) -> JsonObject:
    burn = {f"burn_{one['window']}": one["rate"] for one in row["burn"]}
    return {**row, **(row["budget"] or {}), **burn}


def _print_table(rows: list[JsonObject]) -> None:
    table = new_table()
    table.add_column("Objective", overflow="fold")
    for name in ("Target", "Good", "Budget left", "1h", "6h", "3d"):
        table.add_column(name, justify="right", no_wrap=name != "Budget left")
    table.add_column("State", no_wrap=True)
    for row in rows:
        budget = row["budget"]
        table.add_row(
            cell(row["name"]),
            cell(_percent(row["target"])),
            cell(_percent(row["ratio"])),
            cell(_percent(budget and budget["remaining"], 0)),
            *(cell(_pace(one)) for one in row["burn"]),
            cell(row["state"] or NOTHING),
        )
    print_table(table)


def _percent(share: float | None, digits: int = 3) -> str:
    if share is None:
        return NOTHING
    text = f"{100 * share:.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def _pace(burn: JsonObject) -> str:
    """The rate, with a mark where it is too fast."""
    if burn["rate"] is None:
        return NOTHING
    return f"{burn['rate']:.1f}{'!' if burn['burning'] else ''}"
