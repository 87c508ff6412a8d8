"""The delivery of a batch: requests, attempts, bisection, and nothing twice."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from django.utils import timezone

from audit.ids import event_id, new_batch_id
from audit.journal import Claim, StaleClaim, journal
from audit.models import Attempt, DeadLetter, Record
from audit.outcomes import Outcome, Stage
from audit.tasks import store_dead_letters
from forwarder.delivery import Delivery
from forwarder.moogsoft import Destination, Moogsoft, moogsoft
from forwarder.payload import Dialect, Flavour
from forwarder.retry import DeliveryError, Reason
from forwarder.tasks import forward_batch
from tests.unit.forwarder.moogsoft_double import OK, Misdeed, MoogsoftDouble, Reply, serve
from tests.unit.forwarder.records import NOW, alert

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]

REFUSED: Reply = (400, {}, b"bad event")
AWAY: Reply = (503, {"Retry-After": "3"}, b"")


@pytest.fixture
def double() -> Iterator[MoogsoftDouble]:
    with serve() as running:
        yield running


@pytest.fixture
def destination(double: MoogsoftDouble, settings) -> Iterator[None]:
    """Make the double the destination of this process."""
    settings.MOOGSOFT_URL = double.url
    moogsoft.cache_clear()
    yield
    moogsoft.cache_clear()


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


def run(claim: Claim, double: MoogsoftDouble, size: int = 100, dialect: Dialect | None = None) -> bool:
    sender = Moogsoft(Destination(double.url, "key", dialect or Dialect(Flavour.CLOUD), 1, 2))
    return Delivery(claim, sender, clock=lambda: NOW, size=size, unmatched_threshold=100).run()


def deliver(batch: UUID, double: MoogsoftDouble, size: int = 100, dialect: Dialect | None = None) -> bool:
    with journal().claimed(batch, Stage.FORWARD) as claim:
        dead = run(claim, double, size, dialect)
        claim.release()
    return dead


def outcomes(batch: UUID) -> list[str]:
    return list(Record.objects.filter(event_id__gte=batch).order_by("event_id").values_list("outcome", flat=True))


def place(batch: UUID) -> tuple[Stage, float]:
    found = journal().stage_of(batch)
    assert found is not None
    return found


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
    assert journal().dead(batch) == {event_id(batch, guilty): ("refused", "HTTP 400: bad event")}
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
    with pytest.raises(DeliveryError) as caught:
        deliver(batch, double, size=2)
    assert caught.value.reason is reason
    (attempt,) = Attempt.objects.all()
    assert (attempt.reason, attempt.status, len(attempt.event_ids)) == (reason, status, 2)
    assert outcomes(batch) == ["pending"] * 5
    assert journal().dead(batch) == {}


def test_what_was_sent_before_a_failure_stays_sent(double):
    batch = matched(5)
    double.answer = lambda request: OK if len(double.requests) < 2 else AWAY
    with pytest.raises(DeliveryError):
        deliver(batch, double, size=2)
    assert outcomes(batch) == ["delivered"] * 2 + ["pending"] * 3
    double.requests.clear()
    double.answer = lambda request: OK
    deliver(batch, double, size=2)
    assert [event["source"] for event in double.events] == ["edge-2", "edge-3", "edge-4"]
    assert Attempt.objects.count() == 4


def test_what_moogsoft_took_is_never_sent_twice_though_postgresql_was_not_told(double):
    batch = matched(3)
    journal().mark_sent(batch, [event_id(batch, 0), event_id(batch, 2)])
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


def test_the_task_buries_a_batch_that_can_never_be_delivered(double, destination):
    double.answer = lambda request: (302, {"Location": "/"}, b"")
    batch = matched(2)
    forward_batch.run(str(batch))
    store_dead_letters.run(str(batch))
    assert outcomes(batch) == ["dead"] * 2
    assert set(DeadLetter.objects.values_list("reason", flat=True)) == {"redirected"}
