"""`muttctl dlq`: events that were given up; look at them, replay them, let go of them."""

import re
import time
from collections.abc import Callable
from typing import Any

import click

from mutt_project.muttctl.bars import counting
from mutt_project.muttctl.client import PAGE_SIZE, Client, JsonObject, connect
from mutt_project.muttctl.completing import complete_letters, complete_replays
from mutt_project.muttctl.output import (
    cell,
    cut_cell,
    examples,
    new_table,
    output_option,
    print_fields,
    print_found,
    print_json,
    print_record,
    print_rows,
    print_table,
    printable,
    short_time,
)
from mutt_project.muttctl.parameters import ReasonParameter, TimeParameter, confirm, reason_option, with_options

PATH = "/api/v1/dead-letters"
REPLAYS = "/api/v1/replays"
COLUMNS = (
    *("id", "event", "batch", "stage", "reason", "detail", "attempts", "died_at", "state", "replays"),
    *("settled_at", "settled_by", "settled_why"),
)
SUMMARY_COLUMNS = ("stage", "reason", "state", "count", "oldest", "newest")
REPLAY_COLUMNS = (
    *("id", "status", "requested_by", "reason", "rate", "started_at", "ended_at", "total", "replayed", "skipped"),
)
BEGUN_COLUMNS = ("count", "id", "status", "rate", "replayed", "skipped")
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 2.0
_SHOWN_EXCERPT = 200

Command = Callable[..., Any]


def filter_options(command: Command) -> Command:
    """The options that say which dead letters are meant."""
    options = (
        click.option(
            "--service",
            type=click.Choice(["alerter", "moog"]),
            help="Who gave up: alerter (validating and matching) or moog (delivery).",
        ),
        click.option("--reason", metavar="WORD", help="Only of this reason, e.g. refused."),
        click.option("--hostname", metavar="NAME", help="Only of this host, as it was sent."),
        click.option("--since", type=TimeParameter(), help="Died at or after: ISO 8601, or like -1h, -30m, -2d."),
        click.option("--until", type=TimeParameter(), help="Died before: the same forms."),
    )
    return with_options(command, options)


def chosen_options(command: Command) -> Command:
    """The options that say to which something is done: by filter, by id, or to all."""
    options = (
        filter_options,
        click.option(
            "--id",
            "ids",
            metavar="ID",
            type=click.IntRange(1),
            multiple=True,
            help="This one; may be repeated.",
            shell_complete=complete_letters,
        ),
        click.option("--all", "everything", is_flag=True, help="All that wait."),
    )
    return with_options(command, options)


class LetterParameter(click.ParamType[str]):
    """The number of a dead letter, or the id of its event."""

    name = "id"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not re.fullmatch(r"[0-9]{1,18}|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}", value.strip()):
            self.fail(f"“{value}” is neither the number of a dead letter nor the id of an event.", param, ctx)
        return value.strip()


@click.group(
    "dlq",
    epilog=examples(
        "muttctl dlq inspect --service alerter --limit 10",
        "muttctl dlq replay --service moog --id 12345",
        "muttctl dlq replay --service moog --reason refused --dry-run",
    ),
)
def dlq() -> None:
    """The dead letters: events that were given up."""


@dlq.command(
    "inspect",
    epilog=examples(
        "muttctl dlq inspect --service alerter --limit 10",
        "muttctl dlq inspect --service moog --reason refused --since -1d",
        "muttctl dlq inspect --state waiting -o csv > dead.csv",
    ),
)
@filter_options
@click.option("--state", type=click.Choice(["waiting", "replayed", "discarded"]), help="Only in this state.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most so many.")
@output_option
def inspect(*, service: str | None, limit: int, form: str, **filters: str | None) -> None:
    """List dead letters, the newest first."""
    query = {**filters, "stage": service, "limit": min(limit + 1, PAGE_SIZE)}
    print_found(connect().pages(PATH, query), limit, form, COLUMNS, _print_list, noun="dead letters")


@dlq.command("show", epilog=examples("muttctl dlq show 12345", "muttctl dlq show 12345 -o json"))
@click.argument("letter", metavar="ID", type=LetterParameter(), shell_complete=complete_letters)
@output_option
def show(letter: str, form: str) -> None:
    """Show one dead letter with its payload and all attempts. ID is its number, or the id of its event."""
    found = connect().get(f"{PATH}/{letter}")
    print_record(found, form, COLUMNS, lambda: _print_letter(found))


@dlq.command("summary", epilog=examples("muttctl dlq summary", "muttctl dlq summary -o json"))
@output_option
def summary(form: str) -> None:
    """Count dead letters by service, reason and state."""
    counts = connect().get(f"{PATH}/summary")
    rows: list[JsonObject] = counts.get("results") or []
    print_rows(rows, form, SUMMARY_COLUMNS, _print_summary, nothing="There are no dead letters.", as_json=counts)


@dlq.command(
    "replay",
    epilog=examples(
        "muttctl dlq replay --service moog --id 12345",
        "muttctl dlq replay --service moog --reason refused --since -1d --dry-run",
        "muttctl dlq replay --all --rate 20 --yes --wait",
    ),
)
@chosen_options
@click.option("--rate", type=click.FloatRange(0.1, 5000), help="Events a second; by default as MUTT is set.")
@click.option("--why", metavar="TEXT", type=ReasonParameter(), help="Kept with the dead letters.")
@click.option("--dry-run", is_flag=True, help="Only count.")
@click.option("--yes", is_flag=True, help="Do not ask before many are replayed.")
@click.option("--wait/--no-wait", default=False, show_default=True, help="Whether to wait for the end.")
@output_option
def replay(  # noqa: PLR0913 - one a word of the command line
    *,
    ids: tuple[int, ...],
    everything: bool,
    rate: float | None,
    why: str | None,
    dry_run: bool,
    yes: bool,
    wait: bool,
    form: str,
    **filters: str | None,
) -> None:
    """Send dead letters through the whole pipeline again, as the same events.

    It goes on in the background: `muttctl dlq replays` shows how far it is, `muttctl dlq stop` ends it.
    With --wait a bar shows how far it is, and the exit status is 1 when it was stopped.
    """
    client = connect()
    wanted = _wanted(ids, filters, everything=everything)
    count = client.post(f"{PATH}/replay", {"filter": wanted, "dry_run": True})["count"]
    if dry_run or not count:
        _print_count(count, form, "would be replayed")
        return
    if count > 1:
        confirm(f"Replay {count:,} dead letters?", yes=yes)
    asked: JsonObject = {"filter": wanted, "reason": why or ""} | ({"rate": rate} if rate else {})
    begun = client.post(f"{PATH}/replay", asked)
    running: JsonObject = begun.get("replay") or {}
    if wait and running:
        running = _finished(client, running)
        begun = {**begun, "replay": running}
    if form == "json":
        print_json(begun)
    else:
        print_record({**running, "count": begun.get("count")}, form, BEGUN_COLUMNS)
    if running.get("status") in {"stopped", "failed"}:
        click.get_current_context().exit(1)


@dlq.command(
    "discard",
    epilog=examples(
        'muttctl dlq discard --id 12345 --yes --why "A test of the vendor"',
        'muttctl dlq discard --hostname lab-switch-01 --why "Lab" --dry-run',
    ),
)
@chosen_options
@click.option("--why", metavar="TEXT", type=ReasonParameter(), required=True, help="Kept with the dead letters.")
@click.option("--dry-run", is_flag=True, help="Only count.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@output_option
def discard(
    *, ids: tuple[int, ...], everything: bool, why: str, dry_run: bool, yes: bool, form: str, **filters: str | None
) -> None:
    """Let go of dead letters: they are kept, and never replayed."""
    client = connect()
    asked = {"filter": _wanted(ids, filters, everything=everything), "reason": why}
    count = client.post(f"{PATH}/discard", {**asked, "dry_run": True})["count"]
    if dry_run or not count:
        _print_count(count, form, "would be discarded")
        return
    confirm(f"Discard {count:,} dead letter{'s' if count > 1 else ''} for good?", yes=yes)
    _print_count(client.post(f"{PATH}/discard", asked)["count"], form, "discarded")


@dlq.command("replays", epilog=examples("muttctl dlq replays", "muttctl dlq replays -o json"))
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="At most so many.")
@output_option
def replays(limit: int, form: str) -> None:
    """List replays of many, the latest first."""
    found = connect().pages(REPLAYS, {"limit": min(limit + 1, PAGE_SIZE)})
    print_found(found, limit, form, REPLAY_COLUMNS, _print_replays, noun="replays")


@dlq.command("stop", epilog=examples("muttctl dlq stop 01936f2c-8a3e-7c11-9f0e-5d2b8c1a4e77"))
@click.argument("replay_id", metavar="REPLAY", type=click.UUID, shell_complete=complete_replays)
@reason_option()
@output_option
def stop(replay_id: object, reason: str | None, form: str) -> None:
    """Stop a replay. What is on its way already goes on."""
    stopped = connect().post(f"{REPLAYS}/{replay_id}/stop", {}, reason=reason)
    print_record(stopped, form, ("id", "status", "replayed", "total"))


def _finished(client: Client, running: JsonObject) -> JsonObject:
    """Ask until it has ended."""
    pause = FIRST_WAIT_S
    with counting("Replaying", running.get("total") or 0) as progress:
        while running.get("status") == "running":
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_WAIT_S)
            running = client.get(f"{REPLAYS}/{running.get('id')}")
            progress.reach((running.get("replayed") or 0) + (running.get("skipped") or 0))
    return running


def _wanted(ids: tuple[int, ...], filters: dict[str, str | None], *, everything: bool) -> JsonObject:
    named = {name: value for name, value in filters.items() if value is not None}
    if everything == bool(ids or named):
        raise click.UsageError("Say which: --id, an option such as --service or --reason, or --all and nothing else.")
    wanted: JsonObject = {("stage" if name == "service" else name): value for name, value in named.items()}
    return wanted | ({"ids": list(ids)} if ids else {}) | ({"all": True} if everything else {})


def _print_count(count: int, form: str, what: str) -> None:
    told = f"{count:,} dead letters {what}." if count else "No dead letters that wait are meant."
    print_record({"count": count}, form, ("count",), lambda: click.echo(told))


def _print_list(found: list[JsonObject]) -> None:
    table = new_table()
    table.add_column("ID", justify="right", no_wrap=True)
    table.add_column("Died (UTC)", no_wrap=True)
    table.add_column("Service and reason", overflow="fold", max_width=20)
    table.add_column("State", no_wrap=True)
    table.add_column("Host and detail")
    for row in found:
        payload: Any = row.get("payload") or {}
        host = payload.get("hostname") if isinstance(payload, dict) else None
        table.add_row(
            cell(row.get("id")),
            cell(short_time(row.get("died_at"))),
            cell(row.get("stage"), row.get("reason")),
            cell(row.get("state")),
            cut_cell(host, row.get("detail")),
        )
    print_table(table)


def _print_letter(found: JsonObject) -> None:
    settled = " ".join(str(found.get(name) or "") for name in ("settled_at", "settled_by", "settled_why")).strip()
    print_fields(
        [
            ("id", found.get("id")),
            ("event", found.get("event")),
            ("service", found.get("stage")),
            ("reason", found.get("reason")),
            ("detail", found.get("detail")),
            ("died", found.get("died_at")),
            ("state", found.get("state")),
            ("replays", found.get("replays")),
            ("settled", settled),
            ("payload", printable(found.get("payload"))),
        ]
    )
    posts: list[JsonObject] = found.get("posts") or []
    if not posts:
        return
    table = new_table()
    table.add_column("Attempt", justify="right", no_wrap=True)
    table.add_column("At (UTC)", no_wrap=True)
    table.add_column("ms", justify="right", no_wrap=True)
    table.add_column("Status", justify="right", no_wrap=True)
    table.add_column("Answer", overflow="fold")
    for post in posts:
        excerpt = str(post.get("excerpt") or "")[:_SHOWN_EXCERPT]
        table.add_row(
            cell(post.get("number")),
            cell(short_time(post.get("started_at"))),
            cell(f"{post.get('duration_ms') or 0:.0f}"),
            cell(post.get("status") or "-"),
            cell(excerpt),
        )
    click.echo()
    print_table(table)


def _print_summary(rows: list[JsonObject]) -> None:
    table = new_table()
    for name in ("Service", "Reason", "State"):
        table.add_column(name, overflow="fold")
    table.add_column("Events", justify="right", no_wrap=True)
    table.add_column("Last (UTC)", no_wrap=True)
    for row in rows:
        names = ("stage", "reason", "state", "count")
        table.add_row(*(cell(row.get(name)) for name in names), cell(short_time(row.get("newest"))))
    print_table(table)


def _print_replays(rows: list[JsonObject]) -> None:
    table = new_table()
    table.add_column("Begun (UTC)", no_wrap=True)
    table.add_column("ID and who", no_wrap=True)
    table.add_column("Status", no_wrap=True)
    table.add_column("Done", justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            cell(short_time(row.get("started_at"))),
            cut_cell(row.get("id"), row.get("requested_by")),
            cell(row.get("status")),
            cell(f"{row.get('replayed')} of {row.get('total')}"),
        )
    print_table(table)
