"""Several batches in common requests: what goes together, and what is left to go by itself."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from audit.connections import redis_client
from audit.grouping import in_groups
from audit.ids import event_id, last_id_of, new_batch_id
from audit.journal import BATCH, BEHIND, Claim, Failing, journal
from audit.models import Attempt, Record
from audit.outcomes import Outcome, Stage
from audit.record import mark_delivered
from forwarder.breaker import State, Wish, breaker
from forwarder.delivery import Delivery
from forwarder.draining import drainer
from forwarder.moogsoft import moogsoft, moogsoft_with
from forwarder.rate_limit import SLOTS, RateLimit, rate_limit
from forwarder.tasks import _means, drain, forward_batch, forward_together
from forwarder.together import Together
from tests.unit.forwarder.moogsoft_double import OK, MoogsoftDouble, Reply
from tests.unit.forwarder.records import NOW, alert

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server", "destination")]

REFUSED: Reply = (400, {}, b"bad event")
AWAY: Reply = (503, {}, b"")


def batches(number: int, size: int = 1, keys: str = "{batch}-{place}") -> list[UUID]:
    """So many batches that wait to be forwarded, in the order of their receipt, with their records."""
    made = []
    for place in range(number):
        batch = new_batch_id(NOW + timedelta(milliseconds=place))
        identifiers = [event_id(batch, of_batch) for of_batch in range(size)]
        entries = [{"id": str(one), "event": {"hostname": f"edge-{place}"}} for one in identifiers]
        journal().open(batch, entries, api_key="k", address="a")
        for of_batch, identifier in enumerate(identifiers):
            key = keys.format(batch=place, place=of_batch)
            alert(
                event_id=identifier, hostname=f"edge-{place}", outcome=Outcome.PENDING.value, deduplication_key=key
            ).save(force_insert=True)
        claimed(batch, Stage.VALIDATE).advance(Stage.FORWARD)
        made.append(batch)
    return made


def claimed(batch: UUID, stage: Stage = Stage.FORWARD) -> Claim:
    return journal()._claim(batch, stage)  # noqa: SLF001 - the context manager would release it


def together(*of: UUID) -> None:
    forward_together.run([str(batch) for batch in of])


def outcomes(of: list[UUID]) -> list[str]:
    found = Record.objects.in_bulk([event_id(batch, 0) for batch in of])
    return [found[event_id(batch, 0)].outcome for batch in of]


def sources(double: MoogsoftDouble) -> list[list[str]]:
    return [[event["source"] for event in request.body] for request in double.requests]


def queued() -> int:
    return int(redis_client().llen("forward"))


def parked_for(of: list[UUID]) -> list[str | None]:
    places = [journal().place_of(batch) for batch in of]
    return [place.parked if place else None for place in places]


def refusing(*hosts: str):
    return lambda request: REFUSED if {event["source"] for event in request.body} & set(hosts) else OK


def test_many_batches_are_sent_in_one_request_in_the_order_of_their_receipt_and_closed(double):
    made = batches(10)
    together(*reversed(made))
    assert sources(double) == [[f"edge-{place}" for place in range(10)]]
    assert outcomes(made) == ["delivered"] * 10
    assert journal().totals().open_batches == 0
    attempts = Attempt.objects.order_by("id")
    assert [attempt.batch_id for attempt in attempts] == made
    assert {(attempt.number, attempt.status, len(attempt.event_ids)) for attempt in attempts} == {(1, 200, 1)}
    assert len({attempt.started_at for attempt in attempts}) == 1


def test_a_request_holds_no_more_events_than_it_may(double, settings):
    settings.MOOGSOFT_BATCH_SIZE = 5
    together(*batches(4, size=2))
    assert [len(request.body) for request in double.requests] == [4, 4]


def test_a_batch_that_is_closed_or_held_by_somebody_is_left_out(double):
    closed, held, free, another = batches(4)
    forward_batch.run(str(closed))
    claimed(held)
    double.requests.clear()
    together(closed, held, free, another)
    assert sources(double) == [["edge-2", "edge-3"]]
    assert outcomes([held, free]) == ["pending", "delivered"]


@pytest.mark.parametrize("guilty", range(7))
def test_a_guilty_event_dies_alone_and_its_neighbours_are_delivered(double, guilty):
    double.answer = refusing(f"edge-{guilty}")
    made = batches(7)
    together(*made)
    assert outcomes(made) == ["pending" if place == guilty else "delivered" for place in range(7)]
    assert len(double.requests) <= 7
    assert list(journal().dead(made[guilty])) == [event_id(made[guilty], 0)]
    assert journal().stage_of(made[guilty])[0] is Stage.DLQ  # type: ignore[index] # it is open


def test_a_guilty_event_of_a_larger_batch_is_looked_for_by_that_batch_alone(double):
    double.answer = refusing("edge-1")
    made = batches(3, size=4)
    together(*made)
    assert outcomes(made) == ["delivered", "pending", "delivered"]
    assert queued() == 1


def test_an_event_of_which_no_payload_can_be_made_holds_nobody_up(double, monkeypatch):
    made = batches(4)
    broken = event_id(made[1], 0)
    make = moogsoft().body

    def body(alerts, threshold):
        return make([] if broken in {one.event_id for one in alerts} else alerts, threshold)

    monkeypatch.setattr("forwarder.moogsoft.body_of", lambda alerts, *_: [1 / len(alerts)])
    monkeypatch.setattr(moogsoft(), "body", body)
    together(*made)
    assert outcomes(made) == ["delivered", "pending", "delivered", "delivered"]


def test_all_are_parked_where_nothing_may_go_out(double):
    made = batches(3)
    breaker().want(Wish.OPEN, "maintenance", "alice", 60)
    together(*made)
    assert (double.requests, parked_for(made)) == ([], ["forced_open"] * 3)


def test_what_fails_is_parked_and_each_goes_alone_the_next_time(double):
    double.answer = lambda request: AWAY
    made = batches(3)
    together(*made)
    assert parked_for(made) == ["server_error"] * 3
    assert len(double.requests) == 1
    assert breaker().view().failures == 1
    double.answer = lambda request: OK
    redis_client().hset("mutt:moogsoft:ramp", mapping={"credit": 10, "rate": 40, "failures_seen": 1})
    assert drain() == 3
    for batch in made:
        forward_batch.run(str(batch))
    assert sources(double)[1:] == [["edge-0"], ["edge-1"], ["edge-2"]]


def test_a_failure_that_opens_the_breaker_is_held_against_nobody(double, settings):
    settings.MOOGSOFT_BREAKER_FAILURES = 1
    double.answer = lambda request: AWAY
    made = batches(3)
    together(*made)
    assert breaker().view().state is State.OPEN
    assert [claimed(batch).failing.failures for batch in made] == [0] * 3


@pytest.mark.parametrize(
    ("answer", "why"), [((429, {"Retry-After": "9"}, b""), "rate_limited"), ((401, {}, b""), "unauthorised")]
)
def test_a_pause_that_moogsoft_asks_for_is_kept_and_held_against_nobody(double, answer, why):
    double.answer = lambda request: answer
    made = batches(3)
    together(*made)
    assert parked_for(made) == [why] * 3
    assert drain() == 0
    assert [claimed(batch).failing for batch in made] == [Failing()] * 3


def test_alerts_of_one_key_go_in_one_request_in_the_order_of_their_receipt(double):
    made = batches(5, keys="the same")
    together(*made)
    assert sources(double) == [[f"edge-{place}" for place in range(5)]]
    assert outcomes(made) == ["delivered"] * 5


def test_who_follows_one_that_has_to_go_alone_does_not_overtake_it(double):
    made = batches(4, keys="the same")
    with journal().claimed(made[1], Stage.FORWARD) as claim:
        claim.release(0, Failing(1))  # it has failed before
    together(*made)
    assert sources(double) == [["edge-0"]]
    assert outcomes(made) == ["delivered", "pending", "pending", "pending"]
    assert queued() == 3


def test_who_waits_for_one_that_is_elsewhere_is_not_sent(double):
    elsewhere, *made = batches(4, keys="the same")
    claimed(elsewhere)
    together(*made)
    assert double.requests == []
    assert parked_for(made) == ["order"] * 3
    assert journal().waiting().in_line == 3


def test_what_was_taken_before_and_not_recorded_is_not_sent_again(double):
    made = batches(3)
    journal().mark_sent({made[1]: [event_id(made[1], 0)]})
    together(*made)
    assert sources(double) == [["edge-0", "edge-2"]]
    assert outcomes(made) == ["delivered"] * 3


def test_a_batch_with_nothing_left_to_send_is_closed(double):
    made = batches(3)
    mark_delivered([event_id(made[0], 0)], NOW)
    together(*made)
    assert sources(double) == [["edge-1", "edge-2"]]
    assert journal().totals().open_batches == 0


def test_small_batches_that_the_rate_limit_held_back_go_out_in_one_request(double, monkeypatch):
    monkeypatch.setattr("forwarder.tasks.rate_limit", lambda: RateLimit(redis_client(), "1/minute"))
    breaker().admit(turn=rate_limit().turn)
    made = batches(20)
    for batch in made:
        forward_batch.run(str(batch))
    assert double.requests == []
    redis_client().delete(SLOTS)
    assert drain() == 20
    together(*made)
    assert [len(request.body) for request in double.requests] == [20]


def test_records_of_events_are_found_whatever_else_is_in_their_batches(double):
    one, two = batches(2, size=3)
    mark_delivered([event_id(one, 1), event_id(two, 0)], NOW)
    together(one, two)
    assert [len(request.body) for request in double.requests] == [4]
    assert not Record.objects.filter(event_id__lte=last_id_of(two), outcome=Outcome.PENDING.value).exists()


def test_a_destination_that_takes_one_event_at_a_time_gets_them_so_whoever_grouped_them(double, settings):
    """As when workers are started again with another setting, and messages of before are still there."""
    settings.MOOGSOFT_ARRAY = False
    moogsoft_with.cache_clear()
    made = batches(3)
    (larger,) = batches(1, size=2, keys="another-{place}")
    together(*made, larger)
    assert [request.body["source"] for request in double.requests] == ["edge-0", "edge-1", "edge-2"]
    assert outcomes(made) == ["delivered"] * 3
    assert queued() == 1


def test_who_was_refused_among_others_goes_alone_the_next_time_also_if_the_search_was_interrupted(double, monkeypatch):
    monkeypatch.setattr("forwarder.tasks.rate_limit", lambda: RateLimit(redis_client(), "1/minute"))
    double.answer = refusing("edge-1")
    made = batches(3)
    together(*made)
    assert parked_for(made) == ["rate"] * 3
    redis_client().hset("mutt:moogsoft:ramp", mapping={"credit": 10, "rate": 40})
    assert drainer().release() == [[batch] for batch in made]


def test_one_that_was_under_suspicion_goes_alone(double):
    made = batches(3)
    with journal().claimed(made[1], Stage.FORWARD) as claim:
        claim.release(0, Failing(suspicions=1))
    together(*made)
    assert sources(double) == [["edge-0", "edge-2"]]
    assert queued() == 1


def test_many_that_wait_for_the_same_one_are_freed_at_once_and_go_in_one_request(double):
    first, *others = batches(5, keys="the same")
    held = claimed(first)
    for batch in others:
        forward_batch.run(str(batch))
    assert set(redis_client().hvals(BEHIND)) == {str(first).encode()}
    held.release()
    forward_batch.run(str(first))
    assert queued() == 1
    together(*others)
    assert sources(double) == [["edge-0"], ["edge-1", "edge-2", "edge-3", "edge-4"]]


def test_a_row_of_those_that_wait_is_freed_in_bounded_steps(double, monkeypatch):
    monkeypatch.setattr("audit.journal.MOST_BEHIND", 2)
    first, *others = batches(4, keys="the same")
    held = claimed(first)
    for batch in others:
        forward_batch.run(str(batch))
    raw: Any = redis_client().hgetall(BEHIND)
    behind = {place.decode(): front.decode() for place, front in raw.items()}
    assert [behind[str(batch)] for batch in others] == [str(first), str(first), str(others[1])]
    held.release()


def test_a_claim_that_was_lost_on_the_way_does_not_stop_the_others(double):
    made = batches(3)

    def taken_over(_):
        redis_client().hset(f"{BATCH}{made[1]}", "token", "of somebody else")
        return OK

    double.answer = taken_over
    together(*made)
    assert journal().open_among(made) == {made[1]}
    assert outcomes(made) == ["delivered"] * 3


def test_batches_are_put_together_as_one_request_can_hold_them():
    owed = [(UUID(int=number), events) for number, events in enumerate([40, 60, 1, 250, 100, 1, 1])]
    groups = in_groups(owed, 100)
    assert [[batch.int for batch in group] for group in groups] == [[0, 1], [2], [3], [4], [5, 6]]


def test_no_event_dies_of_an_address_that_is_refused_and_all_goes_on_once_it_is_permitted(double, settings):
    permitted, settings.MOOGSOFT_ALLOWED_NETWORKS = settings.MOOGSOFT_ALLOWED_NETWORKS, []
    moogsoft_with.cache_clear()
    made = batches(3)
    together(*made)
    assert double.requests == []
    assert outcomes(made) == ["pending"] * 3
    assert parked_for(made) == ["address_refused"] * 3
    assert not any(journal().dead(batch) for batch in made)
    settings.MOOGSOFT_ALLOWED_NETWORKS = permitted
    moogsoft_with.cache_clear()
    for batch in made:
        forward_batch.run(str(batch))
    assert outcomes(made) == ["delivered"] * 3


def test_one_that_somebody_has_taken_over_is_left_out_and_the_others_go(double):
    made = batches(4)

    with journal().claimed_together(made, Stage.FORWARD) as claims:
        redis_client().hset(f"{BATCH}{made[1]}", "token", "another's")
        means = _means()
        Together([Delivery(claim, means) for claim in claims], means).run()
    assert sources(double) == [["edge-0", "edge-2", "edge-3"]]
    assert outcomes(made) == ["delivered", "pending", "delivered", "delivered"]
