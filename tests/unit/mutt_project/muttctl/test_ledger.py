"""`muttctl ledger`, and the help that all commands have."""

import json

import click
import pytest

from mutt_project.muttctl.main import cli
from tests.examples import walked
from tests.unit.mutt_project.muttctl.stub_api import Muttctl, StubApi

COUNTS = {
    "accepted": 2345,
    "delivered": 2000,
    "ignored": 100,
    "unmatched": 200,
    "suppressed": 40,
    "dead": 5,
    "lost": 0,
    "pending": 0,
    "rejected": 11,
    "balanced": True,
}


def commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = [path]
    for name, command in group.commands.items():
        found += commands(command, (*path, name)) if isinstance(command, click.Group) else [(*path, name)]
    return found


def test_table(api: StubApi, muttctl: Muttctl) -> None:
    api.ledger = COUNTS
    result = muttctl("ledger")
    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["accepted", "2345"] in rows
    assert ["=", "delivered", "2000"] in rows
    assert ["+", "dead", "5"] in rows
    assert ["balanced", "yes"] in rows


def test_json_and_csv(api: StubApi, muttctl: Muttctl) -> None:
    api.ledger = COUNTS
    assert json.loads(muttctl("ledger", "-o", "json").stdout) == COUNTS
    header, row = muttctl("ledger", "-o", "csv").stdout.splitlines()
    assert header == ",".join(COUNTS)
    assert row == "2345,2000,100,200,40,5,0,0,11,true"


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_an_unbalanced_ledger_is_a_failure(api: StubApi, muttctl: Muttctl, form: str) -> None:
    api.ledger = COUNTS | {"balanced": False}
    result = muttctl("ledger", "-o", form)
    assert result.exit_code == 1
    assert "does not balance" in result.stderr
    assert "2345" in result.stdout


def test_an_unbalanced_ledger_names_the_batches(api: StubApi, muttctl: Muttctl) -> None:
    suspect = {
        "batch": "0199c8a2-1c00-7000-8000-5b2f4c9e0000",
        "received_at": "2026-11-23T08:30:00Z",
        "before": "0199c8a2-1b00-7000-8000-5b2f4c9e0000",
        "expected": 10,
        "found": 7,
    }
    api.ledger = COUNTS | {"balanced": False, "imbalance": 3, "suspects": [suspect]}
    said = muttctl("ledger").stderr
    assert "3 accepted events have no record" in said
    assert f"batch {suspect['batch']}" in said
    assert "10 events were accepted" in said
    assert "7 are recorded" in said


def test_an_unbalanced_ledger_says_how_far_it_was_looked_where_no_batch_is_found(
    api: StubApi, muttctl: Muttctl
) -> None:
    api.ledger = COUNTS | {
        "balanced": False,
        "imbalance": -2,
        "suspects": [],
        "looked_back_to": "2026-11-23T08:30:00Z",
    }
    said = muttctl("ledger").stderr
    assert "2 records are of events that were never accepted" in said
    assert "since 11-23 08:30:00 UTC" in said


@pytest.mark.parametrize("path", commands(cli), ids=" ".join)
def test_every_command_has_help_with_examples(muttctl: Muttctl, path: tuple[str, ...]) -> None:
    result = muttctl(*path, "--help", MUTT_URL=None)
    assert result.exit_code == 0
    assert "  Examples:\n    " in result.output
    assert "muttctl " + " ".join(path) in result.output
    assert [line for line in result.output.splitlines() if len(line) > 80] == []


WITHOUT_A_RECORD = {
    *("audit export", "audit export-changes", "events export", "rules export"),  # they have forms of their own
    *("completion", "dr prune", "profile remove", "profile use"),
}


def test_what_is_shown_can_be_had_in_every_form() -> None:
    leaves = {" ".join(path): command for path, command in walked(cli) if not isinstance(command, click.Group)}
    kinds = {name: [one.type for one in command.params if "--output" in one.opts] for name, command in leaves.items()}
    forms = {
        name: tuple(kind.choices) for name, found in kinds.items() for kind in found if isinstance(kind, click.Choice)
    }
    assert set(leaves) - set(forms) == WITHOUT_A_RECORD
    assert set(forms.values()) == {("table", "json", "csv")}


def test_help_promises_the_exit_statuses(muttctl: Muttctl) -> None:
    output = muttctl("--help").output
    assert "Exit status:\n    0  done\n" in output
    assert "MUTT_API_KEY" in output
