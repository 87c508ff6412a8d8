"""Rules that can never win, since an earlier rule takes every event that they would match."""

from collections import defaultdict
from collections.abc import Iterator

from rules.compiled import Matcher
from rules.event import Event, oid_within
from rules.matching import MatchType, Rule, precedence
from rules.regex import translate


def takes_all_of(first: Rule, second: Rule) -> bool:
    """Whether the first rule surely matches every event that the second matches; False where that is not sure."""
    if first.trap_oid and not (first.oid and second.trap_oid and oid_within(second.oid, first.oid)):
        return False
    if first.syslog_severity and first.syslog_severity is not second.syslog_severity:
        return False
    if first.match_string:
        return _text_is_implied(first, second)
    return bool(first.trap_oid or first.syslog_severity)


def _text_is_implied(first: Rule, second: Rule) -> bool:
    if first.match_type is MatchType.REGEX:
        same = second.match_type is MatchType.REGEX and second.match_string == first.match_string
        return same or translate(first.match_string or "").matches_all
    return any(first.folded in text for text in _texts_in(second))


def _texts_in(rule: Rule) -> list[str]:
    """Texts, case folded, each of which is in every message that the rule matches."""
    if not rule.match_string:
        return []
    if rule.match_type is MatchType.REGEX:
        return [text.casefold() for text in translate(rule.match_string).literals()]
    return [rule.folded]


class Covering:
    """Which rules of a set are covered by which others."""

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher
        self._by_pattern: dict[str, list[Rule]] = defaultdict(list)
        for rule in matcher.rule_set.rules:
            if rule.match_type is MatchType.REGEX and rule.match_string:
                self._by_pattern[rule.match_string].append(rule)

    def coverer_of(self, rule: Rule) -> Rule | None:
        """The first rule before this one that takes all of its events; the rule itself may be in the set or not."""
        found = [
            other
            for other in self._near(rule)
            if other.id != rule.id and precedence(other) < precedence(rule) and takes_all_of(other, rule)
        ]
        return min(found, key=precedence, default=None)

    def _near(self, rule: Rule) -> Iterator[Rule]:
        """The rules that match an event of nothing but what the rule asks for, and those of the same expression."""
        for text in _texts_in(rule) or [""]:
            yield from self._matcher.candidates(
                Event("", text, rule.syslog_severity, rule.oid if rule.trap_oid else None)
            )
        if rule.match_type is MatchType.REGEX and rule.match_string:
            yield from self._by_pattern[rule.match_string]

    def covered_by(self, rule: Rule) -> list[Rule]:
        """The rules after this one that can no longer win because of it, unless they could not before."""
        return [
            other
            for other in self._matcher.rule_set.rules
            if other.id != rule.id and precedence(rule) < precedence(other) and takes_all_of(rule, other)
        ]
