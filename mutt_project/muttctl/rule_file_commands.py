"""`muttctl rules export`, `check`, `plan` and `apply`: all rules as one file, which people review and keep."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import click

from mutt_project.muttctl.changes import Bulk, counted, print_bulk, print_changes, would_change
from mutt_project.muttctl.client import PAGE_SIZE, connect
from mutt_project.muttctl.errors import MuttctlError
from mutt_project.muttctl.located import Fault, FaultyFileError, Located
from mutt_project.muttctl.output import examples, output_option, print_csv, print_json, printable
from mutt_project.muttctl.parameters import confirm, name_of, reason_option, yes_option
from mutt_project.muttctl.rule_files import read_rules, write_rules

PATH = "/api/v1/rules"
FINDING_COLUMNS = ("file", "line", "kind", "detail")
STDOUT = Path("-")
WOULD_CHANGE = 2

file_argument: Callable[..., Any] = click.argument("file", type=click.File("rb"))
keep_option = click.option("--keep-others", is_flag=True, help="Keep rules that are not in the file.")


@click.command(
    "export",
    epilog=examples(
        "muttctl rules export > rules.yaml",
        "muttctl rules export rules.yaml",
    ),
)
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path), required=False)
def export_rules(file: Path | None) -> None:
    """Write all rules as YAML to FILE, or to standard output (-).

    Fields that hold their default are left out. `muttctl rules plan` on the file says that nothing
    would change, until somebody changes a rule.
    """
    found = list(connect().pages(PATH, {"limit": PAGE_SIZE}))
    content = write_rules(found).encode()
    if file is None or file == STDOUT:
        click.echo(content, nl=False)
        return
    try:
        file.write_bytes(content)
    except OSError as error:
        raise MuttctlError(f"{printable(file)} cannot be written: {error.strerror}.") from None
    click.echo(f"{len(found):,} rules are in {printable(file)} now.", err=True)


@click.command(
    "check",
    epilog=examples(
        "muttctl rules check rules.yaml",
        "muttctl rules export | muttctl rules check -",
    ),
)
@file_argument
@keep_option
@output_option
def check_rules(file: BinaryIO, *, keep_others: bool, form: str) -> None:
    """Say what is wrong with the rules of FILE (- is standard input), each with its line.

    MUTT itself is asked, without changing anything: expressions, OIDs and the rules' examples are
    tried. The exit status is 1 when there are errors; warnings are no errors.
    """
    name = name_of(file)
    try:
        bulk, rules = _bulk(file, keep_others=keep_others)
        answer = bulk.plan()
    except FaultyFileError as error:
        if form == "table":
            raise
        _print_findings(name, error.faults, [], form)
        click.get_current_context().exit(error.exit_code)
    if form != "table":
        _print_findings(name, [], bulk.warnings(answer), form)
        return
    bulk.tell_warnings(answer)
    click.echo(f"{printable(name)}: {len(rules.entries):,} rules, no errors.")


@click.command(
    "plan",
    epilog=examples(
        "muttctl rules plan rules.yaml",
        "muttctl rules plan rules.yaml -o json | jq .changes",
    ),
)
@file_argument
@keep_option
@output_option
def plan_rules(file: BinaryIO, *, keep_others: bool, form: str) -> None:
    """Show what `muttctl rules apply` would change: + created, ~ updated, - deleted.

    Rules are known by their names, or by their ids where the file has them. Those that are not in
    FILE (- is standard input) would be deleted, unless --keep-others is given.

    The exit status is 0 when nothing would change, 2 when something would, 1 when the file is wrong.
    """
    bulk, _ = _bulk(file, keep_others=keep_others)
    answer = bulk.plan()
    if form != "table":
        print_bulk(answer, form, "")
    else:
        print_changes(answer)
        click.echo(f"{counted(answer, done=False)}.")
    bulk.tell_warnings(answer)
    if would_change(answer):
        click.get_current_context().exit(WOULD_CHANGE)


@click.command(
    "apply",
    epilog=examples(
        'muttctl rules apply rules.yaml --reason "CHG-1234: page for lost uplinks"',
        'muttctl rules apply uplinks.yaml --keep-others --yes --reason "CHG-1234"',
    ),
)
@file_argument
@keep_option
@yes_option
@reason_option(required=True)
@output_option
def apply_rules(file: BinaryIO, *, keep_others: bool, yes: bool, reason: str, form: str) -> None:
    """Make the rules as FILE (- is standard input) has them: all of it or nothing.

    The plan is shown first. Where somebody else changes a rule, a host or a team before you have
    answered, nothing is done (exit status 4); run it again to see the new plan. The exit status is 1
    when the file is wrong, or the answer is no.
    """
    bulk, _ = _bulk(file, keep_others=keep_others)
    answer = bulk.plan()
    print_changes(answer, err=form != "table")
    bulk.tell_warnings(answer)
    if would_change(answer):
        click.echo(f"{counted(answer, done=False)}.", err=True)
        confirm("Apply this?", yes=yes, file=file)
        answer = bulk.do(reason=reason, version=answer.get("rule_set_version"))
        said = f"Applied: {counted(answer, done=True)}."
    else:
        said = "Nothing to do: the rules are as the file has them."
    print_bulk(answer, form, said)


def _bulk(file: BinaryIO, *, keep_others: bool) -> tuple[Bulk, Located]:
    client = connect()
    rules = read_rules(file.read(), name_of(file))
    return Bulk(client, PATH, rules, others_go=not keep_others), rules


def _print_findings(name: str, errors: list[Fault], warnings: list[Fault], form: str) -> None:
    found = {
        kind: [{"line": fault.line, "detail": fault.detail} for fault in faults]
        for kind, faults in (("errors", errors), ("warnings", warnings))
    }
    if form == "json":
        print_json({"file": name, **found})
        return
    kinds = {"errors": "error", "warnings": "warning"}
    rows = [{"file": name, "kind": kinds[kind], **one} for kind, listed in found.items() for one in listed]
    print_csv(rows, FINDING_COLUMNS)
