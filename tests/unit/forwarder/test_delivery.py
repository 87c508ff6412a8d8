"""The delivery of a batch: requests, attempts, bisection, and nothing twice."""

from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from celery.exceptions import Retry
from django.utils import timezone

from audit.connections import redis_client
from audit.ids import event_id, last_id_of, new_batch_id
from audit.journal import BATCH, BEHIND, PARKED, Burial, Claim, StaleClaim, journal
from audit.models import Attempt, DeadLetter, Record
from audit.outcomes import DeadStage, Outcome, Stage
from audit.record import mark_delivered
from audit.tasks import store_dead_letters
from forwarder.breaker import Held, State, Wish, breaker
from forwarder.delivery import Delivery
from forwarder.draining import drainer
from forwarder.moogsoft import Destination, Moogsoft
from forwarder.payload import Dialect, Flavour
from forwarder.rate_limit import SLOTS, RateLimit, rate_limit
from forwarder.request import Failed, Means
from forwarder.retry import DeliveryError, Reason
from forwarder.tasks import drain, forward_batch
from mutt_project.why.telling import tell_record
from tests.counting import growth
from tests.unit.forwarder.breaking import trip
from tests.unit.forwarder.moogsoft_double import HERE, OK, Misdeed, MoogsoftDouble, Reply
from tests.unit.forwarder.records import NOW, alert

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]

REFUSED: Reply = (400, {}, b"bad event")
AWAY: Reply = (503, {"Retry-After": "3"}, b"")


def matched(size: int, *outcomes: Outcome) -> UUID:
    """A batch of so many events that waits to be forwarded, with its records."""
    batch = new_batch_id(NOW)
    identifiers = [event_id(batch, place) for place in range(size)]
    entries = [{"id": str(one), "event": {"hostname": f"edge-{place}"}} for place, one in enumerate(identifiers)]
    journal().open(batch, entries, api_key="k", address="a")
    for place, identifier in enumerate(identifiers):
        outcome = outcomes[place] if place < len(outcomes) else Outcome.PENDING
        alert(event_id=identifier, hostname=f"edge-{place}", outcome=outcome.value).save(force_insert=True)
    with journal().claimed(batch, Stage.VALIDATE) as claim:
        claim.advance(Stage.FORWARD)
    return batch


def run(claim: Claim, double: MoogsoftDouble, size: int = 100, dialect: Dialect | None = None) -> UUID | None:
    sender = Moogsoft(Destination(double.url, "key", dialect or Dialect(Flavour.CLOUD), 1, 2, HERE))
    delivery = Delivery(claim, Means(sender, breaker(), rate_limit(), lambda: NOW, size, 100))
    delivery.run()
    return delivery.ahead


def deliver(batch: UUID, double: MoogsoftDouble, size: int = 100, dialect: Dialect | None = None) -> bool:
    """Returns whether any event is to become a dead letter."""
    with journal().claimed(batch, Stage.FORWARD) as claim:
        run(claim, double, size, dialect)
        claim.release()
    return bool(journal().dead(batch))


def outcomes(batch: UUID) -> list[str]:
    records = Record.objects.filter(event_id__gte=batch, event_id__lte=last_id_of(batch))
    return list(records.order_by("event_id").values_list("outcome", flat=True))


def place(batch: UUID) -> tuple[Stage, float]:
    found = journal().stage_of(batch)
    assert found is not None
    return found


def parked() -> list[UUID]:
    found: list[Any] = redis_client().zrange(PARKED, 0, -1)
    return [UUID(raw.decode()) for raw in found]


def ahead_of(batch: UUID) -> UUID | None:
    found: Any = redis_client().hget(BEHIND, str(batch))
    return UUID(found.decode()) if found else None


def of_batch(batch: UUID, field: str) -> str | None:
    """A field of the journal's entry, or None."""
    value: Any = redis_client().hget(BATCH + str(batch), field)
    return value.decode() if value else None


def refusing(*hosts: str):
    """Refuse any request with an event of these hosts."""
    return lambda request: REFUSED if {event["source"] for event in request.body} & set(hosts) else OK


def test_a_batch_is_sent_in_requests_of_at_most_so_many_events(double):
    batch = matched(7)
    assert deliver(batch, double, size=3) is False
    assert [len(request.body) for request in double.requests] == [3, 3, 1]
    assert [event["source"] for event in double.events] == [f"edge-{place}" for place in range(7)]
    assert outcomes(batch) == ["delivered"] * 7
    assert set(Record.objects.values_list("outcome_at", flat=True)) == {NOW}


def test_a_destination_that_takes_one_object_is_sent_one_event_a_request(double):
    deliver(matched(3), double, dialect=Dialect(Flavour.CLOUD, wrap_in_array=False))
    assert [request.body["source"] for request in double.requests] == ["edge-0", "edge-1", "edge-2"]


def test_only_what_is_pending_is_sent(double):
    batch = matched(4, Outcome.IGNORED, Outcome.PENDING, Outcome.UNMATCHED)
    deliver(batch, double)
    assert [event["source"] for event in double.events] == ["edge-1", "edge-3"]
    assert outcomes(batch) == ["ignored", "delivered", "unmatched", "delivered"]


def test_each_request_is_recorded_as_an_attempt(double):
    batch = matched(3)
    deliver(batch, double, size=2)
    first, second = Attempt.objects.all()
    assert (first.batch_id, first.number, first.status, first.reason) == (batch, 1, 200, "")
    assert first.event_ids == [event_id(batch, 0), event_id(batch, 1)]
    assert second.event_ids == [event_id(batch, 2)]
    assert first.excerpt == '{"status":"ok"}'
    assert 0 < first.duration_ms < 5000
    assert first.started_at == NOW


@pytest.mark.parametrize("guilty", range(9))
def test_a_refused_request_is_halved_to_the_guilty_event_and_its_neighbours_are_delivered(double, guilty):
    double.answer = refusing(f"edge-{guilty}")
    batch = matched(9)
    assert deliver(batch, double) is True
    assert outcomes(batch) == ["pending" if place == guilty else "delivered" for place in range(9)]
    assert journal().dead(batch) == {event_id(batch, guilty): Burial(DeadStage.MOOG, "refused", "HTTP 400: bad event")}
    assert len(double.requests) <= 9
    assert Attempt.objects.filter(reason="refused", status=400).count() >= 4


def test_several_guilty_events_are_found(double):
    double.answer = refusing("edge-0", "edge-3", "edge-4")
    batch = matched(6)
    assert deliver(batch, double, size=4) is True
    assert outcomes(batch) == ["pending", "delivered", "delivered", "pending", "pending", "delivered"]
    assert set(journal().dead(batch)) == {event_id(batch, place) for place in (0, 3, 4)}


def test_a_guilty_event_is_not_sent_again_when_the_delivery_goes_on(double):
    double.answer = refusing("edge-1")
    batch = matched(3)
    deliver(batch, double)
    double.requests.clear()
    assert deliver(batch, double) is True
    assert double.requests == []


@pytest.mark.parametrize(
    ("answer", "reason", "status"),
    [
        (AWAY, Reason.SERVER_ERROR, 503),
        ((429, {}, b""), Reason.RATE_LIMITED, 429),
        ((401, {}, b""), Reason.UNAUTHORISED, 401),
        ((302, {"Location": "/"}, b""), Reason.REDIRECTED, 302),
        (Misdeed.RESET, Reason.CONNECTION, None),
    ],
)
def test_a_failure_of_the_whole_request_is_raised_after_the_attempt_is_recorded(double, answer, reason, status):
    double.answer = lambda request: answer
    batch = matched(5)
    with pytest.raises(Failed) as caught:
        deliver(batch, double, size=2)
    assert caught.value.error.reason is reason
    (attempt,) = Attempt.objects.all()
    assert (attempt.reason, attempt.status, len(attempt.event_ids)) == (reason, status, 2)
    assert outcomes(batch) == ["pending"] * 5
    assert journal().dead(batch) == {}


def test_what_was_sent_before_a_failure_stays_sent(double):
    batch = matched(5)
    double.answer = lambda request: OK if len(double.requests) < 2 else AWAY
    with pytest.raises(Failed):
        deliver(batch, double, size=2)
    assert outcomes(batch) == ["delivered"] * 2 + ["pending"] * 3
    double.requests.clear()
    double.answer = lambda request: OK
    deliver(batch, double, size=2)
    assert [event["source"] for event in double.events] == ["edge-2", "edge-3", "edge-4"]
    assert Attempt.objects.count() == 4


def test_what_moogsoft_took_is_never_sent_twice_though_postgresql_was_not_told(double):
    batch = matched(3)
    journal().mark_sent({batch: [event_id(batch, 0), event_id(batch, 2)]})
    deliver(batch, double)
    assert [event["source"] for event in double.events] == ["edge-1"]
    assert outcomes(batch) == ["delivered"] * 3


def test_what_was_sent_is_never_sent_twice_though_postgresql_forgot_it(double):
    batch = matched(3)
    deliver(batch, double, size=2)
    Record.objects.update(outcome="pending", outcome_at=None)
    double.requests.clear()
    deliver(batch, double)
    assert double.requests == []
    assert outcomes(batch) == ["delivered"] * 3


def test_a_worker_that_lost_its_lease_sends_nothing_more(double):
    batch = matched(2)
    with journal().claimed(batch, Stage.FORWARD) as claim:
        claim.release()
        with journal().claimed(batch, Stage.FORWARD), pytest.raises(StaleClaim):
            run(claim, double)
    assert double.requests == []


def test_the_task_delivers_a_batch_and_closes_it(double, destination):
    batch = matched(2)
    forward_batch.run(str(batch))
    assert outcomes(batch) == ["delivered"] * 2
    assert journal().stage_of(batch) is None


def test_the_task_sends_guilty_events_on_to_the_dead_letters_and_closes_the_rest(double, destination):
    double.answer = refusing("edge-1")
    batch = matched(3)
    forward_batch.run(str(batch))
    assert place(batch)[0] is Stage.DLQ
    store_dead_letters.run(str(batch))
    assert outcomes(batch) == ["delivered", "dead", "delivered"]
    (letter,) = DeadLetter.objects.all()
    assert (letter.event_id, letter.stage, letter.reason) == (event_id(batch, 1), "moog", "refused")
    assert letter.payload == {"hostname": "edge-1"}
    assert journal().stage_of(batch) is None


def test_the_task_gives_a_batch_back_before_it_is_retried(double, destination):
    double.answer = lambda request: AWAY
    batch = matched(1)
    before = timezone.now().timestamp()
    with pytest.raises(DeliveryError):  # outside a worker, Celery's retry raises its cause
        forward_batch.run(str(batch))
    stage, queued_at = place(batch)
    assert stage is Stage.FORWARD
    assert queued_at > before + 2.9  # Retry-After said 3
    with journal().claimed(batch, Stage.FORWARD) as claim:
        assert claim.attempt == 2


@pytest.mark.parametrize("guilty", range(5))
def test_the_search_for_a_guilty_event_goes_on_where_a_pause_interrupted_it(double, destination, monkeypatch, guilty):
    """One request at a time, as behind a rate limit that allows no more: it ends all the same."""
    double.answer = refusing(f"edge-{guilty}")
    batch = matched(5)
    for _ in range(20):
        monkeypatch.setattr("forwarder.tasks.rate_limit", lambda: RateLimit(redis_client(), "1/minute"))
        redis_client().delete("mutt:moogsoft:slots")
        if place(batch)[0] is not Stage.FORWARD:
            break
        forward_batch.run(str(batch))
    store_dead_letters.run(str(batch))
    assert outcomes(batch) == ["dead" if place == guilty else "delivered" for place in range(5)]
    assert len(double.requests) <= 7


def test_a_batch_that_the_rate_limit_holds_back_is_parked_and_spends_no_try(double, destination, monkeypatch):
    monkeypatch.setattr("forwarder.tasks.rate_limit", lambda: RateLimit(redis_client(), "1/minute"))
    first, second = two_apart()
    forward_batch.run(str(first))
    forward_batch.run(str(second))
    assert parked() == [second]
    assert of_batch(second, "parked") == "rate"
    assert of_batch(second, "failures") is None
    assert len(double.requests) == 1
    assert journal().sweep(10) == []


def test_a_batch_of_many_requests_goes_on_where_the_rate_limit_stopped_it(double, destination, settings, monkeypatch):
    settings.MOOGSOFT_BATCH_SIZE = 2
    monkeypatch.setattr("forwarder.tasks.rate_limit", lambda: RateLimit(redis_client(), "2/minute"))
    batch = matched(7)
    forward_batch.run(str(batch))
    assert of_batch(batch, "owed") == "3"
    redis_client().delete("mutt:moogsoft:slots")
    forward_batch.run(str(batch))
    assert outcomes(batch) == ["delivered"] * 7
    assert [event["source"] for event in double.events] == [f"edge-{place}" for place in range(7)]


def test_a_failure_that_opens_the_breaker_parks_its_batch_and_so_do_all_that_come_after_it(
    double, destination, settings
):
    settings.MOOGSOFT_BREAKER_FAILURES = 1
    double.answer = lambda request: AWAY
    first, second = two_apart()
    forward_batch.run(str(first))
    assert breaker().view().state is State.OPEN
    forward_batch.run(str(second))
    assert set(parked()) == {first, second}
    assert (of_batch(first, "parked"), of_batch(second, "parked")) == ("server_error", "open")
    assert of_batch(first, "failures") == "0"
    assert len(double.requests) == 1
    assert redis_client().llen("forward") == 0


def test_the_story_of_an_event_says_that_it_is_parked_and_how_often_it_was_sent(double, destination, settings):
    settings.MOOGSOFT_BREAKER_FAILURES = 1
    double.answer = lambda request: AWAY
    batch = matched(1)
    forward_batch.run(str(batch))
    breaker().want(Wish.CLOSED, "try", "alice", 60)
    with suppress(DeliveryError):
        forward_batch.run(str(batch))
    breaker().want(Wish.OPEN, "enough", "alice", 60)
    forward_batch.run(str(batch))
    told = tell_record(Record.objects.get(pk=event_id(batch, 0)))
    assert len(told.attempts) == 2
    assert told.steps[-1].text == "It is parked: somebody has forced the breaker open."


def test_while_it_is_open_any_number_of_messages_costs_no_request_and_no_try(double, destination):
    trip(breaker(), "away")
    batch = matched(1)
    for _ in range(20):
        forward_batch.run(str(batch))
    assert (double.requests, parked(), of_batch(batch, "failures")) == ([], [batch], None)


def test_a_batch_that_fails_any_number_of_times_while_nothing_is_taken_does_not_die(double, destination):
    double.answer = lambda request: AWAY
    batch = matched(2)
    for _ in range(30):  # so slowly that the breaker stays closed
        redis_client().delete("mutt:moogsoft:failures")
        with pytest.raises(DeliveryError):  # outside a worker, Celery's retry raises its cause
            forward_batch.run(str(batch))
    assert (breaker().view().state, outcomes(batch)) == (State.CLOSED, ["pending"] * 2)
    assert of_batch(batch, "suspicions") == "0"
    double.answer = lambda request: OK
    forward_batch.run(str(batch))
    assert outcomes(batch) == ["delivered"] * 2


def test_what_a_batch_failed_during_an_outage_is_not_held_against_it_afterwards(double, destination, settings):
    settings.MOOGSOFT_BREAKER_FAILURES = 1
    double.answer = lambda request: AWAY
    batch = matched(1)
    for _ in range(20):
        breaker().run("automatic", "", "")
        redis_client().hset("mutt:moogsoft:breaker", "state", "closed")
        forward_batch.run(str(batch))
    assert (of_batch(batch, "failures"), of_batch(batch, "suspicions"), outcomes(batch)) == ("0", "0", ["pending"])


def test_suspicion_outlasts_parking_so_that_what_opens_the_breaker_each_time_is_found(double, destination, settings):
    double.answer = lambda request: AWAY
    batch = matched(1)
    for _ in range(6):
        with suppress(DeliveryError):  # outside a worker, Celery's retry raises its cause
            forward_batch.run(str(batch))
        breaker().admit().succeeded()
    assert of_batch(batch, "suspicions") == "5"
    breaker().want(Wish.OPEN, "enough", "alice", 60)
    forward_batch.run(str(batch))
    assert (parked(), of_batch(batch, "suspicions")) == ([batch], "5")


def test_events_that_moogsoft_breaks_on_open_the_breaker_for_nobody_else(double, destination):
    double.answer = lambda request: AWAY
    poisoned = [batch for _ in range(4) for batch in two_apart()]
    for number, batch in enumerate(poisoned):
        Record.objects.filter(event_id__gte=batch, event_id__lte=last_id_of(batch)).update(
            deduplication_key=f"poison {number}"
        )
    for _ in range(11):
        for batch in poisoned:
            redis_client().delete(SLOTS)
            with suppress(DeliveryError):  # outside a worker, Celery's retry raises its cause
                forward_batch.run(str(batch))
            for _ in range(len(poisoned)):
                breaker().admit().succeeded()
    assert (breaker().view().state, parked()) == (State.CLOSED, [])


def test_a_payload_that_cannot_be_made_says_nothing_of_moogsoft(double, destination, settings, monkeypatch):
    monkeypatch.setattr("forwarder.moogsoft.body_of", lambda *_: {"no": object()})
    trip(breaker())
    redis_client().hset("mutt:moogsoft:breaker", "opened_at", 0)
    batch = matched(1)
    forward_batch.run(str(batch))
    assert place(batch)[0] is Stage.DLQ
    assert journal().dead(batch)[event_id(batch, 0)].reason == "unsendable"
    assert breaker().view().state is State.OPEN
    assert (double.requests, Attempt.objects.count()) == ([], 0)


def test_a_batch_that_was_to_try_an_open_breaker_and_has_to_wait_lets_another_one_try(double, destination):
    first, second = two_in_order()
    for batch in (first, second):
        with journal().claimed(batch, Stage.FORWARD) as claim:
            claim.park("open", 1)
    trip(breaker())
    redis_client().hset("mutt:moogsoft:breaker", "opened_at", 0)
    tried: list[UUID] = []
    while first not in tried:  # any of the two may be the one to try
        ((batch,),) = drainer().release()
        tried.append(batch)
        forward_batch.run(str(batch))
    assert outcomes(first) == ["delivered"]
    assert breaker().view().state is State.CLOSED


def test_what_the_rate_limit_held_back_goes_before_the_backlog(double, destination, monkeypatch):
    old, new = two_apart()
    with journal().claimed(old, Stage.FORWARD) as claim:
        claim.park("open", 1)
    monkeypatch.setattr("forwarder.tasks.rate_limit", lambda: RateLimit(redis_client(), "1/minute"))
    breaker().admit(turn=rate_limit().turn)
    forward_batch.run(str(new))
    assert (of_batch(new, "parked"), parked()) == ("rate", [new, old])


def test_an_event_that_moogsoft_breaks_on_is_found_while_others_are_taken_and_dies_alone(double, destination):
    double.answer = lambda request: AWAY if "edge-2" in {event["source"] for event in request.body} else OK
    batch = matched(4)
    for _ in range(60):
        redis_client().delete("mutt:moogsoft:failures")
        if place(batch)[0] is not Stage.FORWARD:
            break
        with suppress(DeliveryError):  # outside a worker, Celery's retry raises its cause
            forward_batch.run(str(batch))
        breaker().admit().succeeded()  # somebody else's request
    store_dead_letters.run(str(batch))
    assert outcomes(batch) == ["delivered", "delivered", "dead", "delivered"]
    assert DeadLetter.objects.get().reason == "server_error"
    assert breaker().view().state is State.CLOSED


def test_a_key_that_moogsoft_refuses_pauses_the_destination_and_no_event_dies(double, destination, settings):
    double.answer = lambda request: (401, {}, b"unknown key")
    first, second = two_apart()
    forward_batch.run(str(first))
    forward_batch.run(str(second))
    assert set(parked()) == {first, second}
    assert len(double.requests) == 1
    assert drain() == 0
    paused = breaker().view().paused
    assert paused is not None
    assert paused.reason == "HTTP 401: unknown key"
    settings.MUTT_SECRETS = {"MOOGSOFT_API_KEY": "a-new-key"}
    double.answer = lambda request: OK
    for batch in (first, second):
        forward_batch.run(str(batch))
    assert outcomes(first) == outcomes(second) == ["delivered"]


def test_a_429_holds_everybody_for_as_long_as_it_asks_and_spends_no_try(double, destination):
    double.answer = lambda request: (429, {"Retry-After": "7"}, b"")
    first, second = two_apart()
    forward_batch.run(str(first))
    with pytest.raises(Held) as caught:
        breaker().admit(turn=rate_limit().turn)
    assert 6 < caught.value.wait_s <= 7
    forward_batch.run(str(second))
    assert len(double.requests) == 1
    assert (of_batch(first, "parked"), of_batch(second, "parked")) == ("rate_limited", "retry_after")
    assert breaker().view().failures == 0
    assert drain() == 0


def test_a_probe_that_fails_spends_no_try_of_its_batch(double, destination, settings):
    settings.MOOGSOFT_BREAKER_OPEN_S = 0.001
    double.answer = lambda request: AWAY
    batch = matched(1)
    for _ in range(30):
        trip(breaker(), "away")
        redis_client().hset("mutt:moogsoft:breaker", "opened_at", 0)
        forward_batch.run(str(batch))
    assert len(double.requests) == 30
    assert (of_batch(batch, "failures"), outcomes(batch)) == ("0", ["pending"])


def two_in_order() -> tuple[UUID, UUID]:
    """Two batches with an alert each, of the same key."""
    first, second = sorted([matched(1), matched(1)])
    return first, second


def two_apart() -> tuple[UUID, UUID]:
    """Two batches with an alert each, of different keys."""
    first, second = two_in_order()
    Record.objects.filter(event_id__gte=second, event_id__lte=last_id_of(second)).update(deduplication_key="another")
    return first, second


def test_an_alert_waits_for_an_earlier_one_of_its_key_and_goes_out_right_after_it(double, destination):
    first, second = two_in_order()
    forward_batch.run(str(second))
    assert double.requests == []
    assert (of_batch(second, "parked"), parked()) == ("order", [])
    assert ahead_of(second) == first
    forward_batch.run(str(first))
    assert outcomes(first) == ["delivered"]
    assert redis_client().llen("forward") == 1  # the second is on its way
    assert redis_client().hlen(BEHIND) == 0
    forward_batch.run(str(second))
    assert outcomes(second) == ["delivered"]
    assert [event["tags"]["batch_id"] for event in double.events] == [str(first), str(second)]


def test_alerts_of_other_keys_do_not_wait(double, destination):
    first, second = two_apart()
    forward_batch.run(str(second))
    assert (outcomes(first), outcomes(second)) == (["pending"], ["delivered"])


def test_of_a_batch_only_the_alerts_of_that_key_wait(double, destination):
    first, second = sorted([matched(2), matched(2)])
    Record.objects.filter(event_id=event_id(first, 0)).update(deduplication_key="first alone")
    Record.objects.filter(event_id=event_id(first, 1)).update(deduplication_key="both")
    Record.objects.filter(event_id=event_id(second, 0)).update(deduplication_key="both")
    Record.objects.filter(event_id=event_id(second, 1)).update(deduplication_key="second alone")
    forward_batch.run(str(second))
    assert outcomes(second) == ["pending", "delivered"]
    assert of_batch(second, "owed") == "1"


def test_a_batch_waits_for_the_one_right_before_it_so_that_each_frees_one(double, destination):
    batches = sorted(matched(1) for _ in range(4))
    for batch in reversed(batches[1:]):
        forward_batch.run(str(batch))
    assert [ahead_of(batch) for batch in batches[1:]] == batches[:-1]
    for batch in batches:
        forward_batch.run(str(batch))
    assert [event["tags"]["batch_id"] for event in double.events] == [str(batch) for batch in batches]


def test_nobody_waits_for_an_earlier_alert_whose_batch_is_in_no_journal(double, destination):
    first, second = two_in_order()
    redis_client().delete(BATCH + str(first))
    forward_batch.run(str(second))
    assert outcomes(second) == ["delivered"]


def test_those_behind_a_batch_whose_end_is_the_dead_letters_go_on_too(double, destination):
    first, second = two_in_order()
    forward_batch.run(str(second))
    double.answer = lambda request: REFUSED
    forward_batch.run(str(first))
    assert parked() == []
    store_dead_letters.run(str(first))
    double.answer = lambda request: OK
    assert parked() == [second]
    assert drain() == 1
    forward_batch.run(str(second))
    assert outcomes(second) == ["delivered"]


def test_who_comes_as_the_one_ahead_is_closed_does_not_wait_for_ever(double, destination):
    first, second = two_in_order()
    with journal().claimed(second, Stage.FORWARD) as claim:
        forward_batch.run(str(first))
        claim.park("order", 1, behind=first)
    assert parked() == [second]


def test_an_alert_that_was_delivered_holds_nobody_up(double, destination):
    first, second = two_in_order()
    mark_delivered([event_id(first, 0)], NOW)
    forward_batch.run(str(second))
    assert outcomes(second) == ["delivered"]


def test_how_long_deliveries_took_is_told_once_for_each_event(double):
    batch = matched(3, Outcome.IGNORED)
    with growth("mutt_delivery_latency_seconds_count") as delivered:
        deliver(batch, double)
        deliver(batch, double)
    assert delivered.by == 2


def test_a_retry_is_counted_by_what_failed(destination, double):
    batch = matched(1)
    double.answer = lambda request: AWAY
    with growth("mutt_delivery_retries_total", reason="server_error") as retries, suppress(Retry, DeliveryError):
        forward_batch.run(str(batch))
    assert retries.by == 1
