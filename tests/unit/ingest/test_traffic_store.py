"""Traffic in PostgreSQL: added by several, folded exactly, dropped when old; and the thread that brings it there."""

import os
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection
from django.db.models import Sum

from ingest import traffic_store
from ingest.answers import Why
from ingest.tasks import fold_traffic
from ingest.traffic import Counts, Traffic
from ingest.traffic_flushing import Flushing
from ingest.traffic_models import RefusedRequests, TrafficMinute

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 25, 21, 17, 30, tzinfo=UTC)


def cell(at: datetime, answer: str = "accepted", requests: int = 1, events: int = 1) -> Counts:
    return Counts(minutes={(int(at.timestamp()) // 60, "syslog", answer): (requests, events)})


def refused(at: datetime, address: str, requests: int = 1, key: str = "rsyslog") -> Counts:
    hour = int(at.timestamp()) // 3600
    return Counts(refused={(hour, "revoked_key", key, address): (requests, at.timestamp())})


def minutes() -> list[tuple[datetime, str, int, int]]:
    return list(
        TrafficMinute.objects.order_by("minute", "answer").values_list("minute", "answer", "requests", "events")
    )


def test_counts_of_several_processes_are_added_up():
    for _ in range(3):
        traffic_store.add(cell(NOW, requests=2, events=5))
        traffic_store.add(refused(NOW, "192.0.2.1", 2))
    traffic_store.add(refused(NOW - timedelta(seconds=5), "192.0.2.1"))
    assert minutes() == [(NOW.replace(second=0), "accepted", 6, 15)]
    row = RefusedRequests.objects.get()
    assert (row.hour, row.requests, row.last_at) == (NOW.replace(minute=0, second=0), 7, NOW)


def test_a_name_that_postgresql_cannot_hold_loses_nothing():
    traffic_store.add(refused(NOW, "192.0.2.1", key="a\x00b"))
    assert RefusedRequests.objects.get().api_key == "a␀b"


def test_minutes_older_than_two_days_become_hours_exactly_and_only_once():
    old = (NOW - timedelta(days=2)).replace(minute=0, second=0)
    for minute in (-120, -61, -60, -59, -1, 0, 5, 59):  # from 0 on they are younger
        traffic_store.add(cell(old + timedelta(minutes=minute), requests=1, events=minute + 1000))
        traffic_store.add(cell(old + timedelta(minutes=minute), answer="full"))
    traffic_store.fold(NOW)
    hours = {(at, requests, events) for at, answer, requests, events in minutes() if answer == "accepted"}
    assert hours == {
        (old - timedelta(hours=2), 2, 880 + 939),
        (old - timedelta(hours=1), 3, 940 + 941 + 999),
        *((old + timedelta(minutes=minute), 1, minute + 1000) for minute in (0, 5, 59)),
    }
    once = minutes()
    traffic_store.fold(NOW)
    assert minutes() == once
    traffic_store.add(cell(old - timedelta(minutes=50), requests=4))  # counted while PostgreSQL was away
    traffic_store.fold(NOW)
    assert TrafficMinute.objects.get(minute=old - timedelta(hours=1), answer="accepted").requests == 7


def test_what_is_too_old_is_dropped():
    for days in (0, 13, 15, 99, 101):
        traffic_store.add(cell(NOW - timedelta(days=days)))
        traffic_store.add(refused(NOW - timedelta(days=days), "192.0.2.1"))
    traffic_store.fold(NOW)
    assert TrafficMinute.objects.count() == 4
    assert RefusedRequests.objects.count() == 2


def test_the_task_folds_by_the_clock():
    traffic_store.add(cell(datetime.now(UTC) - timedelta(days=101)))
    fold_traffic.run()
    assert not TrafficMinute.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_processes_that_add_and_fold_at_once_neither_lose_nor_double_a_request():
    old = NOW - timedelta(days=3)
    together = threading.Barrier(4)
    failures = []

    def work(number: int) -> None:
        try:
            together.wait()
            for turn in range(30):
                counts = Counts()
                for minute in sorted(range(10), reverse=bool(number % 2)):
                    counts.minutes.update(cell(old + timedelta(minutes=minute + turn), events=2).minutes)
                traffic_store.add(counts)
                traffic_store.fold(NOW)
        except Exception as error:  # noqa: BLE001 - it is raised below, where it is seen
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert TrafficMinute.objects.aggregate(Sum("requests"), Sum("events")) == {
        "requests__sum": 4 * 30 * 10,
        "events__sum": 4 * 30 * 10 * 2,
    }


def test_while_postgresql_is_away_counts_wait_and_are_stored_later(postgresql_leaves, caplog):
    counted = Traffic(NOW.timestamp)
    stored: list[Counts] = []

    def store(counts: Counts) -> None:
        traffic_store.add(counts)
        stored.append(counts)

    flushing = Flushing(counted, store)
    postgresql_leaves()
    for _ in range(3):
        counted.count("syslog", [("accepted", 1, 2)])
        counted.count_refused("syslog", Why.KEYS_UNAVAILABLE, "", "192.0.2.1")
        assert flushing.flush() is False
    assert stored == []
    assert caplog.text.count("traffic cannot be stored") == 1
    flushing = Flushing(counted, stored.append)
    assert flushing.flush() is True
    minute = int(NOW.timestamp()) // 60
    assert stored[0].minutes == {(minute, "syslog", "accepted"): (3, 6), (minute, "syslog", "keys_unavailable"): (3, 0)}
    assert [requests for requests, _ in stored[0].refused.values()] == [3]


def test_whatever_goes_wrong_no_count_is_forgotten():
    counted = Traffic(NOW.timestamp)
    counted.count("syslog", [("accepted", 1, 2)])

    def fail(_: Counts) -> None:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError):
        Flushing(counted, fail).flush()
    assert len(counted.take()) == 1


def test_a_thread_stores_what_was_counted_and_goes_on_after_a_failure():
    counted = Traffic(NOW.timestamp)
    done, tries = threading.Event(), []

    def store(counts: Counts) -> None:
        tries.append(len(counts))
        if len(tries) == 1:
            raise OperationalError
        done.set()

    flushing = Flushing(counted, store)
    counted.count("syslog", [("accepted", 1, 2)])
    for _ in range(3):
        flushing.ensure(0.01)
    assert done.wait(20)
    assert tries == [1, 1]
    assert [thread.name for thread in threading.enumerate()].count("traffic") == 1


def test_without_an_interval_there_is_no_thread():
    before = threading.active_count()
    Flushing(Traffic(), lambda _: None).ensure(0)
    assert threading.active_count() == before


def test_a_forked_process_has_a_thread_of_its_own():
    read, write = os.pipe()
    counted = Traffic()

    def store(counts: Counts) -> None:
        os.write(write, f"{len(counts)}".encode())

    flushing = Flushing(counted, store)
    flushing.ensure(0.01)
    child = os.fork()
    if not child:
        counted.forget()  # as the process' own are told, by os.register_at_fork
        flushing.forget()
        counted.count("syslog", [("accepted", 1, 2)])
        flushing.ensure(0.01)
        threading.Event().wait(20)
        os._exit(0)
    try:
        assert os.read(read, 10) == b"1"
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
