"""`muttctl events`: what became of the events that MUTT accepted."""

import re
from datetime import datetime
from uuid import UUID

import click

from mutt_project.muttctl.client import PAGE_SIZE, JsonObject, connect
from mutt_project.muttctl.output import (
    cell,
    cut_cell,
    examples,
    extra_width,
    new_table,
    output_option,
    print_csv,
    print_fields,
    print_found,
    print_json,
    print_table,
    short_time,
)
from mutt_project.muttctl.why import why, why_not

OUTCOMES = ("delivered", "ignored", "unmatched", "suppressed", "dead", "pending")
COLUMNS = (
    "id",
    "batch",
    "received_at",
    "event_time",
    "hostname",
    "message",
    "syslog_severity",
    "trap_oid",
    "source_type",
    "environment",
    "rule_id",
    "rule_name",
    "rule_set_version",
    "handling",
    "team",
    "outcome",
    "outcome_at",
)


class TimeParameter(click.ParamType[str]):
    """An ISO 8601 time or a span back from now; the API reads it, here only its form is looked at."""

    name = "time"
    _span = re.compile(r"-[0-9]{1,6}[smhdw]")

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = value.strip()
        if self._span.fullmatch(text):
            return text
        try:
            datetime.fromisoformat(text)
        except ValueError:
            self.fail(
                f"{value!r} is no time. Use ISO 8601, such as 2026-11-23T08:00:00Z, "
                "or a span back from now, such as -30m, -1h or -2d.",
                param,
                ctx,
            )
        return text


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
@click.argument("event_id", metavar="ID", type=click.UUID)
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


@events.command(
    "search",
    epilog=examples(
        "muttctl events search --hostname core-router-01 --since -1h",
        "muttctl events search --outcome dead --since -2d --limit 500 -o csv",
        "muttctl events search --since 2026-11-23T08:00:00Z --until 2026-11-23T09:00:00Z",
    ),
)
@click.option("--hostname", metavar="NAME", help="Only events of this host.")
@click.option("--outcome", type=click.Choice(OUTCOMES), help="Only events with this outcome.")
@click.option("--since", type=TimeParameter(), help="Received at or after: ISO 8601, or like -1h, -30m, -2d.")
@click.option("--until", type=TimeParameter(), help="Received before: the same forms.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most so many events.")
@output_option
def search_events(limit: int, form: str, **filters: str | None) -> None:
    """Find events by host, outcome and time."""
    # One more than is shown tells whether there are more.
    query = {**filters, "limit": min(limit + 1, PAGE_SIZE)}
    print_found(connect().pages("/api/v1/events", query), limit, form, COLUMNS, _print_list, noun="events")


def _print_list(found: list[JsonObject]) -> None:
    table = new_table()
    table.add_column("Received UTC", no_wrap=True)
    table.add_column("Host", overflow="fold", max_width=14 + extra_width() // 2)
    table.add_column("Outcome", no_wrap=True)
    table.add_column("ID and message")  # an ID takes 36 columns and must be whole, to be copied
    for event in found:
        table.add_row(
            cell(short_time(event.get("received_at"))),
            cell(event.get("hostname")),
            cell(event.get("outcome")),
            cut_cell(event.get("id"), event.get("message")),
        )
    print_table(table)


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
