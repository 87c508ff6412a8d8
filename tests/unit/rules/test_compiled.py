"""The compiled rules decide as the reference does, for any rules and events, in linear time and bounded memory."""

import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import compiled
from rules.compiled import Literals, Matcher, PatternSet
from rules.event import Event, Handling, Severity
from rules.matching import MatchType, OneByOne, Rule, RuleSet, candidates, decide
from rules.regex import BadRegexError, compile_regex, translate
from tests.unit.rules.any_rules import EVENTS, rule_sets


@given(rule_sets(), st.lists(EVENTS, min_size=1, max_size=8))
def test_rules_that_are_looked_at_one_by_one_are_found_like_the_compiled_ones(rule_set: RuleSet, events: list[Event]):
    matcher, plain = Matcher(rule_set), OneByOne(rule_set)
    for event in events:
        assert plain.candidates(event) == matcher.candidates(event)
        assert plain.but_for_severity(event) == matcher.but_for_severity(event)


@given(rule_sets(), st.lists(EVENTS, min_size=1, max_size=8))
def test_the_compiled_rules_decide_as_the_reference_does(rule_set: RuleSet, events: list[Event]):
    matcher = Matcher(rule_set)
    for event in events:
        assert matcher.candidates(event) == list(candidates(event, rule_set))
        assert matcher.decide(event) == decide(event, rule_set)


@given(rule_sets(), EVENTS)
def test_near_misses_are_what_another_severity_would_have_matched(rule_set: RuleSet, event: Event):
    matching = set(candidates(event, rule_set))
    others = {
        rule
        for severity in Severity
        for rule in candidates(Event(event.hostname, event.message, severity, event.trap_oid), rule_set)
        if rule.match_string or rule.trap_oid
    }
    assert set(Matcher(rule_set).but_for_severity(event)) == others - matching


def matcher_of(*conditions: dict[str, Any]) -> Matcher:
    values = {"priority": 100, "prod_handling": Handling.PAGE_ONLY, "dev_handling": Handling.IGNORE}
    built = [
        Rule(id=number, **{**values, "match_type": MatchType.CONTAINS, **fields})
        for number, fields in enumerate(conditions)
    ]
    return Matcher(RuleSet(1, tuple(built)))


def test_a_prefix_of_an_oid_ends_at_a_dot():
    matcher = matcher_of({"match_type": MatchType.OID_PREFIX, "trap_oid": "1.3.6.1.4.1.9"})
    assert matcher.winner(Event("h", "", trap_oid="1.3.6.1.4.1.9.9.41"))
    assert not matcher.winner(Event("h", "", trap_oid="1.3.6.1.4.1.94"))


@given(st.lists(st.text("ab", min_size=1, max_size=14), max_size=40, unique=True), st.text("ab", max_size=40))
def test_texts_that_end_with_one_another_are_all_found(texts: list[str], text: str):
    assert Literals(texts).found_in(text) == {place for place, one in enumerate(texts) if one in text}


def test_deeply_nested_texts_are_found_without_reporting_each_of_their_places():
    texts = ["a" * length for length in range(1, 400)]
    text = "a" * 65_000
    literals = Literals(texts)
    literals.found_in("a")
    tracemalloc.start()
    try:
        assert literals.found_in(text) == set(range(len(texts)))
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("place", [0, compiled.CHUNK - 2, compiled.CHUNK - 1, compiled.CHUNK, 3 * compiled.CHUNK + 5])
@pytest.mark.parametrize("sought", ["needle", "é–漢", "x"])
def test_a_text_is_found_wherever_a_long_message_is_cut(place: int, sought: str):
    assert Literals([sought, "absent"]).found_in("." * place + sought + "." * 50) == {0}


PATTERN_TEXTS = ["", "ab", "b", "é", "xx ab", "ab é", "K", "\n", "0"]


@pytest.mark.parametrize(
    ("size", "memory"), [(2000, 48 << 20), (3, 48 << 20), (2000, 1 << 16), (2000, 1 << 12), (1, 1)]
)
def test_a_set_whose_memory_does_not_suffice_finds_the_same(size: int, memory: int):
    patterns = [r"a", r"\bab\b", r"(?i)k", r"\w\W", r"^$", r"[^a]{2}", r"(?:a|b){1,200}c", r"\d", r"é?b", r".{30}x"]
    one_set = PatternSet([translate(pattern) for pattern in patterns], size=size, memory=memory)
    for text in [*PATTERN_TEXTS, *(one + "é" for one in PATTERN_TEXTS)]:
        expected = {place for place, pattern in enumerate(patterns) if compile_regex(pattern).search(text)}
        assert set(one_set.found_in(text)) == expected, text


def test_a_set_that_gives_up_while_matching_says_so_and_finds_the_same(caplog: pytest.LogCaptureFixture):
    class GaveUp:
        """As the binding of RE2 answers where its memory does not suffice."""

        def Match(self, text: bytes) -> None:  # noqa: N802 - RE2's name
            return None

    patterns = {0: "a+b", 1: "c", 2: r"\bx"}
    given_up = compiled._Re2Set(GaveUp(), [0, 1, 2], patterns)  # noqa: SLF001 - RE2 cannot be brought to it by a text
    assert given_up.found_in(b"aab x", "aab x") == [0, 2]
    assert "ran out of memory" in caplog.text


@given(st.lists(st.text("ab.*+?()[]|^$\\dwé{2}", min_size=1, max_size=6), max_size=6, unique=True), st.text("abé0\n"))
def test_a_set_of_any_expressions_finds_what_each_finds_by_itself(patterns: list[str], text: str):
    good = []
    for pattern in patterns:
        try:
            good.append((pattern, compile_regex(pattern)))
        except BadRegexError:
            continue
    one_set = PatternSet([translate(pattern) for pattern, _ in good])
    assert sorted(one_set.found_in(text)) == [place for place, (_, one) in enumerate(good) if one.search(text)]
