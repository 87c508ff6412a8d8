"""How a run of drills ends."""

import pytest

from ops.drills import __main__ as drills
from ops.drills.report import Figures
from ops.drills.scenario import Skipped
from ops.drills.steps import StepFailed


def figures(*wrong: str) -> Figures:
    return Figures("made_up", 0.0, 0, None, 1.0, 10, 10, 0, 0, 0, list(wrong))


def done() -> Figures:
    return figures()


def lost() -> Figures:
    return figures("one event is lost")


def failed() -> Figures:
    raise StepFailed("exit status 1")


def skipped() -> Figures:
    raise Skipped("something is missing")


def broken() -> Figures:
    raise RuntimeError("GET ledger was answered 500: of this there is more\nthan one line")


@pytest.mark.parametrize(
    ("runs", "status"),
    [
        ([done], 0),
        ([done, skipped], 3),
        ([lost], 1),
        ([failed, done], 1),
        ([broken, done], 1),
        ([skipped, lost], 1),
    ],
)
def test_a_drill_that_is_not_allowed_is_told_apart_from_one_that_failed(runs, status, capsys):
    ended = drills._Done()  # noqa: SLF001 - the decision alone, without any server
    for run in runs:
        ended.add(run.__name__, run)
    assert ended.exit_status == status
    ended.show("json")
    told = capsys.readouterr()
    assert ("something is missing" in told.out) == (skipped in runs)
    assert ("one event is lost" in told.out) == (lost in runs)


@pytest.mark.parametrize("keep", [False, True])
def test_an_error_that_nobody_expected_is_told_and_the_others_go_on(keep, capsys):
    ended = drills._Done(trace=keep)  # noqa: SLF001 - as above
    for run in (broken, done):
        ended.add(run.__name__, run)
    assert (ended.failed, len(ended.figures)) == (["broken"], 1)
    told = capsys.readouterr().err
    assert "broken: RuntimeError: GET ledger was answered 500" in told
    assert ("Traceback" in told) == keep
