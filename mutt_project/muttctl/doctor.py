"""`muttctl doctor`: what is wrong with MUTT, as seen from here; a canary shows whether events come through."""

from collections.abc import Sequence

import click
from rich.console import Console

from mutt_project.muttctl.canary import Canary
from mutt_project.muttctl.client import Client, connect
from mutt_project.muttctl.examining import Examination
from mutt_project.muttctl.findings import FAILED, OK, SKIPPED, WARNING, Finding, first_failed
from mutt_project.muttctl.output import cell, examples, new_table, output_option, print_csv, print_json, print_table

_OWN = ("reachable", "ready", "key", "versions", "canary", "accepted", "validated", "decided", "delivered")
COLUMNS = ("name", "state", "text", "mend", "seconds")
_MARKS = {OK: "✓", WARNING: "!", FAILED: "✗", SKIPPED: "-"}
_PLAIN_MARKS = {OK: "ok", WARNING: "!", FAILED: "FAIL", SKIPPED: "-"}
_PLAIN = str.maketrans({"“": '"', "”": '"', "…": "...", "→": "->"})


@click.command(
    "doctor",
    epilog=examples(
        "muttctl doctor",
        "muttctl doctor --no-canary",
        "muttctl doctor --no-delivery --timeout 10",
        "muttctl doctor -o json",
    ),
)
@click.option("--canary/--no-canary", default=True, show_default=True, help="Whether to post an event and follow it.")
@click.option(
    "--delivery/--no-delivery",
    default=True,
    show_default=True,
    help="Whether the canary goes on to Moogsoft, where it is one alert that is clear.",
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(1, 3600),
    default=30,
    show_default=True,
    help="How long the canary may take.",
)
@output_option
def doctor(canary: bool, delivery: bool, timeout: float, form: str) -> None:  # noqa: FBT001 - click's way of passing flags
    """Find out what is wrong with MUTT, and name the first thing that is.

    Looked at are: whether its address can be reached, whether MUTT is ready, whether the key is
    accepted and what it may do, everything that MUTT checks itself, and then the way of an
    event: a canary is posted and followed until Moogsoft has taken it. No rule decides it, and
    it pages nobody. The key needs the scope read, and ingest for the canary.

    The exit status is 0 when all is well, warnings included; 1 when something failed, also
    where MUTT cannot be reached or does not accept the key; 2 for wrong usage.
    """
    findings = _findings(connect(), canary=canary, deliver=delivery, timeout_s=timeout)
    broken = first_failed(findings)
    if form == "json":
        first = broken.name if broken else None
        print_json({"ok": broken is None, "first_failed": first, "checks": [one.as_json() for one in findings]})
    elif form == "csv":
        print_csv([one.as_json() for one in findings], COLUMNS)
    else:
        _print(findings, broken)
    if broken:
        click.get_current_context().exit(1)


def _findings(client: Client, *, canary: bool, deliver: bool, timeout_s: float) -> list[Finding]:
    examination = Examination(client)
    findings = list(examination.findings())
    if not canary or not examination.status:
        return findings
    if "ingest" not in examination.scopes:
        text = "The key lacks the scope “ingest”: no canary was sent, and nobody knows whether events come through."
        return [*findings, Finding("canary", WARNING, text, "Use a key with the scopes read and ingest.")]
    return [*findings, *Canary(client, examination.status, deliver, timeout_s).findings()]


def _print(findings: Sequence[Finding], broken: Finding | None) -> None:
    plain = not _can_print("".join(_MARKS.values()))
    table = new_table()
    table.add_column("", no_wrap=True)
    table.add_column("Check", no_wrap=True)
    table.add_column("Finding", overflow="fold")
    for finding in _shortened(findings):
        mend = [f"→ {finding.mend}"] if finding.mend and finding.state in {WARNING, FAILED} else []
        lines = [line.translate(_PLAIN) if plain else line for line in (finding.text, *mend)]
        mark = (_PLAIN_MARKS if plain else _MARKS).get(finding.state, "?")
        table.add_row(cell(mark), cell(finding.name), cell(*lines))
    print_table(table)
    click.echo()
    click.echo(f"The first thing that is wrong: {broken.name}." if broken else "All is well.")


def _shortened(findings: Sequence[Finding]) -> list[Finding]:
    """MUTT's own checks that are well are counted in one line."""
    own = [finding for finding in findings if finding.name not in _OWN]
    well = sum(finding.state == OK for finding in own)
    counted = [Finding("status", OK, f"{well} of MUTT's own {len(own)} checks are well.")] if own else []
    shown = [finding for finding in findings if finding.name in _OWN or finding.state != OK]
    place = next((number for number, one in enumerate(shown) if one.name == "versions"), -1) + 1
    return [*shown[:place], *counted, *shown[place:]]


def _can_print(marks: str) -> bool:
    try:
        marks.encode(Console().encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
