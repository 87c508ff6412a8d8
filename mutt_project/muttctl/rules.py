"""`muttctl rules`: the rules that decide what an event means."""

import click

from mutt_project.muttctl.client import PAGE_SIZE, JsonObject, connect
from mutt_project.muttctl.output import (
    cell,
    examples,
    new_table,
    output_option,
    print_rows,
    print_table,
)

COLUMNS = (
    "id",
    "name",
    "description",
    "match_type",
    "match_string",
    "trap_oid",
    "syslog_severity",
    "priority",
    "prod_handling",
    "dev_handling",
    "team_assignment",
    "is_active",
)


@click.group(
    "rules",
    epilog=examples(
        "muttctl rules list --active",
    ),
)
def rules() -> None:
    """The rules that decide what an event means, and for whom."""


@rules.command(
    "list",
    epilog=examples(
        "muttctl rules list",
        'muttctl rules list --active --search "interface down"',
        "muttctl rules list --inactive -o csv > switched-off.csv",
    ),
)
@click.option("--active/--inactive", "is_active", default=None, help="Only rules which are (not) in force.")
@click.option("--search", metavar="TEXT", help="Only rules with this text.")
@output_option
def list_rules(*, is_active: bool | None, search: str | None, form: str) -> None:
    """List the rules, the one that is asked first at the top."""
    wanted = None if is_active is None else str(is_active).lower()
    query = {"search": search, "is_active": wanted, "limit": PAGE_SIZE}
    found = sorted(connect().pages("/api/v1/rules", query), key=_order)
    print_rows(found, form, COLUMNS, _print_table, nothing="No rules found.")


def _order(rule: JsonObject) -> tuple[float, float]:
    """As the matching goes: the lowest priority number wins, then the lowest id."""
    priority, rule_id = rule.get("priority"), rule.get("id")
    return (
        priority if isinstance(priority, int) else float("inf"),
        rule_id if isinstance(rule_id, int) else float("inf"),
    )


def _print_table(found: list[JsonObject]) -> None:
    table = new_table()
    table.add_column("ID", justify="right", no_wrap=True)
    table.add_column("Prio", justify="right", no_wrap=True)
    table.add_column("Name", overflow="fold")
    table.add_column("All of", overflow="fold")
    table.add_column("Handling", no_wrap=True)
    table.add_column("Team", overflow="fold")
    for rule in found:
        marks = [] if rule.get("is_active") else ["(inactive)"]
        table.add_row(
            cell(rule.get("id")),
            cell(rule.get("priority")),
            cell(rule.get("name"), *marks),
            cell(*_conditions(rule)),
            cell(f"prod {rule.get('prod_handling')}", f"dev  {rule.get('dev_handling')}"),
            cell(rule.get("team_assignment")),
        )
    print_table(table)


def _conditions(rule: JsonObject) -> list[str]:
    conditions = []
    if rule.get("match_string"):
        conditions.append(f"{rule.get('match_type')} {rule['match_string']}")
    if rule.get("trap_oid"):
        conditions.append(f"OID {rule['trap_oid']}")
    if rule.get("syslog_severity"):
        conditions.append(f"severity {rule['syslog_severity']}")
    return conditions
