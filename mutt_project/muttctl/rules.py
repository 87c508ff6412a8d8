"""`muttctl rules`: the rules that decide what an event means."""

from typing import Any

import click

from mutt_project.muttctl.client import PAGE_SIZE, JsonObject, connect
from mutt_project.muttctl.completing import complete_rule_teams, complete_rules
from mutt_project.muttctl.output import examples, output_option, print_record, print_rows
from mutt_project.muttctl.parameters import confirm, reason_option, yes_option
from mutt_project.muttctl.rule_backtest import backtest
from mutt_project.muttctl.rule_fields import MATCH_TYPES, RULE_ID, field_options, given_fields, handling, severity
from mutt_project.muttctl.rule_file_commands import PATH, apply_rules, check_rules, export_rules, plan_rules
from mutt_project.muttctl.rule_output import COLUMNS, named, print_rule, print_rules, tell_warnings
from mutt_project.muttctl.rule_testing import try_rules

ORDERS = tuple(f"{sign}{name}" for name in ("priority", "name", "updated_at", "id") for sign in ("", "-"))

rule_argument = click.argument("rule_id", metavar="ID", type=RULE_ID, shell_complete=complete_rules)


@click.group(
    "rules",
    epilog=examples(
        "muttctl rules list --active",
        'muttctl rules create --match-string "CPU high" --priority 10 --prod-handling Ticket_only',
        'muttctl rules test --message "Interface Gi0/1, changed state to down"',
        "muttctl rules export rules.yaml",
        "muttctl rules plan rules.yaml",
        'muttctl rules apply rules.yaml --reason "CHG-1234"',
    ),
)
def rules() -> None:
    """The rules that decide what an event means, and for whom."""


@rules.command(
    "list",
    epilog=examples(
        "muttctl rules list",
        'muttctl rules list --active --search "interface down"',
        "muttctl rules list --team NETO --handling Page_only --order -updated_at",
        "muttctl rules list --inactive -o csv > switched-off.csv",
    ),
)
@click.option("--active/--inactive", "is_active", default=None, help="Only rules which are (not) in force.")
@click.option("--search", metavar="TEXT", help="Only rules with this text.")
@click.option("--match-type", type=click.Choice(MATCH_TYPES), help="Only rules that compare like this.")
@click.option("--team", metavar="NAME", help="Only rules for this team.", shell_complete=complete_rule_teams)
@handling("--handling", text="Only rules that do this, in production or development.")
@severity("--severity", text="Only rules for this severity.")
@click.option(
    "--order",
    type=click.Choice(ORDERS),
    metavar="FIELD",
    help="By priority, name, updated_at or id; with - in front the last comes first.  [default: as matching goes]",
)
@output_option
def list_rules(*, is_active: bool | None, order: str | None, form: str, **filters: str | None) -> None:
    """List the rules, the one that is asked first at the top."""
    wanted = None if is_active is None else str(is_active).lower()
    query = {**filters, "is_active": wanted, "ordering": order, "limit": PAGE_SIZE}
    found = list(connect().pages(PATH, query))
    if order is None:
        found.sort(key=_order)
    print_rows(found, form, COLUMNS, print_rules, nothing="No rules found.")


@rules.command(
    "show",
    epilog=examples(
        "muttctl rules show 7",
        "muttctl rules show 7 -o json",
    ),
)
@rule_argument
@output_option
def show_rule(rule_id: int, form: str) -> None:
    """Show one rule with all its fields, and what may be wrong with it."""
    print_rule(connect().get(f"{PATH}/{rule_id}"), form)


@rules.command(
    "create",
    epilog=examples(
        'muttctl rules create --match-string "CPU high" --priority 10 --prod-handling Ticket_only',
        'muttctl rules create --match-type regex --match-string "LINK-[0-9]-UPDOWN" --severity Error'
        ' --prod-handling Page_and_ticket --team CORE --name "Link down" --reason CHG-1234',
        "muttctl rules create --trap-oid 1.3.6.1.6.3.1.1.5.3 --prod-handling Page_only --inactive",
    ),
)
@field_options
@reason_option()
@output_option
def create_rule(reason: str | None, form: str, **fields: Any) -> None:
    """Make a rule. An event must fulfil all conditions that are given: text, OID, severity.

    What may be wrong with the new rule is said on standard error, for instance that it can never win.
    """
    print_rule(connect().post(PATH, given_fields(fields), reason=reason), form)


@rules.command(
    "update",
    epilog=examples(
        'muttctl rules update 7 --priority 5 --reason "CHG-1234"',
        "muttctl rules update 7 --prod-handling Page_only --team CORE",
    ),
)
@rule_argument
@field_options
@reason_option()
@output_option
def update_rule(rule_id: int, reason: str | None, form: str, **fields: Any) -> None:
    """Change the fields of a rule that are given; the others stay as they are."""
    given = {name: value for name, value in fields.items() if value is not None}
    if not given:
        raise click.UsageError("Say what is to change, such as --priority 5.")
    print_rule(connect().patch(f"{PATH}/{rule_id}", given, reason=reason), form)


@rules.command("enable", epilog=examples('muttctl rules enable 7 --reason "The maintenance is over"'))
@rule_argument
@reason_option()
@output_option
def enable_rule(rule_id: int, reason: str | None, form: str) -> None:
    """Put a rule into force."""
    _switch(rule_id, reason, form, to=True)


@rules.command("disable", epilog=examples('muttctl rules disable 7 --reason "Too many pages, CHG-1234"'))
@rule_argument
@reason_option()
@output_option
def disable_rule(rule_id: int, reason: str | None, form: str) -> None:
    """Put a rule out of force, without deleting it."""
    _switch(rule_id, reason, form, to=False)


@rules.command(
    "delete",
    epilog=examples(
        "muttctl rules delete 7",
        'muttctl rules delete 7 --yes --reason "Replaced by rule 12"',
    ),
)
@rule_argument
@yes_option
@reason_option()
@output_option
def delete_rule(rule_id: int, *, yes: bool, reason: str | None, form: str) -> None:
    """Delete a rule for good. It is shown first; -o json prints what it was.

    The exit status is 1 when the answer is no.
    """
    client = connect()
    rule = client.get(f"{PATH}/{rule_id}")
    if not yes:
        print_rule(rule, err=True)
    confirm("Delete this 1 rule?", yes=yes)
    client.delete(f"{PATH}/{rule_id}", reason=reason)
    print_record(rule, form, COLUMNS, lambda: click.echo(f"{named(rule)} is deleted."))


for command in (try_rules, backtest, export_rules, check_rules, plan_rules, apply_rules):
    rules.add_command(command)


def _switch(rule_id: int, reason: str | None, form: str, *, to: bool) -> None:
    rule = connect().patch(f"{PATH}/{rule_id}", {"is_active": to}, reason=reason)
    state = "in force" if rule.get("is_active") else "out of force"
    print_record(rule, form, COLUMNS, lambda: click.echo(f"{named(rule)} is {state}."))
    tell_warnings(rule)


def _order(rule: JsonObject) -> tuple[float, float]:
    """As the matching goes: the lowest priority number wins, then the lowest id."""
    priority, rule_id = rule.get("priority"), rule.get("id")
    return (
        priority if isinstance(priority, int) else float("inf"),
        rule_id if isinstance(rule_id, int) else float("inf"),
    )
