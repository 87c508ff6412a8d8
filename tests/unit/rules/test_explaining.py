"""Explanations say what was decided, and mark what matched."""

from typing import Any

import pytest
from hypothesis import given

from rules.compiled import Matcher
from rules.event import Event, Handling, Severity
from rules.explaining import explain, highlights_of
from rules.matching import MatchType, Rule, RuleSet, decide, matches
from tests.unit.rules.any_rules import EVENTS, rule_sets, rules


def rule(number: int = 1, **fields: Any) -> Rule:
    values: dict[str, Any] = {"priority": 100, "match_type": MatchType.CONTAINS, "name": f"rule {number}"}
    handling = {"prod_handling": Handling.PAGE_ONLY, "dev_handling": Handling.IGNORE}
    return Rule(id=number, **{**values, **handling, **fields})


@given(rule_sets(), EVENTS)
def test_an_explanation_agrees_with_the_decision(rule_set: RuleSet, event: Event):
    explanation, decision = explain(event, Matcher(rule_set)), decide(event, rule_set)
    assert (explanation.winner, explanation.handling) == (decision.rule, decision.handling)
    assert (explanation.environment, explanation.team) == (decision.environment, decision.team)
    assert [one.wins for one in explanation.candidates] == [True, *[False] * (len(explanation.candidates) - 1)][
        : len(explanation.candidates)
    ]
    assert not any(matches(one.rule, event) for one in explanation.near_misses)


@given(rules(1), EVENTS)
def test_what_is_marked_in_a_message_matches_by_itself(one: Rule, event: Event):
    if matches(one, event) and one.match_string and one.match_type is not MatchType.REGEX:
        (mark,) = [mark for mark in highlights_of(one, event) if mark.field == "message"]
        assert one.folded in event.message[mark.begin : mark.end].casefold()


@pytest.mark.parametrize(
    ("fields", "message", "marked"),
    [
        ({"match_string": "strasse"}, "Die Straße.", "Straße"),
        ({"match_string": "DOWN"}, "ß ß is down", "down"),
        ({"match_string": r"Gi\d+", "match_type": MatchType.REGEX}, "port Gi12 down", "Gi12"),
        ({"match_string": r"\bé\w+", "match_type": MatchType.REGEX}, "un état_é – ici", "état_é"),
        ({"match_string": r"o+n$", "match_type": MatchType.REGEX}, "ß soon", "oon"),
    ],
)
def test_the_very_characters_are_marked(fields: dict[str, Any], message: str, marked: str):
    (mark,) = highlights_of(rule(**fields), Event("h", message))
    assert message[mark.begin : mark.end] == marked


def test_an_oid_and_a_severity_are_marked_so_far_as_they_matched():
    marks = highlights_of(
        rule(trap_oid="1.3.6", syslog_severity=Severity.ERROR), Event("h", "", Severity.ERROR, "1.3.6.1.4")
    )
    assert [(mark.field, mark.end) for mark in marks] == [("trap_oid", 5), ("syslog_severity", 5)]


def test_each_loser_is_told_why():
    rules_ = (
        rule(1, match_string="x", priority=5),
        rule(2, match_string="x", priority=5),
        rule(3, match_string="x", priority=9),
        rule(4, match_string="x", syslog_severity=Severity.ERROR),
    )
    explanation = explain(
        Event("edge", "x"), Matcher(RuleSet(7, rules_, teams={"edge": "FIELD"})), [rule(5, match_string="x"), rule(6)]
    )
    assert [one.why for one in explanation.candidates] == [
        "It wins: of the 3 rules that match it has the lowest priority number, 5, and of those with it the lowest id.",
        "It matches and loses: “rule 1” has the same priority 5 and a lower id.",
        "It matches and loses: its priority 9 comes after 5 of “rule 1”.",
    ]
    assert [one.why for one in explanation.near_misses] == [
        "All but the severity matches: it wants Error, the event has none.",
        "It would match, but it is not active.",
    ]
    assert (explanation.rule_set_version, explanation.outcome) == (7, "forwarded")


@pytest.mark.parametrize(
    ("host", "team", "why"),
    [("edge", "FIELD", "it is the team of “edge”"), ("other", "NETO", "“other” has no team: it is the default")],
)
def test_where_the_team_comes_from_is_told(host: str, team: str, why: str):
    explanation = explain(Event(host, "x"), Matcher(RuleSet(1, (), teams={"edge": "FIELD"})))
    assert (explanation.team, explanation.outcome) == (team, "unmatched")
    assert why in explanation.team_why
