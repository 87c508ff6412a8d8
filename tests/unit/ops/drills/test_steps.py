"""The page's commands in a shell of their own."""

import io
import json
import os

import pytest
from rich.console import Console

from ops.drills.control import programs_of
from ops.drills.report import Figures, as_markdown, table_of
from ops.drills.steps import Step, StepFailed, run_steps

PROGRAMS = ["postgresql", "redis", "moogsoft-stub", "web", "worker-1", "worker-2", "beat"]
FIGURES = Figures(
    name="postgresql_corruption",
    rpo_s=123.4,
    rpo_events=12_345,
    accepting_s=None,
    rto_s=1234.5,
    accepted=123_456,
    recovered=111_111,
    lost=12_345,
    may_be_lost=12_345,
    told_again=1234,
)


def test_all_blocks_share_one_shell_and_each_is_told_when_it_begins():
    told: list[str] = []
    steps = run_steps(["# set it\nx=1\n", 'test "$x" = 1\n'], os.environ, lambda _, commands: told.append(commands))
    assert told == ["# set it\nx=1\n", 'test "$x" = 1\n']
    assert [step.shown for step in steps] == ["x=1", 'test "$x" = 1']


@pytest.mark.parametrize("block", ["echo why; false\necho on", "echo why; false | true", 'echo why; echo "$unset"'])
def test_the_first_command_that_fails_ends_it_with_what_it_printed(block: str):
    with pytest.raises(StepFailed, match=r"(?s)exit status 1 of\n.*which printed\nwhy"):
        run_steps(["true", block, "echo never"], os.environ)


def test_a_block_that_does_not_end_is_ended():
    with pytest.raises(StepFailed, match="still busy after 0 s"):
        run_steps(["echo begun; sleep 60"], os.environ, patience_s=0.3)


def test_programs_are_meant_one_by_one_or_together():
    assert programs_of(["workers", "beat"], PROGRAMS) == ["worker-1", "worker-2", "beat"]
    assert programs_of(["mutt"], PROGRAMS) == ["web", "worker-1", "worker-2", "beat"]
    with pytest.raises(RuntimeError, match="there is no vault here"):
        programs_of(["vault"], PROGRAMS)


def test_figures_fit_into_80_columns_whatever_they_are():
    console = Console(width=80, file=io.StringIO())
    with console.capture() as captured:
        console.print(table_of([FIGURES]))
    shown = captured.get()
    assert "…" not in shown
    for figure in ("postgresql_corruption", "123,456", "12,345", "123.4 s", "1234.5 s", "always"):
        assert figure in shown


def test_figures_are_said_as_json_and_for_the_page():
    assert json.loads(json.dumps(FIGURES.as_json()))["passed"] is True
    assert "| lost (RPO in events); the page allows | 12,345; 12,345 |" in as_markdown(FIGURES)


def test_a_step_that_has_only_remarks_shows_nothing():
    assert Step("# nothing\n", 0).shown == ""
