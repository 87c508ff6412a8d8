"""What is said to take all events of a rule does so; and common cases are seen."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.compiled import Matcher
from rules.covering import Covering, takes_all_of
from rules.event import Event, Handling, Severity
from rules.matching import MatchType, Rule, RuleSet, matches
from tests.unit.rules.any_rules import EVENTS, rule_sets, rules

# Letters that fold into others only under (?i) could be found by the one and not by the other.
PLAIN = EVENTS.filter(lambda event: not set(event.message) & set("İıſKß"))


@given(rules(1), rules(2), st.lists(PLAIN, min_size=1, max_size=20))
def test_a_rule_that_takes_all_of_another_matches_whatever_that_matches(first: Rule, second: Rule, events: list[Event]):
    if takes_all_of(first, second):
        for event in events:
            assert matches(first, event) or not matches(second, event)


@given(rule_sets())
def test_the_index_finds_the_rules_that_comparing_each_pair_finds(rule_set: RuleSet):
    covering = Covering(Matcher(rule_set))
    ordered = rule_set.by_precedence
    for place, rule in enumerate(ordered):
        coverers = [other for other in ordered[:place] if takes_all_of(other, rule)]
        assert covering.coverer_of(rule) == (coverers[0] if coverers else None)
        assert covering.covered_by(rule) == [
            other for other in rule_set.rules if other in ordered[place + 1 :] and takes_all_of(rule, other)
        ]


def rule(**fields: Any) -> Rule:
    values: dict[str, Any] = {"id": 1, "priority": 1, "match_type": MatchType.CONTAINS}
    return Rule(**{**values, "prod_handling": Handling.IGNORE, "dev_handling": Handling.IGNORE, **fields})


REGEX, OID = {"match_type": MatchType.REGEX}, {"match_type": MatchType.OID_PREFIX}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"match_string": "down"}, {"match_string": "Link DOWN"}),
        ({"match_string": "down"}, {"match_string": r"link \S+ down", **REGEX}),
        ({"match_string": "x", **REGEX}, {"match_string": "x", **REGEX}),
        ({"match_string": ".*", **REGEX}, {"match_string": "anything"}),
        ({"match_string": ".*", **REGEX}, {"trap_oid": "1.3", **OID}),
        ({"trap_oid": "1.3.6", **OID}, {"trap_oid": "1.3.6.1", "match_string": "x", **OID}),
        ({"syslog_severity": Severity.ERROR}, {"syslog_severity": Severity.ERROR, "match_string": "x"}),
        ({"match_string": "a"}, {"match_string": "a", "syslog_severity": Severity.ERROR}),
    ],
)
def test_common_cases_are_seen(first: dict[str, Any], second: dict[str, Any]):
    assert takes_all_of(rule(**first), rule(**second))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"match_string": "Link down"}, {"match_string": "down"}),
        ({"match_string": "down", "syslog_severity": Severity.ERROR}, {"match_string": "down"}),
        ({"match_string": "down", "trap_oid": "1.3"}, {"match_string": "down"}),
        ({"trap_oid": "1.3.6.1.4.1.9", **OID}, {"trap_oid": "1.3.6.1.4.1.94", **OID}),
        ({"match_string": "a|b", **REGEX}, {"match_string": "a"}),
        ({"match_string": "^", **REGEX}, {"match_string": "a|b", **REGEX}),
        ({}, {"match_string": "a"}),
    ],
)
def test_what_only_looks_alike_is_not_taken_for_it(first: dict[str, Any], second: dict[str, Any]):
    assert not takes_all_of(rule(**first), rule(**second))
