"""Outcomes, dead letters and writes are counted once each, and only what was committed."""

import pytest
from django.db import transaction

from audit.ids import event_id, new_batch_id
from audit.outcomes import DeadStage, Outcome
from audit.record import Death, bury_events, mark_delivered, revive, write_records
from tests.counting import growth, sample
from tests.unit.audit.batches import NOW, row

pytestmark = pytest.mark.django_db

ONE, TWO, THREE, FOUR = (event_id(new_batch_id(NOW), place) for place in range(4))
TOTAL = "mutt_event_outcomes_total"


@pytest.fixture(autouse=True)
def committed(django_capture_on_commit_callbacks):
    """Commits, which a test's transaction never does: call it with what is to be done."""

    def commit(work):
        with django_capture_on_commit_callbacks(execute=True):
            return work()

    return commit


def test_each_outcome_is_counted_when_it_is_written_and_once(committed):
    rows = [row(ONE, Outcome.IGNORED), row(TWO, Outcome.UNMATCHED), row(THREE, Outcome.PENDING)]
    with growth(TOTAL, outcome="ignored") as ignored, growth(TOTAL, outcome="unmatched") as unmatched:
        assert committed(lambda: write_records(rows))
        assert not committed(lambda: write_records(rows))
    assert (ignored.by, unmatched.by) == (1, 1)
    assert sample(TOTAL, outcome="pending") == 0


def test_a_delivery_is_counted_once_and_told_once(committed):
    committed(lambda: write_records([row(one, Outcome.PENDING) for one in (ONE, TWO)]))
    with growth(TOTAL, outcome="delivered") as delivered:
        assert set(committed(lambda: mark_delivered([ONE, TWO], NOW))) == {ONE, TWO}
        assert committed(lambda: mark_delivered([ONE, TWO], NOW)) == []
    assert delivered.by == 2


def test_what_is_rolled_back_is_not_counted(committed):
    def fails():
        with transaction.atomic():
            write_records([row(ONE, Outcome.IGNORED)])
            transaction.set_rollback(True)

    with growth(TOTAL, outcome="ignored") as ignored:
        committed(fails)
    assert ignored.by == 0


def test_dead_letters_are_counted_by_stage_and_reason_whether_or_not_there_was_a_record(committed):
    committed(lambda: write_records([row(ONE, Outcome.PENDING), row(TWO, Outcome.DELIVERED)]))
    deaths = [Death(one, DeadStage.MOOG, "refused", "", {}, 1) for one in (ONE, TWO)]
    deaths += [Death(THREE, DeadStage.ALERTER, "internal_error", "", {}, 0)]
    missing = [row(THREE, Outcome.DEAD, reason="internal_error")]
    with (
        growth(TOTAL, outcome="dead") as dead,
        growth("mutt_dead_letters_total", stage="moog", reason="refused") as refused,
        growth("mutt_dead_letters_total", stage="alerter", reason="internal_error") as broken,
    ):
        committed(lambda: bury_events(deaths, missing, NOW))
        committed(lambda: bury_events(deaths, [], NOW))
    assert (dead.by, refused.by, broken.by) == (2, 1, 1)  # the second was delivered meanwhile


def test_one_that_is_replayed_and_dies_again_counts_twice(committed):
    committed(lambda: write_records([row(FOUR, Outcome.PENDING)]))
    deaths = [Death(FOUR, DeadStage.MOOG, "refused", "", {}, 1)]
    with growth(TOTAL, outcome="dead") as dead:
        committed(lambda: bury_events(deaths, [], NOW))
        committed(lambda: revive([FOUR], NOW))
        committed(lambda: bury_events(deaths, [], NOW))
    assert dead.by == 2


def test_writes_are_timed_by_what_is_written(committed):
    name = "mutt_record_write_seconds_count"
    with growth(name, operation="records") as records, growth(name, operation="delivered") as delivered:
        committed(lambda: write_records([row(ONE, Outcome.PENDING)]))
        committed(lambda: mark_delivered([ONE], NOW))
    assert (records.by, delivered.by) == (1, 1)
