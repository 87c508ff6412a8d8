"""What may be wrong with a rule although it is valid."""

from functools import lru_cache

from rules.bulk import can_never_win
from rules.compiled import Matcher
from rules.covering import Covering
from rules.models import Rule
from rules.ruleset import current_rule_set

_MOST_NAMED = 3


def warnings_for(rule: Rule) -> list[str]:
    """Sentences for people, for a rule that is valid, saved or not."""
    if not rule.is_active:
        return []
    try:
        matched = rule.as_matched()
    except ValueError as error:  # it came into the table past all checks
        return [f"It cannot be matched and is left out: {error}"]
    coverer = _covering(current_rule_set.get()).coverer_of(matched)
    return [can_never_win(coverer.name, coverer.priority)] if coverer else []


def warnings_about_others(rule: Rule) -> list[str]:
    """Whose events a rule takes away altogether, so that they can win no more."""
    if not rule.is_active:
        return []
    covered = _covering(current_rule_set.get()).covered_by(rule.as_matched())
    if not covered:
        return []
    names = ", ".join(f"“{other.name}” (priority {other.priority})" for other in covered[:_MOST_NAMED])
    more = f" and {len(covered) - _MOST_NAMED} more" if len(covered) > _MOST_NAMED else ""
    return [f"It takes every event of {names}{more}, which can never win after it."]


@lru_cache(maxsize=2)
def _covering(matcher: Matcher) -> Covering:
    return Covering(matcher)
