"""The copy of a process: how old it may be, and what holds while nobody tells."""

import logging
from collections.abc import Iterator

import pytest
from redis.exceptions import ConnectionError as NotConnected

from audit.connections import redis_client
from audit.metrics import SETTINGS_READ_FAILURES
from audit.tuning.present import PUBLISHED, Present, Snapshot, present, tuned


class Redis:
    """What is published, as a test has it; and how often somebody asked."""

    def __init__(self) -> None:
        self.content: bytes | None = None
        self.away = False
        self.asked = 0

    def read(self) -> bytes | None:
        self.asked += 1
        if self.away:
            raise NotConnected
        return self.content


@pytest.fixture
def redis() -> Redis:
    return Redis()


@pytest.fixture
def now() -> list[float]:
    return [1000.0]


@pytest.fixture
def copy(redis, now) -> Present:
    return Present(redis.read, most_age_s=2, clock=lambda: now[0])


def publish(redis: Redis, version: int, **values: object) -> None:
    redis.content = Snapshot(version, values).as_json()


def test_what_nobody_set_is_as_the_environment_says(copy, settings):
    settings.MOOGSOFT_BATCH_SIZE = 33
    assert copy.value("MOOGSOFT_BATCH_SIZE") == 33


def test_a_value_is_asked_for_when_it_is_two_seconds_old_and_not_before(copy, redis, now):
    publish(redis, 1, MOOGSOFT_BATCH_SIZE=5)
    assert copy.value("MOOGSOFT_BATCH_SIZE") == 5
    publish(redis, 2, MOOGSOFT_BATCH_SIZE=6)
    now[0] += 1.9
    assert (copy.value("MOOGSOFT_BATCH_SIZE"), redis.asked) == (5, 1)
    now[0] += 0.2
    assert (copy.value("MOOGSOFT_BATCH_SIZE"), redis.asked) == (6, 2)
    publish(redis, 3)
    now[0] += 2
    assert (copy.value("MOOGSOFT_BATCH_SIZE"), copy.snapshot.version) == (100, 3)


def test_while_redis_is_away_or_has_lost_it_the_last_values_hold_and_it_is_logged_once(copy, redis, now, caplog):
    publish(redis, 1, MOOGSOFT_BATCH_SIZE=5)
    assert copy.value("MOOGSOFT_BATCH_SIZE") == 5
    failures = SETTINGS_READ_FAILURES._value.get()  # noqa: SLF001 - prometheus_client offers no other way
    redis.away = True
    for _ in range(3):
        now[0] += 2
        assert copy.value("MOOGSOFT_BATCH_SIZE") == 5
    assert SETTINGS_READ_FAILURES._value.get() == failures + 3  # noqa: SLF001 - as above
    assert caplog.text.count("the last known ones hold") == 1
    redis.away, redis.content = False, None
    now[0] += 2
    assert copy.value("MOOGSOFT_BATCH_SIZE") == 5


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"version": "x", "values": {}}', b'{"version":1,"values":7}'])
def test_what_is_no_snapshot_changes_nothing(copy, redis, now, content):
    publish(redis, 1, MOOGSOFT_BATCH_SIZE=5)
    assert copy.value("MOOGSOFT_BATCH_SIZE") == 5
    redis.content = content
    now[0] += 2
    assert copy.value("MOOGSOFT_BATCH_SIZE") == 5


def test_what_is_out_of_bounds_is_ignored_and_the_rest_holds(copy, redis, caplog):
    publish(redis, 1, MOOGSOFT_BATCH_SIZE=0, MUTT_MAX_EVENTS=7, MUTT_SECRET_KEY="x")
    assert (copy.value("MOOGSOFT_BATCH_SIZE"), copy.value("MUTT_MAX_EVENTS")) == (100, 7)
    assert "MOOGSOFT_BATCH_SIZE is ignored" in caplog.text
    assert "MUTT_SECRET_KEY" not in copy.snapshot.values


def test_a_process_that_starts_without_postgresql_goes_by_the_copy_in_redis(redis_server):
    redis_client().set(PUBLISHED, Snapshot(7, {"MOOGSOFT_BATCH_SIZE": 5}).as_json())
    present.forget()  # as at the start; no test without django_db gets to PostgreSQL
    assert (tuned.MOOGSOFT_BATCH_SIZE, present.snapshot.version) == (5, 7)


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    root, level = logging.getLogger(), logging.getLogger().level
    yield root
    root.setLevel(level)


def test_the_level_of_the_log_follows_and_comes_back(copy, redis, now, root):
    publish(redis, 1, MUTT_LOG_LEVEL="ERROR")
    copy.refresh()
    assert root.level == logging.ERROR
    publish(redis, 2)
    now[0] += 2
    copy.refresh()
    assert root.level == logging.INFO
