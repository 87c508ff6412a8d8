"""Records: exactly one for each event, whatever runs twice."""

import threading
from dataclasses import asdict
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import IntegrityError, OperationalError, close_old_connections, connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.ids import event_id, new_batch_id
from audit.models import Attempt, Record
from audit.outcomes import Outcome
from audit.record import (
    Post,
    RecordRow,
    add_attempts,
    batched,
    mark_delivered,
    pending_alerts,
    record_delivery,
    recorded_outcomes,
    write_records,
)
from tests.unit.audit.batches import NOW, row

pytestmark = pytest.mark.django_db


def test_every_field_of_a_record_lies_in_the_column_of_its_name():
    identifier = event_id(new_batch_id(NOW), 0)
    written = RecordRow(
        event_id=identifier,
        journal_seq=11,
        received_at=NOW,
        api_key="sensor",
        address="192.0.2.1",
        source="syslog",
        correlation_id="a request's",
        hostname="edge-1",
        event_time=NOW - timedelta(seconds=3, microseconds=1),
        message="link “down”\n%s",
        syslog_severity="Error",
        trap_oid="1.3.6",
        source_type="snmptrap",
        clears=True,
        notes=["clock_skew"],
        event={"hostname": "edge-1", "deep": [1, {"ü": None}]},
        rule_set_version=12,
        rule_id=13,
        rule_name="Down",
        handling="Ignore",
        environment="dev",
        team="NETO",
        reason="why",
        deduplication_key="mutt:13:edge-1:x",
        outcome=Outcome.IGNORED,
        outcome_at=NOW + timedelta(seconds=1),
    )
    write_records([written])
    assert Record.objects.values().get() == asdict(written)


def test_writing_records_twice_leaves_one_for_each_event_and_the_first_decision_stands():
    batch = new_batch_id(NOW)
    first = [row(event_id(batch, number), Outcome.IGNORED) for number in range(3)]
    second = [row(event_id(batch, number), Outcome.PENDING, message="other") for number in range(1, 5)]
    assert write_records(first)
    assert not write_records(second)
    found = recorded_outcomes(batch)
    assert [found[event_id(batch, number)].value for number in range(5)] == ["ignored"] * 3 + ["pending"] * 2
    assert Record.objects.filter(message="other").count() == 2


@given(st.lists(st.lists(st.tuples(st.integers(0, 7), st.sampled_from(Outcome))), max_size=6))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_however_writes_overlap_each_event_has_one_record_by_its_first_decision(writes):
    batch = new_batch_id(NOW)
    first: dict[UUID, Outcome] = {}
    for write in writes:
        decisions = [(event_id(batch, position), outcome) for position, outcome in write]
        fresh = [identifier for identifier, _ in decisions if identifier not in first]
        all_fresh = len(fresh) == len(set(fresh)) == len(decisions)
        assert write_records([row(identifier, outcome) for identifier, outcome in decisions]) is all_fresh
        for identifier, outcome in decisions:
            first.setdefault(identifier, outcome)
    assert recorded_outcomes(batch) == first


@pytest.mark.django_db(transaction=True)
def test_of_workers_that_write_the_same_batch_at_once_one_decides_all_of_it():
    batch = new_batch_id(NOW)
    start = threading.Barrier(4)
    complete: list[Outcome] = []

    def write(outcome: Outcome) -> None:
        start.wait()
        try:
            if write_records([row(event_id(batch, number), outcome) for number in range(300)]):
                complete.append(outcome)
        finally:
            connection.close()

    outcomes = [Outcome.IGNORED, Outcome.UNMATCHED, Outcome.SUPPRESSED, Outcome.PENDING]
    workers = [threading.Thread(target=write, args=(outcome,)) for outcome in outcomes]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(complete) == 1
    assert list(recorded_outcomes(batch).values()) == complete * 300


@pytest.mark.django_db(transaction=True)
def test_a_write_that_fails_half_way_leaves_nothing():
    batch = new_batch_id(NOW)
    written = [row(event_id(batch, number)) for number in range(1500)]
    with pytest.raises(IntegrityError):
        write_records([*written, row(event_id(batch, 1500), message=None)])
    assert Record.objects.count() == 0


@pytest.mark.parametrize(
    ("fields", "held"),
    [
        ({"event": {"a": ["x\0y"]}}, {"event": {"a": ["x␀y"]}}),
        ({"event": {"a\0": "\ud83d"}}, {"event": {"a␀": "�"}}),
        ({"message": "x\0y"}, {"message": "x␀y"}),
    ],
)
def test_what_postgresql_cannot_hold_is_replaced_and_its_neighbours_are_written_as_they_are(fields, held):
    batch = new_batch_id(NOW)
    assert write_records([row(event_id(batch, 0)), row(event_id(batch, 1), **fields)])
    first, second = Record.objects.order_by("event_id")
    assert (first.message, first.event) == ("m", {"hostname": "h"})
    assert {name: getattr(second, name) for name in held} == held


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_postgresql_ends_meanwhile_shows_as_djangos_error_and_is_replaced():
    written = [row(event_id(new_batch_id(NOW), 0))]
    connection.ensure_connection()
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
    other.close()
    with pytest.raises(OperationalError):
        write_records(written)
    close_old_connections()
    assert write_records(written)


def test_more_records_than_one_statement_takes_are_written():
    batch = new_batch_id(NOW)
    assert write_records([row(event_id(batch, number)) for number in range(2345)])
    assert len(recorded_outcomes(batch)) == 2345


def test_writing_nothing_writes_nothing():
    assert write_records([])
    assert Record.objects.count() == 0


@given(st.lists(st.integers(), max_size=20), st.integers(1, 7))
def test_pieces_are_whole_in_order_and_small_enough(items: list[int], size: int):
    pieces = list(batched(items, size))
    assert [item for piece in pieces for item in piece] == items
    assert all(0 < len(piece) <= size for piece in pieces)
    assert len(pieces) == -(-len(items) // size)


def test_the_records_of_a_batch_are_its_own():
    batch, other = new_batch_id(NOW), new_batch_id(NOW)
    write_records([row(event_id(one, number), Outcome.PENDING) for one in (other, batch) for number in (1, 0)])
    assert [record.event_id for record in pending_alerts([batch])] == [event_id(batch, 0), event_id(batch, 1)]
    assert set(recorded_outcomes(batch)) == {event_id(batch, 0), event_id(batch, 1)}
    assert recorded_outcomes(new_batch_id(NOW)) == {}


def test_only_what_is_pending_is_still_to_be_delivered_and_only_that_becomes_delivered():
    batch = new_batch_id(NOW)
    identifiers = [event_id(batch, number) for number in range(len(Outcome) + 1)]
    write_records([row(identifiers[number], outcome) for number, outcome in enumerate(Outcome)])
    write_records([row(identifiers[-1], Outcome.PENDING)])
    assert [record.event_id for record in pending_alerts([batch])] == [identifiers[0], identifiers[-1]]
    later = NOW + timedelta(minutes=5)
    mark_delivered(identifiers[:-1], later)
    found = recorded_outcomes(batch)
    ends = ["delivered", "delivered", "ignored", "unmatched", "suppressed", "dead", "pending"]
    assert [found[identifier].value for identifier in identifiers] == ends
    ended = Record.objects.filter(outcome_at=later)
    assert [record.event_id for record in ended] == [identifiers[0]]


def test_an_event_that_was_delivered_before_keeps_its_time():
    identifier = event_id(new_batch_id(NOW), 0)
    write_records([row(identifier, Outcome.PENDING)])
    mark_delivered([identifier], NOW)
    mark_delivered([identifier], NOW + timedelta(hours=1))
    assert Record.objects.get().outcome_at == NOW


def test_each_attempt_is_a_row_of_its_own():
    batch = new_batch_id(NOW)
    events = [event_id(batch, 0), event_id(batch, 1)]
    for number in (1, 2):
        add_attempts(Post({batch: events}, [number], NOW, 1.5, 500, "server_error", "HTTP 500: \\ \"'"))
    assert [(one.number, one.event_ids) for one in Attempt.objects.all()] == [(1, events), (2, events)]


def test_a_post_that_was_taken_is_recorded_with_its_attempts_and_what_it_delivered():
    one, other = new_batch_id(NOW), new_batch_id(NOW)
    events = {one: [event_id(one, 1), event_id(one, 0)], other: [event_id(other, 0)]}
    write_records([row(event, Outcome.PENDING) for of_batch in events.values() for event in of_batch])
    mark_delivered([event_id(one, 1)], NOW)
    excerpt = 'taken: "{}", \\n'
    newly = record_delivery(Post(events, [3, 1], NOW, 2.5, 202, "", excerpt), NOW + timedelta(minutes=1))
    assert set(newly) == {event_id(one, 0), event_id(other, 0)}
    assert set(Record.objects.values_list("outcome", flat=True)) == {"delivered"}
    found = Attempt.objects.values_list("batch_id", "event_ids", "number", "duration_ms", "status", "reason", "excerpt")
    assert list(found.order_by("-number")) == [
        (one, events[one], 3, 2.5, 202, "", excerpt),
        (other, events[other], 1, 2.5, 202, "", excerpt),
    ]


@pytest.mark.django_db(transaction=True)
def test_of_a_post_that_was_taken_all_is_recorded_or_nothing():
    batch = new_batch_id(NOW)
    write_records([row(event_id(batch, 0), Outcome.PENDING)])
    with pytest.raises(IntegrityError):
        record_delivery(Post({batch: [event_id(batch, 0)]}, [-1], NOW), NOW)
    assert (Attempt.objects.count(), Record.objects.get().outcome) == (0, "pending")


def test_what_is_pending_tells_what_is_ahead_of_it():
    keys = [(0, "k"), (1, "")]
    first, second, third = (new_batch_id(NOW + timedelta(seconds=number)) for number in range(3))
    for batch in (first, second, third):
        write_records([row(event_id(batch, number), Outcome.PENDING, deduplication_key=key) for number, key in keys])
    ignored = row(event_id(second, 3), Outcome.IGNORED, deduplication_key="k")
    write_records([row(event_id(third, 2), Outcome.PENDING, deduplication_key="k"), ignored])
    ahead = [(alert.event_id, alert.batch, alert.ahead) for alert in pending_alerts([first, third])]
    assert ahead == [
        (event_id(first, 0), first, None),
        (event_id(first, 1), first, None),
        (event_id(third, 0), third, event_id(second, 0)),
        (event_id(third, 1), third, None),
        (event_id(third, 2), third, event_id(second, 0)),
    ]
