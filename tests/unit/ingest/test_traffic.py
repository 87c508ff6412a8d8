"""Counting at the door: by minute and answer, who was refused, within bounds, and anew in a forked process."""

import os

import pytest

from ingest.answers import OUR_FAULT, Why
from ingest.traffic import OTHERS, Counts, Traffic, traffic

HOUR = 500_000 * 3600


class Clock:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock(HOUR + 59.9)


def test_requests_and_events_are_added_up_by_minute_source_and_answer(clock):
    counted = Traffic(clock)
    counted.count("syslog", [("accepted", 1, 5), ("rejected", 0, 2)])
    counted.count("syslog", [("accepted", 1, 3)])
    counted.count("native", [("repeated", 1, 0)])
    clock.now += 0.1
    counted.count("syslog", [("accepted", 1, 1)])
    minute = HOUR // 60
    assert counted.take().minutes == {
        (minute, "syslog", "accepted"): (2, 8),
        (minute, "syslog", "rejected"): (0, 2),
        (minute, "native", "repeated"): (1, 0),
        (minute + 1, "syslog", "accepted"): (1, 1),
    }


def test_what_was_taken_is_not_there_twice_and_what_is_given_back_is(clock):
    counted = Traffic(clock)
    counted.count("syslog", [("accepted", 1, 5)])
    counted.count_refused("syslog", Why.FULL, "rsyslog", "192.0.2.1")
    taken = counted.take()
    assert len(counted.take()) == 0
    clock.now += 2
    counted.count("syslog", [("accepted", 1, 5)])
    counted.count_refused("syslog", Why.FULL, "rsyslog", "192.0.2.1")
    counted.give_back(taken)
    both = counted.take()
    assert both.refused == {(500_000, "full", "rsyslog", "192.0.2.1"): (2, clock.now)}
    assert both.minutes[HOUR // 60, "syslog", "full"] == (1, 0)
    assert both.minutes[HOUR // 60 + 1, "syslog", "full"] == (1, 0)


def test_a_refused_request_is_among_the_minutes_and_has_its_key_and_address(clock):
    counted = Traffic(clock)
    counted.count_refused("syslog", Why.REVOKED_KEY, "rsyslog", "192.0.2.1")
    counted.count_refused("syslog", Why.BODY_UNREADABLE, "rsyslog", "192.0.2.1", events=1)
    taken = counted.take()
    assert taken.minutes == {
        (HOUR // 60, "syslog", "revoked_key"): (1, 0),
        (HOUR // 60, "syslog", "body_unreadable"): (1, 1),
    }
    assert taken.refused[500_000, "revoked_key", "rsyslog", "192.0.2.1"] == (1, clock.now)


def test_a_flood_of_strangers_is_one_row_and_hides_no_key_that_is_known(clock):
    counted = Traffic(clock, most_refused=3)
    for number in range(10):
        counted.count_refused("native", Why.UNKNOWN_KEY, "", f"192.0.2.{number}")
        counted.take()  # what was flushed counts for the bound, too
    counted.count_refused("native", Why.UNKNOWN_KEY, "", "192.0.2.9")
    counted.count_refused("native", Why.REVOKED_KEY, "rsyslog", "192.0.2.9")
    assert set(counted.take().refused) == {
        (500_000, "unknown_key", "", OTHERS),
        (500_000, "revoked_key", "rsyslog", "192.0.2.9"),
    }
    clock.now += 3600
    counted.count_refused("native", Why.UNKNOWN_KEY, "", "192.0.2.9")
    assert set(counted.take().refused) == {(500_001, "unknown_key", "", "192.0.2.9")}


def test_memory_is_bounded_and_what_has_no_room_is_counted_as_lost(clock):
    counted = Traffic(clock, most=2)
    for _ in range(5):
        counted.count("native", [("accepted", 1, 1)])
        counted.count_refused("native", Why.UNKNOWN_KEY, "", f"192.0.2.{clock.now}")
        clock.now += 60
    taken = counted.take()
    assert (len(taken.minutes), len(taken.refused), taken.lost) == (2, 2, 8)
    counted.give_back(taken)
    counted.give_back(Counts(minutes={(1, "native", "accepted"): (7, 7)}))
    assert counted.take().lost == 15


def test_a_forked_process_counts_anew():
    traffic.take()
    traffic.count("syslog", [("accepted", 1, 5)])
    child = os.fork()
    if not child:
        os._exit(len(traffic.take()))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(traffic.take()) == 1


def test_what_is_answered_5xx_is_our_fault():
    assert {why.value for why in OUR_FAULT} == {"full", "global_rate", "journal_away", "keys_unavailable", "failed"}
