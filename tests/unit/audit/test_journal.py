"""The journal: claims under leases, hand-over, sweeping."""

import time
from uuid import UUID

import pytest

from audit.connections import redis_client
from audit.ids import event_id
from audit.journal import BATCH, OPEN, Burial, NotClaimed, StaleClaim
from audit.outcomes import DeadStage, Stage
from tests.unit.audit.batches import claim, journal, opened

pytestmark = pytest.mark.usefixtures("redis_server")


def test_an_opened_batch_is_counted_indexed_and_can_be_claimed_with_its_events():
    books = journal()
    batch = opened(books, size=2)
    totals = books.totals()
    assert (totals.accepted, totals.unrecorded, totals.open_batches) == (2, {batch: 2}, 1)
    with books.claimed(batch, Stage.VALIDATE) as held:
        assert [UUID(item["id"]) for item in held.events] == [event_id(batch, 0), event_id(batch, 1)]
        assert (held.api_key, held.address, held.size, held.seq, held.attempt) == ("sensor", "127.0.0.1", 2, 2, 1)


def test_opening_a_batch_twice_counts_it_once():
    books = journal()
    batch = opened(books)
    assert books.open(batch, [{"id": "another"}], api_key="x", address="y") == 3
    assert books.totals().accepted == 3


def test_the_sequence_of_a_batch_is_the_number_of_events_accepted_until_then():
    books = journal()
    first, second = opened(books, size=3), opened(books, size=4)
    assert claim(books, first, Stage.VALIDATE).seq == 3
    assert claim(books, second, Stage.VALIDATE).seq == 7


@pytest.mark.parametrize("stage", [Stage.MATCH, Stage.FORWARD, Stage.DLQ])
def test_a_batch_is_not_claimed_for_a_stage_where_it_does_not_stand(stage: Stage):
    books = journal()
    batch = opened(books)
    with pytest.raises(NotClaimed, match="elsewhere"), books.claimed(batch, stage):
        pass


def test_a_batch_that_is_held_or_gone_is_not_claimed():
    books = journal()
    batch = opened(books)
    with books.claimed(batch, Stage.VALIDATE) as held:
        with pytest.raises(NotClaimed, match="held"), books.claimed(batch, Stage.VALIDATE):
            pass
        held.finish()
    with pytest.raises(NotClaimed, match="gone"), books.claimed(batch, Stage.VALIDATE):
        pass


def test_a_worker_whose_lease_ran_out_can_change_nothing_once_another_holds_the_batch():
    books = journal(lease_s=0.05)
    batch = opened(books)
    slow = claim(books, batch, Stage.VALIDATE)
    time.sleep(0.1)
    quick = claim(books, batch, Stage.VALIDATE)
    assert quick.attempt == 2
    for step in (slow.renew, slow.finish, lambda: slow.advance(Stage.MATCH)):
        with pytest.raises(StaleClaim):
            step()
    slow.release()
    assert books.stage_of(batch)[0] is Stage.VALIDATE  # type: ignore[index]
    quick.renew()
    quick.advance(Stage.MATCH)


def test_a_renewed_lease_holds_longer():
    books = journal(lease_s=0.2)
    batch = opened(books)
    held = claim(books, batch, Stage.VALIDATE)
    for _ in range(4):
        time.sleep(0.1)
        held.renew()
    with pytest.raises(NotClaimed, match="held"), books.claimed(batch, Stage.VALIDATE):
        pass


def test_a_claim_whose_work_fails_is_given_back_and_the_attempt_counted():
    books = journal()
    batch = opened(books)
    attempts = []
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), books.claimed(batch, Stage.VALIDATE) as held:
            attempts.append(held.attempt / (held.attempt - held.attempt))
        attempts.append(held.attempt)
    assert attempts == [1, 2, 3]


def test_handing_on_moves_the_stage_replaces_the_events_and_starts_the_attempts_anew():
    books = journal()
    batch = opened(books)
    claim(books, batch, Stage.VALIDATE).release()
    claim(books, batch, Stage.VALIDATE).advance(Stage.MATCH, [{"id": "x"}])
    held = claim(books, batch, Stage.MATCH)
    assert (held.events, held.attempt) == ([{"id": "x"}], 1)


def test_a_batch_counts_as_unrecorded_until_it_is_handed_to_forward_or_closed():
    books = journal()
    batch, other = opened(books), opened(books)
    claim(books, batch, Stage.VALIDATE).advance(Stage.MATCH)
    assert set(books.totals().unrecorded) == {batch, other}
    claim(books, batch, Stage.MATCH).advance(Stage.FORWARD)
    assert set(books.totals().unrecorded) == {other}
    claim(books, other, Stage.VALIDATE).finish()
    assert books.totals().unrecorded == {}


def test_a_closed_batch_leaves_nothing_behind_but_the_count():
    books = journal()
    batch = opened(books)
    books.mark_sent(batch, [event_id(batch, 0)])
    books.mark_dead(batch, {event_id(batch, 1): ("refused", "why")})
    assert books.sent(batch) == {event_id(batch, 0)}
    assert books.dead(batch) == {event_id(batch, 1): ("refused", "why")}
    claim(books, batch, Stage.VALIDATE).finish()
    assert redis_client().keys("*") == [b"mutt:totals"]


def test_a_buried_batch_waits_for_the_dead_letters_with_its_reason_and_cannot_be_buried_again():
    books = journal()
    batch = opened(books)
    held = claim(books, batch, Stage.VALIDATE)
    burial = Burial(DeadStage.ALERTER, "internal_error", "it broke")
    assert books.bury(batch, burial)
    assert not books.bury(batch, Burial(DeadStage.MOOG, "refused", "later"))
    assert books.burial(batch) == burial
    with pytest.raises(StaleClaim):
        held.advance(Stage.MATCH)
    claim(books, batch, Stage.DLQ).finish()
    assert not books.bury(batch, burial)


def test_an_overdue_batch_is_swept_once_in_each_grace():
    books = journal(grace_s=0.2)
    batch = opened(books)
    assert books.sweep(10) == []
    time.sleep(0.3)
    assert [(found.batch, found.stage) for found in books.sweep(10)] == [(batch, Stage.VALIDATE)]
    assert books.sweep(10) == []
    time.sleep(0.3)
    assert len(books.sweep(10)) == 1


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
    books.requeued(batch)
    assert books.stage_of(batch)[1] > before  # type: ignore[index]
    claim(books, batch, Stage.VALIDATE).finish()
    books.requeued(batch)
    assert books.stage_of(batch) is None
