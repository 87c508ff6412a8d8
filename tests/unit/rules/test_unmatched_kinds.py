"""What no rule matches, by kind, and the rule that is suggested for each."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.ids import event_id, new_batch_id
from rules import unmatched_kinds as kinds
from rules.event import Event, Handling
from rules.matching import MatchType, Rule, matches
from rules.suggesting import rule_for
from rules.unmatched_kinds import unmatched_kinds
from tests.unit.forwarder.records import alert

NOW = datetime.now(UTC)


def record(number: int, **fields: object) -> None:
    identifier = event_id(new_batch_id(NOW + timedelta(seconds=number)), 0)
    alert(event_id=identifier, **{"outcome": "unmatched", "rule_id": None, **fields}).save(force_insert=True)


@pytest.mark.django_db
def test_kinds_are_counted_the_most_frequent_first_with_their_hosts_and_newest_event():
    for number in range(6):
        record(number, hostname=f"edge-{number % 2}", message=f"fan {number} of 10.0.0.{number} failed badly")
    record(7, hostname="core-1", message="licence expires soon")
    record(8, message="fan 7 of 10.0.0.7 failed badly", outcome="ignored")
    found = unmatched_kinds(5)
    assert [(kind.count, kind.hosts, kind.message) for kind in found.top] == [
        (6, 2, "fan 5 of 10.0.0.5 failed badly"),
        (1, 1, "licence expires soon"),
    ]
    assert found.of == 7
    assert unmatched_kinds(1).top == found.top[:1]


@pytest.mark.django_db
def test_no_more_events_are_read_than_are_worth_it(monkeypatch):
    monkeypatch.setattr(kinds, "LOOKED_AT", 3)
    for number in range(5):
        record(number, message="it happened")
    assert (unmatched_kinds(5).of, unmatched_kinds(5).top[0].count) == (3, 3)


@pytest.mark.django_db
def test_nothing_unmatched_is_no_kind():
    assert (unmatched_kinds(5).top, unmatched_kinds(5).since) == ([], None)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("%LINK-3-UPDOWN: Interface Gi0/7, changed state to down", "changed state to down"),
        ("Failed password for root from 192.0.2.7 port 4022", "Failed password for root from"),
        ("fan 7 failed", "fan 7 failed"),
        ("42", "42"),
        ("first line 17\nthe second line is longer", "the second line is longer"),
    ],
)
def test_the_longest_part_that_does_not_vary_is_suggested(message, text):
    assert rule_for(message, "")["match_string"] == text


def test_for_a_trap_its_oid_is_suggested():
    assert rule_for("", "1.3.6.1.6.3.1.1.5.3") == {
        "match_type": "oid_prefix",
        "trap_oid": "1.3.6.1.6.3.1.1.5.3",
        "match_string": "",
        "name": "Trap 1.3.6.1.6.3.1.1.5.3",
    }


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=3000))
def test_what_is_suggested_matches_the_event_it_was_made_of(message):
    fields = rule_for(message, "")
    if not fields["match_string"]:
        assert not message[:1600].strip()
        return
    rule = Rule(1, 1, MatchType.CONTAINS, Handling.IGNORE, Handling.IGNORE, match_string=fields["match_string"])
    assert matches(rule, Event("h", message, None, None, ""))
