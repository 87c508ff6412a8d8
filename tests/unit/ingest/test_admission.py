"""The gate with its two marks, for all web processes; rates of keys."""

import logging
from collections.abc import Iterator

import pytest

from audit.connections import redis_client
from audit.journal import OPEN, Marks, Pressure
from ingest.admission import Gate, rates
from tests.unit.audit.batches import journal

MARKS = Marks(batches_high=5, batches_low=3, memory_high=0.9, memory_low=0.5)


@pytest.fixture(autouse=True)
def _empty(redis_server: None) -> Iterator[None]:
    rates.cache_clear()
    usual = str(redis_client().config_get("maxmemory")["maxmemory"])
    redis_client().config_set("maxmemory", 0)
    yield
    redis_client().config_set("maxmemory", usual)


def fill(batches: int) -> None:
    redis_client().delete(OPEN)
    if batches:
        redis_client().zadd(OPEN, {f"batch-{number}": number for number in range(batches)})


def is_full() -> bool:
    return journal().pressure(MARKS).full


def test_the_journal_is_full_from_its_high_mark_until_it_is_down_to_its_low_mark():
    for batches, full in ((4, False), (5, True), (9, True), (4, True), (3, False), (4, False), (5, True), (0, False)):
        fill(batches)
        assert journal().pressure(MARKS) == Pressure(full, batches, 0), batches


def test_memory_closes_the_journal_likewise():
    used = redis_client().info("memory")["used_memory"]
    for factor, full in ((4, False), (1.05, True), (1.6, True), (4, False)):
        redis_client().config_set("maxmemory", int(used * factor))
        assert is_full() == full, factor


def test_without_a_limit_memory_never_closes_it():
    assert journal().pressure(MARKS).memory == 0


def gate(every_s: float = 0, books=journal, clock=None) -> Gate:
    return Gate(lambda: MARKS, every_s, books, **({"clock": clock} if clock else {}))


def test_every_process_sees_the_same_gate():
    first, second = gate(), gate()
    fill(5)
    assert first.is_closed()
    fill(4)
    assert second.is_closed()
    fill(3)
    assert not second.is_closed()
    assert not first.is_closed()


def test_the_gate_asks_no_oftener_than_it_may():
    now = [100.0]
    watched = gate(every_s=1, clock=lambda: now[0])
    assert not watched.is_closed()
    fill(5)
    now[0] += 0.9
    assert not watched.is_closed()
    now[0] += 0.2
    assert watched.is_closed()


@pytest.mark.usefixtures("redis_away")
def test_without_redis_the_gate_stays_open_for_the_journal_to_refuse():
    from audit.journal import journal as of_process  # noqa: PLC0415 - the one that points to nowhere

    assert not gate(books=of_process).is_closed()


def test_closing_and_opening_are_logged_once_each(caplog):
    caplog.set_level(logging.WARNING, "ingest.admission")
    watched = gate()
    for batches in (5, 6, 7, 2, 1):
        fill(batches)
        watched.pressure()
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert "5 open batches" in caplog.records[0].getMessage()


def test_a_rate_lets_so_many_through_and_then_says_how_long_to_wait():
    assert [rates().wait_s("key:a", "3/minute") for _ in range(3)] == [0, 0, 0]
    wait_s = rates().wait_s("key:a", "3/minute")
    assert 1 <= wait_s <= 60
    assert rates().wait_s("key:b", "3/minute") == 0


def test_no_rate_means_no_limit():
    assert {rates().wait_s("key:a", "") for _ in range(100)} == {0}


@pytest.mark.usefixtures("redis_away")
def test_without_redis_nobody_is_over_a_limit():
    rates.cache_clear()
    assert rates().wait_s("key:a", "1/hour") == 0
    assert rates().wait_s("key:a", "1/hour") == 0
