"""The scheduled canary: sent like any event, and its end is noticed."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from audit.connections import redis_client
from audit.ids import batch_of, received_at
from audit.journal import journal
from audit.models import Record
from audit.record import pending_alerts
from forwarder.payload import Dialect, Flavour, body_of
from ingest import canary
from ingest.admission import gate
from ingest.tasks import validate_batch
from rules.tasks import match_batch

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]

send = canary.send_canary.run  # without the base task, which would close the connection of the test


@pytest.fixture(autouse=True)
def canaries_are_on(settings):
    settings.MUTT_CANARY_EVERY_S = 60.0
    gate.cache_clear()
    yield
    gate.cache_clear()


def awaited() -> list[UUID]:
    redis: Any = redis_client()
    return [UUID(raw.decode()) for raw in redis.zrange(canary.AWAITED, 0, -1)]


def decide(event: UUID) -> None:
    validate_batch.run(str(batch_of(event)))
    match_batch.run(str(batch_of(event)))


def age_in(seconds: float) -> float:
    age = canary.age_s(datetime.now(UTC) + timedelta(seconds=seconds))
    assert age is not None
    return age


def scraped() -> bytes:
    lines = Client().get("/metrics").content.splitlines()
    return next((line for line in lines if line.startswith(b"mutt_canary_age_seconds")), b"")


def test_a_canary_that_was_decided_is_noticed_with_the_next_one():
    assert canary.age_s(datetime.now(UTC)) is None
    assert scraped() == b""
    send()
    (first,) = awaited()
    decide(first)
    send()
    (second,) = awaited()
    assert second != first
    record = Record.objects.get(pk=first)
    assert (record.outcome, record.api_key, record.address, record.reason) == (
        "suppressed",
        "mutt-canary",
        "beat",
        "canary",
    )
    now = datetime.now(UTC)
    assert canary.age_s(now) == pytest.approx((now - received_at(first)).total_seconds(), abs=0.001)
    assert float(scraped().split()[1]) < 60


def test_where_none_comes_through_the_age_grows_from_the_first_one():
    send()
    send()
    assert len(awaited()) == 2
    assert 3600 <= age_in(3600) < 3700


def test_one_that_comes_through_late_makes_the_newest_no_older():
    send()
    send()
    early, late = awaited()
    decide(late)
    canary.look()
    decide(early)
    canary.look()
    assert awaited() == []
    assert age_in(0) <= (datetime.now(UTC) - received_at(late)).total_seconds() + 0.001


def test_while_nothing_comes_through_only_some_are_sent():
    for _ in range(canary.MOST_AWAITED + 3):
        send()
    assert len(awaited()) == canary.MOST_AWAITED == journal().totals().accepted


def test_none_is_put_into_a_full_journal(settings):
    settings.MUTT_OPEN_BATCHES_HIGH = 0
    send()
    assert journal().totals().accepted == 0
    assert age_in(60) >= 60


def test_one_that_died_has_not_come_through():
    send()
    (event,) = awaited()
    decide(event)
    Record.objects.filter(pk=event).update(outcome="dead")
    canary.look()
    assert awaited() == []
    assert age_in(600) >= 600


def test_a_canary_that_is_delivered_waits_for_moogsoft_and_is_clear_there(settings):
    settings.MUTT_CANARY_DELIVERS = True
    send()
    (event,) = awaited()
    decide(event)
    canary.look()
    assert awaited() == [event]
    (sent,) = body_of(pending_alerts([batch_of(event)]), Dialect(Flavour.CLOUD), 100)
    assert (sent["severity"], sent["deduplication_key"]) == ("clear", "mutt:canary")


def test_without_canaries_there_is_no_metric(settings):
    send()
    assert scraped()
    settings.MUTT_CANARY_EVERY_S = 0.0
    assert scraped() == b""
