"""The journal: claims under leases, hand-over, the end of a batch."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from redis.exceptions import ResponseError

from audit.connections import redis_client
from audit.entry import Entry
from audit.ids import event_id, new_batch_id
from audit.journal import (
    BATCH,
    BEHIND,
    MOST_ABANDONED,
    OPEN,
    OPENED,
    PARKED,
    TOTALS,
    Abandoned,
    Burial,
    Failing,
    NotClaimed,
    Notes,
    StaleClaim,
)
from audit.outcomes import DeadStage, Stage
from tests.unit.audit.batches import NOW, at_once, bury, claim, journal, opened

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
    assert books.open(batch, [{"id": "another", "event": {}}], api_key="x", address="y") is None
    assert books.totals().accepted == 3


def test_a_batch_that_many_open_at_once_is_counted_once():
    books, batch = journal(), new_batch_id(datetime.now(UTC))
    entry: Entry = {"id": str(event_id(batch, 0)), "event": {}}
    assert set(at_once(8, lambda _: books.open(batch, [entry], api_key="k", address="a"))) == {None}
    totals = books.totals()
    assert (totals.accepted, totals.open_batches, totals.unrecorded) == (1, 1, {batch: 1})


def test_a_batch_that_redis_refuses_to_count_is_not_opened_at_all():
    books = journal()
    redis_client().set(TOTALS, "not a hash")
    with pytest.raises(ResponseError):
        opened(books)
    assert redis_client().keys("*") == [TOTALS.encode()]


def test_the_events_of_a_batch_come_back_as_they_went_in():
    books, batch = journal(), new_batch_id(datetime.now(UTC))
    event = {"message": "„ß“ \x00 \U0001f525", "deep": [1, -0.5, None, {"": True}], "big": 2**63}
    books.open(batch, [{"id": "x", "event": event}], api_key="schlüssel", address="2001:db8::1")
    held = claim(books, batch, Stage.VALIDATE)
    assert (held.events, held.api_key, held.address) == ([{"id": "x", "event": event}], "schlüssel", "2001:db8::1")
    assert books.look(batch) == (Stage.VALIDATE, held.events)
    assert books.look(new_batch_id(datetime.now(UTC))) is None


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


def test_of_many_workers_that_want_a_batch_at_once_one_gets_it():
    books = journal()
    batch = opened(books)

    def take(_: int) -> int | None:
        try:
            return claim(books, batch, Stage.VALIDATE).attempt
        except NotClaimed:
            return None

    assert sorted(at_once(8, take), key=str) == [1, *[None] * 7]


def test_a_claim_that_runs_twice_because_its_answer_was_lost_is_one_attempt():
    books = journal()
    batch = opened(books)
    keys, words = (
        [BATCH + str(batch), OPEN, PARKED, BEHIND, f"mutt:dead:{batch}"],
        (str(batch), "validate", "token", 30, 10, ""),
    )
    assert [books.run("claim", keys, *words)[6] for _ in range(2)] == [b"1", b"1"]


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


def test_a_lease_that_ran_out_does_not_undo_the_work_while_nobody_else_has_come():
    books = journal(lease_s=0.02)
    batch = opened(books)
    held = claim(books, batch, Stage.VALIDATE)
    time.sleep(0.05)
    held.advance(Stage.MATCH)
    assert books.stage_of(batch)[0] is Stage.MATCH  # type: ignore[index]


def test_what_a_worker_gave_back_for_later_is_not_given_back_again_when_it_leaves():
    books = journal(grace_s=0)
    batch = opened(books)
    with pytest.raises(RuntimeError), books.claimed(batch, Stage.VALIDATE) as held:  # noqa: PT012 - the body is the case
        held.release(delay_s=30)
        raise RuntimeError
    time.sleep(0.01)
    assert books.sweep(10) == []


def test_a_worker_whose_batch_was_taken_over_does_not_give_back_what_is_not_its_own():
    books = journal(lease_s=0.02)
    batch = opened(books)
    slow = claim(books, batch, Stage.VALIDATE)
    time.sleep(0.05)
    longer = journal(lease_s=30)
    quick = claim(longer, batch, Stage.VALIDATE)
    slow.release()
    with pytest.raises(NotClaimed, match="held"):
        claim(longer, batch, Stage.VALIDATE)
    quick.finish()


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
    claim(books, batch, Stage.VALIDATE).advance(Stage.MATCH, [{"id": "x", "event": 1}])
    held = claim(books, batch, Stage.MATCH)
    assert (held.events, held.attempt) == ([{"id": "x", "event": 1}], 1)
    held.advance(Stage.FORWARD)
    assert claim(books, batch, Stage.FORWARD).events == [{"id": "x", "event": 1}]


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
    books.mark_sent({batch: [event_id(batch, 0)]})
    why = Burial(DeadStage.MOOG, "refused", "why")
    held = claim(books, batch, Stage.VALIDATE)
    held.mark_dead({event_id(batch, 1): why})
    held.halve([event_id(batch, 1)], 2)
    assert books.sent(batch) == {event_id(batch, 0)}
    assert books.dead(batch) == {event_id(batch, 1): why}
    assert books.notes_on([batch]) == [Notes({event_id(batch, 0)}, {event_id(batch, 1)}, {event_id(batch, 1): 2})]
    held.finish()
    books.mark_sent({batch: [event_id(batch, 1)]})  # by a worker that was very slow
    for late in (lambda: held.mark_dead({event_id(batch, 1): why}), lambda: held.condemn(event_id(batch, 1), why)):
        with pytest.raises(StaleClaim):
            late()
    assert redis_client().keys("*") == [b"mutt:totals"]


def test_what_is_noted_of_several_batches_is_told_batch_by_batch():
    books = journal()
    first, plain, last = opened(books), opened(books), opened(books)
    books.mark_sent({first: [event_id(first, 0), event_id(first, 1)], last: [event_id(last, 1)]})
    claim(books, last, Stage.VALIDATE).halve([event_id(last, 0)], 4)
    nothing: set[UUID] = set()
    assert books.notes_on([first, plain, last]) == [
        Notes({event_id(first, 0), event_id(first, 1)}, nothing, {}),
        Notes(nothing, nothing, {}),
        Notes({event_id(last, 1)}, nothing, {event_id(last, 0): 4}),
    ]


def test_posts_are_numbered_for_each_batch_and_its_lease_is_a_full_one_again():
    books = journal(lease_s=20)
    held = [claim(books, opened(books), Stage.VALIDATE) for _ in range(2)]
    assert books.number_posts(held[:1]) == [1]
    before = lease_of(held[1].batch)
    assert books.number_posts(held) == [2, 1]
    assert lease_of(held[0].batch) == lease_of(held[1].batch) > before
    assert redis_client().zscore(OPEN, str(held[1].batch)) == pytest.approx(lease_of(held[1].batch), abs=0.01)


def test_no_post_is_numbered_where_one_of_the_claims_is_somebody_elses_by_now():
    books = journal()
    held = [claim(books, opened(books), Stage.VALIDATE) for _ in range(3)]
    redis_client().hset(f"mutt:batch:{held[1].batch}", "token", "somebody else's")
    before = lease_of(held[0].batch)
    with pytest.raises(StaleClaim, match=str(held[1].batch)):
        books.number_posts(held)
    assert lease_of(held[0].batch) == before
    assert books.number_posts([held[0], held[2]]) == [1, 1]


def lease_of(batch: UUID) -> float:
    """Until when a batch is held."""
    found: Any = redis_client().hget(f"mutt:batch:{batch}", "lease_until")
    return float(found)


def test_a_batch_that_is_opened_once_more_has_nothing_left_of_before():
    books = journal()
    batch = opened(books)
    held = claim(books, batch, Stage.VALIDATE)
    held.mark_dead({event_id(batch, 1): Burial(DeadStage.MOOG, "refused", "why")})
    held.halve([event_id(batch, 1)], 2)
    redis_client().delete(f"mutt:batch:{batch}")  # an end that could not tidy up
    assert books.reopen(batch, [], seq=1, api_key="k", address="a")
    assert not books.reopen(batch, [], seq=1, api_key="k", address="a")
    assert books.notes_on([batch]) == [Notes(set(), set(), {})]


def test_a_call_to_open_a_batch_once_more_that_is_repeated_on_the_wire_gets_the_same_answer():
    books, batch = journal(), UUID(int=7 << 80)
    keys = [f"mutt:batch:{batch}", OPEN, "mutt:dead:", "mutt:halved:", OPENED]
    asked = [str(batch), b"[]", 0, 1, "k", "a", 15]
    assert [books.run("reopen", keys, *asked, call) for call in ("one", "one", "two")] == [1, 1, 0]


def test_a_buried_batch_waits_for_the_dead_letters_with_its_reason_and_cannot_be_buried_again():
    books = journal()
    batch = opened(books)
    held = claim(books, batch, Stage.VALIDATE)
    burial = Burial(DeadStage.ALERTER, "internal_error", "it broke")
    assert not bury(books, batch, burial)  # somebody holds it
    assert not books.bury(batch, burial, Stage.MATCH, held.token)  # it stands elsewhere
    assert not books.bury(batch, burial, Stage.VALIDATE, "another token")
    assert books.bury(batch, burial, Stage.VALIDATE, held.token)
    assert not bury(books, batch, Burial(DeadStage.MOOG, "refused", "later"))
    assert books.burial(batch) == burial
    with pytest.raises(StaleClaim):
        held.advance(Stage.MATCH)
    claim(books, batch, Stage.DLQ).finish()
    assert not bury(books, batch, burial)


def test_a_worker_that_gave_its_batch_back_cannot_bury_it_any_more():
    books = journal()
    batch = opened(books)
    held = claim(books, batch, Stage.VALIDATE)
    held.release()
    burial = Burial(DeadStage.ALERTER, "internal_error", "")
    assert not books.bury(batch, burial, Stage.VALIDATE, held.token)
    assert books.bury(batch, burial, Stage.VALIDATE)


def test_a_batch_that_its_holders_do_not_give_back_is_offered_ten_times_and_then_no_more():
    books = journal(lease_s=0.001)
    batch = opened(books)
    for attempt in range(MOST_ABANDONED + 1):
        assert claim(books, batch, Stage.VALIDATE).attempt == attempt + 1
        time.sleep(0.002)
    with pytest.raises(Abandoned):
        claim(books, batch, Stage.VALIDATE)


def test_only_failures_of_moogsoft_count_as_failures():
    books = journal()
    batch = opened(books)
    for _ in range(5):  # PostgreSQL was away
        claim(books, batch, Stage.VALIDATE).release()
    claim(books, batch, Stage.VALIDATE).release(1, Failing(1, 0, -1))
    assert claim(books, batch, Stage.VALIDATE).failing == Failing(1, 0, -1)


def test_abandoned_claims_are_counted_for_each_stage_anew_and_the_dead_letters_never_abandon_a_batch():
    books = journal(lease_s=0.001)
    batch = opened(books)

    def abandon(stage: Stage, times: int) -> None:
        for _ in range(times):
            claim(books, batch, stage)
            time.sleep(0.002)

    abandon(Stage.VALIDATE, MOST_ABANDONED)
    claim(books, batch, Stage.VALIDATE).advance(Stage.MATCH)
    abandon(Stage.MATCH, MOST_ABANDONED)
    claim(books, batch, Stage.MATCH).advance(Stage.DLQ)
    abandon(Stage.DLQ, MOST_ABANDONED * 2)


def test_errors_are_counted_for_each_stage_anew_and_not_for_a_batch_that_is_closed():
    books = journal()
    batch = opened(books)
    assert [books.count_error(batch) for _ in range(3)] == [1, 2, 3]
    claim(books, batch, Stage.VALIDATE).advance(Stage.MATCH)
    assert books.count_error(batch) == 1
    claim(books, batch, Stage.MATCH).finish()
    assert books.count_error(batch) == 0
    assert redis_client().keys("mutt:batch:*") == []


def test_the_oldest_open_batch_is_told_by_when_it_was_opened():
    books = journal()
    assert books.oldest_open_age_s() is None
    first, second = opened(books), opened(books)
    redis_client().zincrby(OPENED, -100, str(first))
    redis_client().zincrby(OPENED, -50, str(second))
    age = books.oldest_open_age_s()
    assert age is not None
    assert 100 <= age < 130
    claim(books, first, Stage.VALIDATE).finish()
    age = books.oldest_open_age_s()
    assert age is not None
    assert 50 <= age < 80
    claim(books, second, Stage.VALIDATE).finish()
    assert books.oldest_open_age_s() is None


def test_a_batch_that_is_opened_again_is_not_as_old_as_its_events():
    books = journal()
    batch = opened(books)
    held = claim(books, batch, Stage.VALIDATE)
    held.finish()
    books.reopen(batch, held.events, seq=held.seq, api_key="sensor", address="127.0.0.1")
    age = books.oldest_open_age_s()
    assert age is not None
    assert age < 30


def test_the_place_of_a_batch_tells_who_holds_it_why_it_is_parked_and_what_it_is_behind():
    books = journal()
    front, batch = opened(books, now=NOW), opened(books, now=NOW + timedelta(seconds=1))
    place = books.place_of(batch)
    assert place is not None
    assert (place.stage, place.parked, place.held_until, place.api_key) == (Stage.VALIDATE, None, None, "sensor")
    assert place.due is not None
    assert place.due > place.queued_at
    held = claim(books, batch, Stage.VALIDATE)
    assert books.place_of(batch).held_until is not None  # type: ignore[union-attr]
    held.park("order", 1, behind=front)
    parked = books.place_of(batch)
    assert parked is not None
    assert (parked.parked, parked.behind, parked.due, parked.held_until) == ("order", front, None, None)
    assert books.place_of(new_batch_id(NOW)) is None


def test_the_newest_batches_without_a_record_are_known_and_how_many_there_are():
    books = journal()
    batches = [opened(books, now=NOW + timedelta(seconds=number)) for number in range(4)]
    claim(books, batches[3], Stage.VALIDATE).finish()
    assert books.unrecorded(2) == ([batches[2], batches[1]], 3)


def test_a_batch_that_was_closed_past_the_list_of_openings_is_forgotten():
    books = journal()
    gone, there = opened(books), opened(books)
    redis_client().zincrby(OPENED, -100, str(gone))
    redis_client().zincrby(OPENED, -50, str(there))
    redis_client().delete(f"{BATCH}{gone}")
    age = books.oldest_open_age_s()
    assert age is not None
    assert 50 <= age < 80
    assert redis_client().zcard(OPENED) == 1
