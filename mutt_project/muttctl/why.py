"""`muttctl events why` and `muttctl events why-not`: what became of an event, and why something is no alert."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import click
from rich.text import Text

from mutt_project.muttctl.client import JsonObject, connect
from mutt_project.muttctl.completing import complete_events
from mutt_project.muttctl.output import (
    cell,
    cut_cell,
    examples,
    extra_width,
    new_table,
    output_option,
    print_csv,
    print_json,
    print_table,
    printable,
    short_time,
)

WAY_COLUMNS = ("at", "stage", "text")
FOUND_COLUMNS = ("at", "verdict", "id", "hostname", "message", "text")


@click.command(
    "why",
    epilog=examples(
        "muttctl events why 01936f2c-8a3e-7c11-9f0e-5d2b8c1a4e77",
        "muttctl events why 01936f2c-8a3e-7c11-9f0e-5d2b8c1a4e77 -o json",
    ),
)
@click.argument("event_id", metavar="ID", type=click.UUID, shell_complete=complete_events)
@output_option
def why(event_id: UUID, form: str) -> None:
    """Tell what became of one event, and why.

    When it was received and from whom, what was normalised, which rules matched and why one of them won,
    each attempt to deliver it, and its end, or where it waits now and for what. -o json has everything, the
    original body included.
    """
    event = connect().get(f"/api/v1/events/{event_id}")
    if form == "json":
        print_json(event)
        return
    if form == "csv":
        steps = ({"at": at, "stage": stage, "text": " ".join(lines)} for at, stage, lines in _way(event))
        print_csv(steps, WAY_COLUMNS)
        return
    _headline(event)
    table = new_table()
    table.add_column("At (UTC)", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("What happened", overflow="fold")
    for at, stage, lines in _way(event):
        table.add_row(cell(short_time(at) if at else ""), cell(stage), cell(*lines))
    click.echo()
    print_table(table)
    decision = event.get("decision") or {}
    rules = [*decision.get("candidates", []), *decision.get("near_misses", [])]
    if rules:
        click.echo()
        print_table(_rules(rules))


@click.command(
    "why-not",
    epilog=examples(
        "muttctl events why-not core-router-01",
        'muttctl events why-not "changed state to down" --days 1',
        "muttctl events why-not 01936f2c-8a3e-7c11-9f0e-5d2b8c1a4e77",
    ),
)
@click.argument("text")
@click.option("--days", type=click.FloatRange(0.01, 366), default=7, show_default=True, help="How far back to look.")
@output_option
def why_not(text: str, days: float, form: str) -> None:
    """Tell why TEXT never became an alert.

    TEXT is the id of an event, a batch or a refused event; a host, an address, or a piece of a message. The
    verdict is one of never_arrived, quarantined, in_flight, parked, unmatched, ignored, suppressed, dead and
    delivered.
    """
    answer = connect().get("/api/v1/events/why-not", {"q": text, "days": days})
    if form == "json":
        print_json(answer)
        return
    if form == "csv":
        print_csv(answer.get("found") or [], FOUND_COLUMNS)
        return
    _headline(answer)
    found = answer.get("found") or []
    if found:
        click.echo()
        print_table(_found(found))
    check = answer.get("check") or []
    if check:
        click.echo("\nWhat to look at next:")
        for line in check:
            print_table(cell(f"- {line}"))
    if answer.get("try_it"):
        click.echo(f"\nSend one such event yourself:\n{printable(answer['try_it'])}")
    click.echo()
    print_table(cell(f"Looked at: {'; '.join(map(str, answer.get('looked') or []))}."))


def _headline(answer: JsonObject) -> None:
    print_table(Text(printable(answer.get("verdict")), style="bold"))
    print_table(cell(answer.get("text")))


_Step = tuple[Any, str, list[str]]


def _way(event: JsonObject) -> Iterator[_Step]:
    """Each step: when, which, and what happened, in lines."""
    received = event.get("received") or {}
    source = f", source {received['source']}" if received.get("source") else ""
    request = f", request {received['correlation_id']}" if received.get("correlation_id") else ""
    sender = f"With key “{received.get('api_key')}” from {received.get('address')}{source}{request}."
    yield received.get("at"), "received", [sender, f"{event.get('hostname')}: {event.get('message')}"]
    validated = event.get("validated")
    if validated:
        yield None, "validated", list(_normalised(validated)) or ["Nothing had to be changed."]
    decision = event.get("decision")
    if decision:
        yield None, "decided", list(_decided(decision))
    for attempt in event.get("attempts") or []:
        result = attempt.get("reason") or "taken"
        text = (
            f"{attempt.get('number')}: {result}, HTTP {attempt.get('status') or '-'},"
            f" {attempt.get('latency_ms') or 0:.0f} ms, {attempt.get('events')} events. {attempt.get('excerpt') or ''}"
        )
        yield attempt.get("started_at"), "attempt", [text.strip()]
    yield from _end(event)


def _normalised(validated: JsonObject) -> Iterator[str]:
    for field in validated.get("fields") or []:
        if field.get("changed"):
            yield f"{field.get('field')}: {field.get('sent')} → {field.get('became')}"
    for note in validated.get("notes") or []:
        yield str(note.get("text"))


def _decided(decision: JsonObject) -> Iterator[str]:
    by = f"by rule set {decision.get('rule_set_version')}"
    if decision.get("rule_id") is None:
        yield f"No rule matched {by}."
    else:
        yield f"Rule {decision['rule_id']} “{decision.get('rule_name')}” won {by}: {decision.get('handling')}."
    for name in ("environment", "team"):
        why = decision.get(f"{name}_why")
        yield f"{name.capitalize()} {decision.get(name)}{f': {why}' if why else ''}"
    if decision.get("caveat"):
        yield str(decision["caveat"])


def _end(event: JsonObject) -> Iterator[_Step]:
    waiting, letter = event.get("waiting"), event.get("dead_letter")
    if waiting:
        next_try = f" Next try {short_time(waiting['next_try_at'])} UTC." if waiting.get("next_try_at") else ""
        yield waiting.get("since"), "waiting", [f"{waiting.get('text')}{next_try}"]
    else:
        yield event.get("outcome_at"), str(event.get("outcome")), [str(event.get("text"))]
    if letter:
        text = f"Dead letter {letter.get('id')} ({letter.get('reason')}) is {letter.get('state')}."
        yield letter.get("died_at"), "dead letter", [text]


def _rules(rules: list[JsonObject]) -> Any:
    table = new_table()
    table.add_column("Priority", justify="right")
    table.add_column("Rule", overflow="fold", max_width=24 + extra_width() // 2)
    table.add_column("Why", overflow="fold")
    for rule in rules:
        table.add_row(cell(rule.get("priority")), cell(rule.get("name")), cell(rule.get("why")))
    return table


def _found(found: list[JsonObject]) -> Any:
    table = new_table()
    table.add_column("At (UTC)", no_wrap=True)
    table.add_column("Verdict", no_wrap=True)
    table.add_column("ID, message and why")
    for one in found:
        head = f"{one['hostname']}: {one.get('message')}" if one.get("hostname") else one.get("message")
        table.add_row(
            cell(short_time(one.get("at"))),
            cell(one.get("verdict")),
            cut_cell(one.get("id"), head, one.get("text")),
        )
    return table
