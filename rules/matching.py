"""Which rule wins an event, and what follows: the plain reference, one condition at a time.

This module is the definition of matching. Faster implementations are tested against it, so it stays readable.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from rules.event import Environment, Event, Handling, Severity, host_key, oid_of, oid_within
from rules.regex import Regex, regex, translate

DEFAULT_TEAM = "NETO"


class MatchType(StrEnum):
    """How a rule's `match_string` is compared; `oid_prefix` rules are about `trap_oid`."""

    CONTAINS = "contains"
    REGEX = "regex"
    OID_PREFIX = "oid_prefix"


@dataclass(frozen=True)
class Rule:
    """One active rule. At least one of match_string, trap_oid and syslog_severity is set."""

    id: int
    priority: int
    match_type: MatchType
    prod_handling: Handling
    dev_handling: Handling
    name: str = ""
    match_string: str | None = None
    trap_oid: str | None = None
    syslog_severity: Severity | None = None
    team: str = DEFAULT_TEAM

    def check(self) -> None:
        """See whether it can be matched. Raises BadRegexError."""
        if self.match_type is MatchType.REGEX and self.match_string:
            translate(self.match_string)

    @cached_property
    def regex(self) -> Regex:
        return regex(self.match_string or "")

    @cached_property
    def folded(self) -> str:
        return (self.match_string or "").casefold()

    @cached_property
    def oid(self) -> str:
        return oid_of(self.trap_oid or "") or ""


def precedence(rule: Rule) -> tuple[int, int]:
    """What rules are sorted by: the lowest priority number wins, then the lowest id."""
    return rule.priority, rule.id


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An active rule that cannot be used, and why."""

    rule_id: int
    name: str
    why: str


@dataclass(frozen=True)
class RuleSet:
    """All that decides: one version of the rules, the development hosts and the teams of hosts.

    `development_hosts` and the keys of `teams` are host keys (`event.host_key`).
    """

    version: int
    rules: tuple[Rule, ...]
    development_hosts: frozenset[str] = frozenset()
    teams: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()

    @cached_property
    def by_precedence(self) -> tuple[Rule, ...]:
        return tuple(sorted(self.rules, key=precedence))


@dataclass(frozen=True)
class OneByOne:
    """A rule set that is looked through rule by rule: for a single event that is quicker than compiling it."""

    rule_set: RuleSet

    def candidates(self, event: Event) -> list[Rule]:
        """The rules that match, the winner first."""
        return list(candidates(event, self.rule_set))

    def but_for_severity(self, event: Event) -> list[Rule]:
        """The rules that would match if the event had another severity, or one at all; they state something else."""
        return [
            rule
            for rule in self.rule_set.by_precedence
            if rule.syslog_severity not in {None, event.syslog_severity} and _holds(_text_and_oid(rule, event))
        ]


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to become of one event. `rule` and `handling` are None when no rule matched."""

    rule: Rule | None
    handling: Handling | None
    environment: Environment
    team: str


def decide(event: Event, rule_set: RuleSet) -> Decision:
    """The decision for an event: of the matching rules, the lowest priority number wins, then the lowest id."""
    return decision_for(next(candidates(event, rule_set), None), event, rule_set)


def decision_for(winner: Rule | None, event: Event, rule_set: RuleSet) -> Decision:
    """What follows for an event from the rule that has won it, if any."""
    key = host_key(event.hostname)
    environment = Environment.DEV if key in rule_set.development_hosts else Environment.PROD
    if winner is None:
        return Decision(None, None, environment, rule_set.teams.get(key, DEFAULT_TEAM))
    handling = winner.prod_handling if environment is Environment.PROD else winner.dev_handling
    return Decision(winner, handling, environment, winner.team)


def candidates(event: Event, rule_set: RuleSet) -> Iterator[Rule]:
    """The rules that match, the winner first."""
    return (rule for rule in rule_set.by_precedence if matches(rule, event))


def matches(rule: Rule, event: Event) -> bool:
    """Whether all conditions that the rule states hold; a rule that states none matches nothing."""
    severity = event.syslog_severity is rule.syslog_severity if rule.syslog_severity else None
    return _holds([*_text_and_oid(rule, event), severity])


def _holds(conditions: list[bool | None]) -> bool:
    """Whether some condition is stated, and all that are stated hold."""
    stated = [condition for condition in conditions if condition is not None]
    return bool(stated) and all(stated)


def _text_and_oid(rule: Rule, event: Event) -> list[bool | None]:
    return [
        _text_holds(rule, event) if rule.match_string else None,
        _oid_holds(rule, event) if rule.trap_oid else None,
    ]


def _text_holds(rule: Rule, event: Event) -> bool:
    if rule.match_type is MatchType.REGEX:
        return rule.regex.search(event.message)
    return rule.folded in event.folded_message


def _oid_holds(rule: Rule, event: Event) -> bool:
    return event.trap_oid is not None and rule.oid != "" and oid_within(event.trap_oid, rule.oid)
