"""Tallies: always what counting the records would give, however they were written, and whenever they are folded."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.db.models import Sum

from audit.ids import event_id, new_batch_id, received_at
from audit.models import Record, Tally
from audit.outcomes import DeadStage, Outcome
from audit.record import Death, bury_events, mark_delivered, revive, write_records
from audit.tallies import LATENCY_BOUNDS_S, fold, latencies, quantile_s, tallies
from tests.unit.audit.batches import NOW, at_once, row

pytestmark = pytest.mark.django_db(transaction=True)

ALWAYS = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))


def summed() -> dict[str, int]:
    found: Counter[str] = Counter()
    for tally in tallies(*ALWAYS):
        found[tally.outcome] += tally.entered - tally.gone
    return {outcome: count for outcome, count in found.items() if count}


def counted() -> dict[str, int]:
    return dict(Counter(Record.objects.values_list("outcome", flat=True)))


def test_the_sums_are_the_counts_through_all_that_is_written():
    chance = random.Random(7)
    for number in range(30):
        batch = new_batch_id(NOW + timedelta(seconds=number))
        events = [event_id(batch, place) for place in range(chance.randrange(1, 40))]
        written = [row(event, chance.choice(list(Outcome)), number) for event in events]
        write_records(written)
        write_records(written)  # a batch that comes again
        pending = [one.event_id for one in written if one.outcome is Outcome.PENDING]
        mark_delivered(pending[::2], NOW)
        lost = [Death(event, DeadStage.MOOG, "http_400", "", {}, 1) for event in pending[1::2]]
        bury_events(lost, [], NOW)
        if number % 3 == 0:
            revive([death.event_id for death in lost], NOW)
        if number % 7 == 0:
            fold(datetime.now(UTC) + timedelta(minutes=10))
        assert summed() == counted()


def test_an_event_decided_after_all_moves_from_one_outcome_to_another():
    event = event_id(new_batch_id(NOW), 0)
    write_records([row(event, Outcome.PENDING, rule_set_version=None)])
    write_records([row(event, Outcome.IGNORED)])
    assert summed() == counted() == {"ignored": 1}


def test_records_deleted_by_hand_are_missed():
    events = [event_id(new_batch_id(NOW), place) for place in range(3)]
    write_records([row(event) for event in events])
    Record.objects.filter(pk=events[0]).delete()
    assert summed() == {"unmatched": 2}


def test_what_is_rolled_back_is_not_counted():
    with transaction.atomic():
        write_records([row(event_id(new_batch_id(NOW), 0))])
        transaction.set_rollback(True)
    assert summed() == {}


@pytest.mark.parametrize(("age", "rows_left"), [(timedelta(), 20), (timedelta(minutes=10), 2), (timedelta(days=3), 1)])
def test_folding_leaves_the_sums_and_fewer_rows(age: timedelta, rows_left: int):
    now = datetime(2031, 5, 4, 10, 30, 30, tzinfo=UTC)
    for number in range(20):
        minute = now.replace(second=0) - age - timedelta(minutes=number % 2)
        Tally.objects.create(minute=minute, outcome="ignored", latency=3, journal_seq=number, entered=2, gone=1)
    before = Tally.objects.aggregate(entered=Sum("entered"), gone=Sum("gone"))
    assert fold(now) == 20 - rows_left
    assert Tally.objects.count() == rows_left
    assert Tally.objects.aggregate(entered=Sum("entered"), gone=Sum("gone")) == before
    assert fold(now) == 0


def test_what_is_older_than_a_hundred_days_becomes_one_row_for_each_outcome():
    now = datetime(2031, 5, 4, 10, 30, tzinfo=UTC)
    for days in (101, 150, 300):
        for outcome in ("ignored", "dead"):
            at = now - timedelta(days=days)
            Tally.objects.create(minute=at, outcome=outcome, latency=days % 4, journal_seq=1, entered=2, gone=0)
    fold(now)
    assert sorted(Tally.objects.values_list("outcome", "entered", "latency")) == [
        ("dead", 6, None),
        ("ignored", 6, None),
    ]
    fold(now)
    assert Tally.objects.count() == 2


def test_several_who_fold_at_once_leave_the_sums():
    now = datetime(2031, 5, 4, 10, 30, tzinfo=UTC)
    at = now - timedelta(minutes=30)
    Tally.objects.bulk_create(Tally(minute=at, outcome="ignored", journal_seq=1, entered=1, gone=0) for _ in range(500))

    def folding(_: int) -> None:
        fold(now)
        connection.close()

    at_once(4, folding)
    assert list(Tally.objects.values_list("entered", flat=True)) == [500]


def test_the_time_from_receipt_to_the_outcome_is_told_between_bounds():
    batch = new_batch_id(NOW)
    took = [0.05, 0.1, 3, 4000]
    events = [event_id(batch, place) for place in range(len(took))]
    for event, seconds in zip(events, took, strict=True):
        ended = received_at(event) + timedelta(seconds=seconds)
        write_records([row(event, Outcome.IGNORED, outcome_at=ended)])
    waits = event_id(batch, 9)
    write_records([row(waits, Outcome.PENDING)])
    mark_delivered([waits], received_at(waits) + timedelta(seconds=0.3))
    assert latencies(*ALWAYS, [Outcome.IGNORED]) == [1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1]
    assert latencies(*ALWAYS, [Outcome.DELIVERED]) == [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("ended", [Outcome.IGNORED, Outcome.DELIVERED])
def test_what_took_as_long_as_a_bound_lies_above_it(ended: Outcome):
    batch = new_batch_id(NOW)
    for place, bound in enumerate((0.0, *LATENCY_BOUNDS_S, -1.0, 86_400.0 * 40)):
        event = event_id(batch, place)
        at = received_at(event) + timedelta(seconds=bound)
        if ended is Outcome.IGNORED:
            write_records([row(event, ended, outcome_at=at)])
        else:
            write_records([row(event, Outcome.PENDING)])
            mark_delivered([event], at)
    assert latencies(*ALWAYS, [ended]) == [2, *[1] * 10, 2]


def test_a_quantile_lies_between_the_bounds_where_the_events_are():
    counts = [0] * (len(LATENCY_BOUNDS_S) + 1)
    assert quantile_s(counts, 0.95) is None
    counts[1] = 100
    assert quantile_s(counts, 0.5) == pytest.approx(0.175)
    counts[-1] = 100
    assert quantile_s(counts, 0.5) == pytest.approx(0.25)
    assert quantile_s(counts, 0.95) == LATENCY_BOUNDS_S[-1]
