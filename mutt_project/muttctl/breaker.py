"""`muttctl breaker`: whether Moogsoft is asked, and what a person wants of that."""

import click

from mutt_project.muttctl.client import JsonObject, connect
from mutt_project.muttctl.output import (
    cell,
    examples,
    new_table,
    output_option,
    print_fields,
    print_record,
    print_table,
    short_time,
)
from mutt_project.muttctl.parameters import DurationParameter, reason_option

PATH = "/api/v1/breaker"
COLUMNS = (
    *("state", "since", "reason", "next_try_at", "forced", "paused", "failures", "failures_to_open", "window_s"),
    *("last_success_at", "rate_limit", "parked_batches", "waiting_for_order"),
)
SHOWN_TRANSITIONS = 8


why_option = reason_option(required=True)
for_option = click.option(
    "--for",
    "for_s",
    metavar="SPAN",
    type=DurationParameter(),
    default="1h",
    show_default=True,
    help="After so long it is automatic again, such as 30m or 2h; a week at most.",
)


@click.group(
    "breaker",
    epilog=examples(
        "muttctl breaker show",
        'muttctl breaker open --reason "CHG-1234: Moogsoft is upgraded" --for 2h',
        'muttctl breaker resume --reason "The key was mended in Moogsoft"',
    ),
)
def breaker() -> None:
    """Whether Moogsoft is asked: by itself after failures, or as somebody wants it."""


@breaker.command("show", epilog=examples("muttctl breaker show", "muttctl breaker show -o json"))
@output_option
def show(form: str) -> None:
    """Show the breaker, the rate limit, and what waits for them.

    The exit status is 1 when nothing is sent: open, forced open or paused.
    """
    shown = connect().get(PATH)
    _print(shown, form)
    forced, paused = shown.get("forced") or {}, shown.get("paused") or {}
    sends = forced.get("state") == "closed" or (shown.get("state") != "open" and not forced)
    if not sends or paused.get("for_this_key"):
        click.get_current_context().exit(1)


# What it was called first; programs that ask for it go on working.
breaker.add_command(
    click.Command(
        "status",
        callback=show.callback,
        params=show.params,
        help="The same as muttctl breaker show.",
        epilog=examples("muttctl breaker status"),
    )
)


@breaker.command("open", epilog=examples('muttctl breaker open --reason "CHG-1234: Moogsoft is upgraded" --for 2h'))
@why_option
@for_option
@output_option
def force_open(reason: str, for_s: int, form: str) -> None:
    """Send nothing for a while. What comes in is accepted and waits."""
    _print(connect().put(PATH, {"state": "open", "reason": reason, "for_s": for_s}), form)


@breaker.command("close", epilog=examples('muttctl breaker close --reason "It is back, I tried" --for 10m'))
@why_option
@for_option
@output_option
def force_closed(reason: str, for_s: int, form: str) -> None:
    """Send, whatever fails, for a while."""
    _print(connect().put(PATH, {"state": "closed", "reason": reason, "for_s": for_s}), form)


@breaker.command("auto", epilog=examples('muttctl breaker auto --reason "The upgrade is done"'))
@why_option
@output_option
def automatic(reason: str, form: str) -> None:
    """Leave it to the failures again. An open breaker is tried at once."""
    _print(connect().put(PATH, {"state": "automatic", "reason": reason}), form)


@breaker.command("resume", epilog=examples('muttctl breaker resume --reason "The key was mended in Moogsoft"'))
@why_option
@output_option
def resume(reason: str, form: str) -> None:
    """Send again after Moogsoft had refused the key (401, 403)."""
    _print(connect().post(f"{PATH}/resume", {"reason": reason}), form)


def _print(shown: JsonObject, form: str) -> None:
    print_record(shown, form, COLUMNS, lambda: _print_fields(shown))


def _print_fields(shown: JsonObject) -> None:
    rate = shown.get("rate_limit") or {}
    print_fields(
        [
            ("state", _state(shown)),
            ("because", shown.get("reason")),
            ("next try", short_time(shown.get("next_try_at")) if shown.get("next_try_at") else None),
            ("paused", _paused(shown.get("paused"))),
            (
                "failures",
                f"{shown.get('failures')} of {shown.get('failures_to_open')} within {shown.get('window_s')} s",
            ),
            ("last taken", short_time(shown.get("last_success_at")) if shown.get("last_success_at") else None),
            ("requests", f"{rate.get('used')} of {rate.get('requests')} within {rate.get('window_s')} s"),
            ("held until", short_time(rate.get("held_until")) if rate.get("held_until") else None),
            ("parked batches", shown.get("parked_batches")),
            ("in line", shown.get("waiting_for_order")),
        ]
    )
    transitions = (shown.get("transitions") or [])[:SHOWN_TRANSITIONS]
    if not transitions:
        return
    table = new_table()
    table.add_column("At (UTC)", no_wrap=True)
    table.add_column("Became", no_wrap=True)
    table.add_column("Why", overflow="fold")
    for one in transitions:
        by = f" ({one.get('by')})" if one.get("by") else ""
        table.add_row(cell(short_time(one.get("at"))), cell(one.get("became")), cell(f"{one.get('reason')}{by}"))
    click.echo()
    print_table(table)


def _state(shown: JsonObject) -> str:
    forced = shown.get("forced")
    if not forced:
        return f"{shown.get('state')} since {short_time(shown.get('since'))}" if shown.get("since") else "closed"
    until = short_time(forced.get("until"))
    return f"forced {forced.get('state')} until {until} by {forced.get('by')}: {forced.get('reason')}"


def _paused(paused: JsonObject | None) -> str | None:
    if not paused:
        return None
    about = "" if paused.get("for_this_key") else " (of a key that is not used any more)"
    return f"since {short_time(paused.get('since'))}{about}: {paused.get('reason')}"
