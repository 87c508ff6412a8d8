"""`muttctl events`: what became of the events that MUTT accepted."""

from uuid import UUID

import click

from mutt_project.muttctl.client import JsonObject, connect
from mutt_project.muttctl.completing import complete_events
from mutt_project.muttctl.output import (
    cell,
    examples,
    new_table,
    output_option,
    print_csv,
    print_fields,
    print_json,
    print_table,
    short_time,
)
from mutt_project.muttctl.searching import COLUMNS, export_events, search_events
from mutt_project.muttctl.why import why, why_not


@click.group(
    "events",
    epilog=examples(
        "muttctl events search --hostname core-router-01 --since -1h",
        "muttctl events why 01936f2c-8a3e-7c11-9f0e-5d2b8c1a4e77",
        "muttctl events why-not core-router-01",
    ),
)
def events() -> None:
    """What became of the events that MUTT accepted."""


events.add_command(why)
events.add_command(why_not)


@events.command(
    "show",
    epilog=examples(
        "muttctl events show 01936f2c-8a3e-7c11-9f0e-5d2b8c1a4e77",
        "muttctl events show 01936f2c-8a3e-7c11-9f0e-5d2b8c1a4e77 -o json",
    ),
)
@click.argument("event_id", metavar="ID", type=click.UUID, shell_complete=complete_events)
@output_option
def show_event(event_id: UUID, form: str) -> None:
    """Show the fields of one event and, in short, what happened to it; `muttctl events why` says why.

    -o json has everything, the original event included; -o csv is one line with the columns of
    `muttctl events search`.
    """
    event = connect().get(f"/api/v1/events/{event_id}")
    if form == "json":
        print_json(event)
    elif form == "csv":
        print_csv([event], COLUMNS)
    else:
        _print_event(event)


def _print_event(event: JsonObject) -> None:
    rule = event.get("rule_name")
    if event.get("rule_id") is not None:
        rule = f"{rule} (rule {event['rule_id']} of rule set {event.get('rule_set_version')})"
    print_fields(
        [
            ("id", event.get("id")),
            ("batch", event.get("batch")),
            ("received", event.get("received_at")),
            ("event time", event.get("event_time")),
            ("host", event.get("hostname")),
            ("environment", event.get("environment")),
            ("source type", event.get("source_type")),
            ("severity", event.get("syslog_severity")),
            ("trap OID", event.get("trap_oid")),
            ("message", event.get("message")),
            ("rule", rule),
            ("handling", event.get("handling")),
            ("team", event.get("team")),
            ("outcome", event.get("outcome")),
            ("outcome at", event.get("outcome_at")),
            ("deduplication", event.get("deduplication_key")),
        ]
    )
    steps = event.get("steps")
    if not isinstance(steps, list) or not steps:
        return
    table = new_table()
    table.add_column("At (UTC)", no_wrap=True)
    table.add_column("Stage", no_wrap=True)
    table.add_column("What happened", overflow="fold")
    for step in steps:
        table.add_row(cell(short_time(step.get("at"))), cell(step.get("stage")), cell(step.get("text")))
    click.echo()
    print_table(table)


events.add_command(search_events, "search")
events.add_command(export_events, "export")
