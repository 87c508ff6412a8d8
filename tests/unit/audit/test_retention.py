"""Which months may go, and why each other one stays."""

from datetime import timedelta
from pathlib import Path

import pytest

from audit.ids import new_batch_id
from audit.models import Archive, DeadLetter
from audit.outcomes import Outcome
from audit.partitions import DEFAULT_PARTITION, Month, create_partitions, exists, partitions
from audit.retention import begin, plan
from tests.unit.audit.batches import journal
from tests.unit.audit.months import (
    DAYS,
    LONG_AGO,
    NOW,
    REASON,
    archiving_to,
    contents,
    fill,
    finish,
    letter,
    months_ago,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]


def why_not(month: Month = LONG_AGO, days: int | None = None) -> str:
    (found,) = [planned for planned in plan(NOW, days) if planned.month == month]
    return found.why_not


def test_a_month_whose_events_have_all_ended_goes(tmp_path: Path):
    fill(outcomes=(Outcome.DELIVERED, Outcome.DEAD, Outcome.IGNORED))
    with archiving_to(tmp_path):
        assert why_not() == ""


def test_neither_the_month_in_use_nor_a_later_one_ever_goes(tmp_path: Path):
    create_partitions(NOW)
    with archiving_to(tmp_path):
        assert why_not(Month.of(NOW), days=1) == "It is in use."
        assert why_not(Month.of(NOW).next, days=1) == "It is still to come."
        assert begin(NOW, "ada", REASON, days=1) == []
    assert exists(Month.of(NOW))


def test_a_month_that_is_begun_while_it_is_in_use_is_not_dropped(tmp_path: Path):
    month = Month.of(NOW)
    fill(month)
    with archiving_to(tmp_path):
        begin(NOW + timedelta(days=100), "ada", REASON, days=1)  # a clock that was wrong
        archive = finish(NOW)
    assert (archive.problem, exists(month)) == (f"{month} is in use.", True)


def test_a_month_stays_until_so_many_days_after_its_end(tmp_path: Path):
    fill()
    until = LONG_AGO.next.start + timedelta(days=DAYS)
    with archiving_to(tmp_path):
        (before,) = [one for one in plan(until - timedelta(seconds=1)) if one.month == LONG_AGO]
        (then,) = [one for one in plan(until) if one.month == LONG_AGO]
    assert before.why_not == f"It is kept until {until:%Y-%m-%d}: {DAYS} days after its end."
    assert then.may_go


def test_other_days_can_be_asked_for(tmp_path: Path):
    month = months_ago(3)
    fill(month)
    with archiving_to(tmp_path):
        assert why_not(month).startswith("It is kept until")
        assert why_not(month, days=30) == ""


def test_with_no_days_everything_is_kept(tmp_path: Path):
    fill()
    with archiving_to(tmp_path, MUTT_RETENTION_DAYS=0):
        assert "kept" in why_not()


@pytest.mark.parametrize(("count", "says"), [(1, "1 dead letter of {} waits"), (3, "3 dead letters of {} wait")])
def test_a_month_with_waiting_dead_letters_stays(tmp_path: Path, count: int, says: str):
    for event in fill(outcomes=[Outcome.DEAD] * count):
        DeadLetter.objects.filter(event_id=event).update(state=DeadLetter.State.WAITING)
    with archiving_to(tmp_path):
        assert why_not() == f"{says.format(LONG_AGO)}: replay or discard them."
        assert begin(NOW, "ada", REASON) == []


def test_the_log_says_which_month_is_old_enough_and_stays(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    fill(outcomes=(Outcome.PENDING,))
    fill(months_ago(1))
    with archiving_to(tmp_path):
        begin(NOW, "MUTT", REASON)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"{LONG_AGO} is old enough to go, but stays: 1 event")


def test_a_month_with_pending_events_stays(tmp_path: Path):
    fill(outcomes=(Outcome.PENDING, Outcome.DELIVERED))
    with archiving_to(tmp_path):
        assert why_not() == f"1 event of {LONG_AGO} is still pending."


def test_a_month_with_a_batch_in_the_journal_stays(tmp_path: Path):
    fill()
    batches = [new_batch_id(moment) for moment in (LONG_AGO.start, LONG_AGO.next.start)]
    for batch in batches:
        journal().open(batch, [{"id": str(batch)}], api_key="sensor", address="127.0.0.1")
    with archiving_to(tmp_path):
        assert why_not() == f"1 batch of {LONG_AGO} is still open in the journal."


def test_nothing_goes_without_an_archive_unless_that_is_said():
    fill()
    with archiving_to(None):
        assert "MUTT_ARCHIVE_DIR" in why_not()
        assert begin(NOW, "ada", REASON) == []
    with archiving_to(None, MUTT_RETENTION_ARCHIVE=False):
        assert begin(NOW, "ada", REASON) == [str(LONG_AGO)]
        archive = finish()
    assert (archive.state, archive.path, archive.records) == (Archive.State.DROPPED, "", 1)
    assert not any(contents().values())


def test_the_default_partition_is_in_no_plan(tmp_path: Path):
    assert DEFAULT_PARTITION in partitions()
    with archiving_to(tmp_path):
        assert all(planned.month.partition != DEFAULT_PARTITION for planned in plan(NOW))


def test_a_plan_changes_nothing(tmp_path: Path):
    fill()
    before = contents()
    with archiving_to(tmp_path):
        plan(NOW)
    assert (contents(), list(tmp_path.iterdir()), Archive.objects.count()) == (before, [], 0)


def test_a_dead_letter_that_comes_to_wait_after_the_plan_keeps_its_month(tmp_path: Path):
    (event,) = fill()
    with archiving_to(tmp_path):
        begin(NOW, "ada", REASON)
        waiting = letter(event, DeadLetter.State.WAITING)
        archive = finish()
        assert archive.problem == f"1 dead letter of {LONG_AGO} waits: replay or discard them."
        assert exists(LONG_AGO)
        waiting.delete()
        assert begin(NOW, "ada", REASON) == [str(LONG_AGO)]
        assert finish().state == Archive.State.DROPPED
    assert not exists(LONG_AGO)


def test_who_asked_for_it_and_why_is_kept(tmp_path: Path):
    fill()
    with archiving_to(tmp_path):
        begin(NOW, "ada", REASON)
        archive = finish()
    assert (archive.requested_by, archive.reason, archive.ended_at) == ("ada", REASON, NOW)
    assert [(one["what"], one["by"], one["reason"]) for one in archive.history] == [
        ("retain", "ada", REASON),
        ("dropped", "ada", REASON),
    ]
