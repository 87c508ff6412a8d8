"""A draft decides as if it had been saved."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from rules.compiled import Matcher
from rules.drafting import Drafted
from rules.event import Event
from rules.matching import Rule, RuleSet, candidates, decide
from tests.unit.rules.any_rules import EVENTS, rule_sets, rules


@given(rule_sets(), rules(3), st.booleans(), st.lists(EVENTS, min_size=1, max_size=6))
def test_a_draft_decides_as_the_reference_does_once_it_is_saved(
    rule_set: RuleSet,
    draft: Rule,
    is_active: bool,  # noqa: FBT001 - hypothesis gives it
    events: list[Event],
):
    """It has the id of the third rule, where there are so many, and is new otherwise."""
    others = tuple(rule for rule in rule_set.rules if rule.id != draft.id)
    saved = replace(rule_set, rules=(*others, draft) if is_active else others)
    drafted = Drafted(Matcher(rule_set), draft, is_active=is_active)
    for event in events:
        assert drafted.decide(event) == decide(event, saved)
        assert drafted.candidates(event) == list(candidates(event, saved))
        assert drafted.but_for_severity(event) == Matcher(saved).but_for_severity(event)
