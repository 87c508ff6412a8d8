"""The journal: batches that have been open for too long."""

import time
from uuid import UUID

import pytest

from audit.connections import redis_client
from audit.journal import BATCH, OPEN, SWEPT, Burial, NotClaimed
from audit.outcomes import DeadStage, Stage
from tests.unit.audit.batches import at_once, claim, journal, opened

pytestmark = pytest.mark.usefixtures("redis_server")


def test_an_overdue_batch_is_swept_once_in_each_grace():
    books = journal(grace_s=0.2)
    batch = opened(books)
    assert books.sweep(10) == []
    time.sleep(0.3)
    assert [(found.batch, found.stage) for found in books.sweep(10)] == [(batch, Stage.VALIDATE)]
    assert books.sweep(10) == []
    time.sleep(0.3)
    assert len(books.sweep(10)) == 1


@pytest.mark.parametrize("stage", [Stage.MATCH, Stage.FORWARD, Stage.DLQ])
def test_a_batch_whose_next_message_is_lost_is_swept_for_its_next_stage(stage: Stage):
    books = journal(grace_s=0.02)
    batch = opened(books)
    held = claim(books, batch, Stage.VALIDATE)
    if stage is Stage.DLQ:
        books.bury(batch, Burial(DeadStage.ALERTER, "internal_error", ""), Stage.VALIDATE, held.token)
    else:
        held.advance(stage)
    assert books.sweep(10) == []
    time.sleep(0.05)
    assert [(found.batch, found.stage) for found in books.sweep(10)] == [(batch, stage)]


def test_a_batch_whose_worker_died_is_swept_after_its_lease_and_can_be_claimed():
    books = journal(lease_s=0.05, grace_s=0)
    batch = opened(books)
    claim(books, batch, Stage.VALIDATE)
    assert books.sweep(10) == []
    time.sleep(0.1)
    assert [found.batch for found in books.sweep(10)] == [batch]
    assert claim(books, batch, Stage.VALIDATE).attempt == 2


def test_sweepers_that_run_at_once_never_get_the_same_batch():
    books = journal(grace_s=0.2)
    batches = [opened(books) for _ in range(40)]
    time.sleep(0.25)
    shares = at_once(8, lambda _: [found.batch for found in books.sweep(7)])
    swept = [batch for share in shares for batch in share]
    assert sorted(swept) == sorted(batches)


def test_a_batch_that_somebody_holds_is_not_overdue_and_one_that_waits_for_its_retry_neither():
    books = journal(lease_s=30, grace_s=0.05)
    held, waiting = opened(books), opened(books)
    claim(books, held, Stage.VALIDATE)
    claim(books, waiting, Stage.VALIDATE).release(delay_s=30)
    time.sleep(0.1)
    assert books.sweep(10) == []


def test_a_sweep_takes_no_more_than_it_may_and_drops_what_has_no_batch():
    books = journal(grace_s=0)
    batches = {opened(books) for _ in range(5)}
    lost = batches.pop()
    redis_client().delete(BATCH + str(lost))
    time.sleep(0.01)
    found = books.sweep(3)
    assert len(found) <= 3
    for _ in range(3):
        time.sleep(0.01)
        found += books.sweep(3)
    assert {one.batch for one in found} == batches
    assert redis_client().zscore(OPEN, str(lost)) is None


def test_a_batch_that_is_queued_again_says_since_when():
    books = journal()
    batch = opened(books)
    before = books.stage_of(batch)[1]  # type: ignore[index]
    time.sleep(0.01)
    books.requeued([batch])
    assert books.stage_of(batch)[1] > before  # type: ignore[index]
    claim(books, batch, Stage.VALIDATE).finish()
    books.requeued([batch])
    assert books.stage_of(batch) is None
    assert not redis_client().exists(BATCH + str(batch))


def put_back(batch: UUID, by_s: float) -> None:
    """As if the clock of Redis had been put back since this batch was touched last."""
    row, name = BATCH + str(batch), str(batch)
    for field in ("queued_at", "lease_until"):
        if redis_client().hexists(row, field):
            redis_client().hincrbyfloat(row, field, by_s)
    redis_client().zincrby(OPEN, by_s, name)


@pytest.mark.parametrize("is_held", [False, True])
def test_a_clock_that_was_put_back_keeps_no_batch_for_longer_than_a_lease(is_held):
    books = journal(lease_s=0.2, grace_s=0.05)
    batch = opened(books)
    if is_held:
        held = claim(books, batch, Stage.VALIDATE)
    put_back(batch, 3600)
    assert books.sweep(10) == []
    if is_held:
        with pytest.raises(NotClaimed):  # whoever holds it may still be at it
            claim(books, batch, Stage.VALIDATE)
        held.renew()
    time.sleep(0.3)
    (found,) = books.sweep(10)
    assert (found.batch, found.queued_at < time.time()) == (batch, True)
    assert claim(books, batch, Stage.VALIDATE).attempt == 1 + is_held


def test_a_clock_that_was_put_back_does_not_make_parked_batches_overdue():
    books = journal(lease_s=0.01, grace_s=0)
    held = claim(books, opened(books), Stage.VALIDATE)
    held.advance(Stage.FORWARD)
    claim(books, held.batch, Stage.FORWARD).park("open", 1)
    put_back(held.batch, 3600)
    assert books.sweep(10) == []
    time.sleep(0.05)
    assert books.sweep(10) == []


def test_only_one_takes_its_turn_to_sweep_and_the_next_turn_comes_in_time():
    books = journal()
    assert sum(at_once(8, lambda _: books.takes_turn(30))) == 1
    assert not books.takes_turn(30)
    redis_client().incrbyfloat(SWEPT, -30)
    assert books.takes_turn(30)


def test_a_clock_that_was_put_back_does_not_put_off_the_next_turn():
    books = journal()
    assert books.takes_turn(5)
    redis_client().incrbyfloat(SWEPT, 3600)
    assert books.takes_turn(5)
    assert not books.takes_turn(5)
