"""Examples of a rule: what they may be, and what is said of those that fail."""

from typing import Any

import pytest

from rules.event import Handling, Severity
from rules.examples import BadExampleError, failures_of, read_examples
from rules.matching import MatchType, Rule

RULE = Rule(1, 1, MatchType.CONTAINS, Handling.IGNORE, Handling.IGNORE, match_string="down")
SEVERE = Rule(
    1, 1, MatchType.OID_PREFIX, Handling.IGNORE, Handling.IGNORE, trap_oid="1.3", syslog_severity=Severity.ERROR
)


def test_examples_that_do_as_they_should_are_silent():
    assert failures_of(RULE, {"match": ["link down", {"message": "DOWN"}], "no_match": ["up"]}) == []
    trap = {"trap_oid": ".1.3.6", "syslog_severity": "err"}
    assert failures_of(SEVERE, {"match": [trap], "no_match": [{"trap_oid": "1.3.6"}, "text"]}) == []
    assert failures_of(RULE, {}) == []


def test_each_example_that_fails_is_told_with_its_place():
    failures = failures_of(RULE, {"match": ["down", "up"], "no_match": [{"message": "down", "syslog_severity": 3}]})
    assert [(one.pointer, one.reason) for one in failures] == [
        ("/match/1", "It must match “up”, and does not"),
        ("/no_match/0", "It must not match “down” (severity Error), and does"),
    ]


@pytest.mark.parametrize(
    ("examples", "pointer", "words"),
    [
        ([], "", "Examples are an object"),
        ({"matches": []}, "", "Examples are an object"),
        ({"match": "down"}, "/match", "A list of at most 100"),
        ({"match": ["x"] * 101}, "/match", "A list of at most 100"),
        ({"match": [7]}, "/match/0", "a text, or an object with any of"),
        ({"match": [{}]}, "/match/0", "a text, or an object"),
        ({"match": [{"msg": "x"}]}, "/match/0", "a text, or an object"),
        ({"no_match": [{"syslog_severity": "loud"}]}, "/no_match/0/syslog_severity", "none of the severities"),
        ({"no_match": [{"trap_oid": "1..3"}]}, "/no_match/0/trap_oid", "no OID"),
        ({"no_match": [{"trap_oid": 1.3}]}, "/no_match/0/trap_oid", "no OID"),
        ({"match": ["a\x00"]}, "/match/0", "NUL"),
        ({"no_match": [{"message": "\ud800"}]}, "/no_match/0", "surrogate"),
        ({"match": [{"message": 7}]}, "/match/0/message", "A text is wanted"),
        ({"match": [{"message": "x", "hostname": []}]}, "/match/0/hostname", "A text is wanted"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(examples: Any, pointer: str, words: str):
    with pytest.raises(BadExampleError, match=words) as refused:
        list(read_examples(examples))
    assert refused.value.pointer == pointer
