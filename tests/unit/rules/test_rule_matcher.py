"""Which rule wins an event, by the reference that defines it."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.event import Environment, Event, Handling, Severity
from rules.matching import (
    MatchType,
    Rule,
    RuleSet,
    candidates,
    decide,
    matches,
)


def rule(identifier: int = 1, **fields: Any) -> Rule:
    values: dict[str, Any] = {
        "priority": 100,
        "match_type": MatchType.CONTAINS,
        "prod_handling": Handling.PAGE_AND_TICKET,
        "dev_handling": Handling.IGNORE,
    }
    return Rule(id=identifier, **{**values, **fields})


def rule_set(*rules: Rule, **fields: Any) -> RuleSet:
    return RuleSet(version=1, rules=rules, **fields)


def winner(event: Event, *rules: Rule) -> int | None:
    won = decide(event, rule_set(*rules)).rule
    return won.id if won else None


def test_the_seeds_example_an_oid_rule_wins_by_its_priority_and_a_text_rule_where_there_is_no_oid():
    text = rule(1, priority=10, match_string="Interface down")
    oid = rule(2, priority=5, match_type=MatchType.OID_PREFIX, trap_oid="1.3.6.1.4.1.9.1.1")
    assert winner(Event("h", "random", trap_oid="1.3.6.1.4.1.9.1.1.1.5.0"), text, oid) == 2
    assert winner(Event("h", "Interface down on Gi0/0"), text, oid) == 1
    assert winner(Event("h", "Interface down on Gi0/0", trap_oid="1.3.6.1.4.1.9.1.1.1"), text, oid) == 2


def test_the_lowest_priority_number_wins_then_the_lowest_id_in_whatever_order_the_rules_come():
    rules = [rule(3, match_string="a"), rule(1, priority=200, match_string="a"), rule(2, match_string="a")]
    event = Event("h", "xax")
    assert winner(event, *rules) == winner(event, *reversed(rules)) == 2
    assert [one.id for one in candidates(event, rule_set(*rules))] == [2, 3, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [("cpu HIGH", "x CPU high: 9 %"), ("STRASSE", "auf der straße"), ("ß", "STRASSE"), ("İ", "i̇"), ("a.c", "xa.cx")],
)
def test_contains_finds_text_in_any_case(text: str, message: str):
    assert matches(rule(match_string=text), Event("h", message))


def test_contains_takes_its_text_literally():
    assert not matches(rule(match_string="a.c"), Event("h", "abc"))


def test_a_regex_is_searched_in_the_message_and_minds_case_unless_told():
    strict = rule(match_type=MatchType.REGEX, match_string=r"Gi\d+/\d+ down$")
    assert matches(strict, Event("h", "port Gi0/7 down"))
    assert not matches(strict, Event("h", "port gi0/7 down"))
    assert matches(rule(match_type=MatchType.REGEX, match_string="(?i)GI0"), Event("h", "gi0"))


def test_an_expression_that_would_take_others_for_ever_takes_no_time():
    slow = rule(match_type=MatchType.REGEX, match_string=r"^(a+)+(a|a)*$")
    begin = time.perf_counter()
    assert not matches(slow, Event("h", "a" * 20_000 + "!"))
    assert time.perf_counter() - begin < 1


def test_all_conditions_of_a_rule_must_hold():
    both = rule(match_string="down", syslog_severity=Severity.ERROR, trap_oid="1.3.6.1")
    good: dict[str, Any] = {"message": "link down", "syslog_severity": Severity.ERROR, "trap_oid": "1.3.6.1.4"}
    assert matches(both, Event("h", **good))
    for name, other in {"message": "up", "syslog_severity": Severity.ALERT, "trap_oid": "1.3.7"}.items():
        assert not matches(both, Event("h", **{**good, name: other})), name
    for name in ("syslog_severity", "trap_oid"):
        assert not matches(both, Event("h", **{**good, name: None})), name


def test_an_oid_rule_with_a_text_wants_the_text_too():
    one = rule(match_type=MatchType.OID_PREFIX, trap_oid="1.3", match_string="Down")
    assert matches(one, Event("h", "link down", trap_oid="1.3.6"))
    assert not matches(one, Event("h", "link up", trap_oid="1.3.6"))


@pytest.mark.parametrize("stated", list(Severity))
def test_a_severity_alone_matches_that_severity_and_no_other(stated: Severity):
    one = rule(syslog_severity=stated)
    assert [severity for severity in Severity if matches(one, Event("h", "", severity))] == [stated]
    assert not matches(one, Event("h", ""))


def test_a_rule_that_states_nothing_matches_nothing():
    event = Event("h", "", trap_oid="1.3", syslog_severity=Severity.DEBUG)
    for match_type in MatchType:
        assert not matches(rule(match_type=match_type), event)
        assert not matches(rule(match_type=match_type, match_string="", trap_oid=""), event)


@pytest.mark.parametrize("oid", ["nonsense", "1..3", "."])
def test_an_oid_rule_whose_oid_is_none_matches_nothing(oid: str):
    broken = rule(match_type=MatchType.OID_PREFIX, trap_oid=oid)
    assert not matches(broken, Event("h", "", trap_oid="1.3"))


def test_a_prefix_ends_at_a_dot():
    cisco = rule(match_type=MatchType.OID_PREFIX, trap_oid=".1.3.6.1.4.1.9")
    assert matches(cisco, Event("h", "", trap_oid="1.3.6.1.4.1.9.9.41"))
    assert matches(cisco, Event("h", "", trap_oid="1.3.6.1.4.1.9"))
    assert not matches(cisco, Event("h", "", trap_oid="1.3.6.1.4.1.94"))
    assert not matches(cisco, Event("h", "", trap_oid="1.3.6.1.4.1"))


@pytest.mark.parametrize("prefix", ["1.3.6.1", ".1.3.6.1", "iso.3.6.1", " 1.3.6.1 "])
def test_an_oid_rule_may_be_spelled_as_the_tools_do(prefix: str):
    assert matches(rule(match_type=MatchType.OID_PREFIX, trap_oid=prefix), Event("h", "", trap_oid="1.3.6.1.6"))


SOME = st.none() | st.sampled_from(["a", "B", "ab", "ß"])
CONDITIONS = st.fixed_dictionaries(
    {
        "match_string": SOME,
        "trap_oid": st.none() | st.sampled_from(["1", "1.3", "1.30"]),
        "syslog_severity": st.none() | st.sampled_from([Severity.ERROR, Severity.INFO]),
        "match_type": st.sampled_from(MatchType),
        "priority": st.integers(1, 3),
    }
)
EVENTS = st.builds(
    Event,
    hostname=st.just("h"),
    message=st.text("aAbBsS", max_size=4),
    trap_oid=st.none() | st.sampled_from(["1", "1.3", "1.3.5", "1.30"]),
    syslog_severity=st.none() | st.sampled_from([Severity.ERROR, Severity.INFO]),
)


@given(EVENTS, CONDITIONS)
def test_a_rule_matches_where_each_of_its_conditions_alone_does(event: Event, fields: dict[str, Any]):
    names = [name for name in ("match_string", "trap_oid", "syslog_severity") if fields[name]]
    alone = [rule(match_type=fields["match_type"], **{name: fields[name]}) for name in names]
    expected = bool(names) and all(matches(one, event) for one in alone)
    assert matches(rule(**fields), event) is expected


@given(EVENTS, st.lists(CONDITIONS, max_size=6), st.randoms())
def test_the_winner_is_the_first_of_all_that_match(event: Event, conditions: list[dict[str, Any]], chance: Any):
    rules = [rule(number, **fields) for number, fields in enumerate(conditions, 1)]
    chance.shuffle(rules)
    matching = sorted((one.priority, one.id) for one in rules if matches(one, event))
    assert winner(event, *rules) == (matching[0][1] if matching else None)
    assert [one.id for one in candidates(event, rule_set(*rules))] == [identifier for _, identifier in matching]


def test_a_development_host_gets_the_development_handling_however_it_is_spelled():
    rules = rule_set(rule(match_string="x"), development_hosts=frozenset({"lab-1", "2001:db8::1"}))
    for host in ("lab-1", "LAB-1", "lab-1.", "2001:DB8:0::1", "[2001:db8::1]"):
        decision = decide(Event(host, "x"), rules)
        assert (decision.environment, decision.handling) == (Environment.DEV, Handling.IGNORE), host
    decision = decide(Event("lab-2", "x"), rules)
    assert (decision.environment, decision.handling) == (Environment.PROD, Handling.PAGE_AND_TICKET)


def test_without_a_rule_there_is_no_handling_and_the_environment_is_told_all_the_same():
    decision = decide(Event("lab", "x"), rule_set(development_hosts=frozenset({"lab"})))
    assert (decision.rule, decision.handling, decision.environment) == (None, None, Environment.DEV)


def test_the_team_is_the_rules_own_and_the_hosts_where_no_rule_matched():
    rules = rule_set(rule(match_string="x", team="ROUTING"), teams={"edge": "FIELD"})
    assert decide(Event("edge", "x"), rules).team == "ROUTING"
    assert decide(Event("Edge", "y"), rules).team == "FIELD"
    assert decide(Event("other", "y"), rules).team == "NETO"
