"""Why a rule wins an event and the others do not, in words, with the places in the event that matched."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Protocol

from rules.event import Environment, Event, Handling, host_key
from rules.matching import MatchType, Rule, RuleSet, decision_for, matches


class Explainable(Protocol):
    """Rules that can say which of them match: compiled, with a draft, or looked at one by one."""

    @property
    def rule_set(self) -> RuleSet: ...

    def candidates(self, event: Event) -> list[Rule]: ...

    def but_for_severity(self, event: Event) -> list[Rule]: ...


@dataclass(frozen=True, slots=True)
class Highlight:
    """Characters `begin` up to and without `end` of a field, which a condition of a rule has matched."""

    field: str
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rule that matched, or nearly did; `why` says why it wins or not."""

    rule: Rule
    wins: bool
    why: str
    highlights: list[Highlight] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The decision for one event and where each part of it comes from."""

    event: Event
    rule_set_version: int
    winner: Rule | None
    handling: Handling | None
    environment: Environment
    environment_why: str
    team: str
    team_why: str
    candidates: list[Candidate]
    near_misses: list[Candidate]

    @property
    def outcome(self) -> str:
        """What would become of the event: forwarded, ignored or unmatched."""
        if self.winner is None:
            return "unmatched"
        return "ignored" if self.handling is Handling.IGNORE else "forwarded"


def explain(event: Event, rules: Explainable, inactive: Iterable[Rule] = ()) -> Explanation:
    """Explain the decision for an event; those of the `inactive` rules which would have matched are near misses."""
    rule_set = rules.rule_set
    found = rules.candidates(event)
    winner = found[0] if found else None
    decision = decision_for(winner, event, rule_set)
    near = [(rule, _severity_why(rule, event)) for rule in rules.but_for_severity(event)]
    near += [(rule, "It would match, but it is not active.") for rule in inactive if matches(rule, event)]
    return Explanation(
        event=event,
        rule_set_version=rule_set.version,
        winner=winner,
        handling=decision.handling,
        environment=decision.environment,
        environment_why=_environment_why(event, decision.environment),
        team=decision.team,
        team_why=_team_why(event, winner, host_key(event.hostname) in rule_set.teams),
        candidates=[
            Candidate(rule, wins=rule is winner, why=_why(rule, found), highlights=highlights_of(rule, event))
            for rule in found
        ],
        near_misses=[Candidate(rule, wins=False, why=why, highlights=highlights_of(rule, event)) for rule, why in near],
    )


def _why(rule: Rule, found: list[Rule]) -> str:
    winner = found[0]
    if rule is winner:
        others = len(found) - 1
        if not others:
            return "It wins: no other rule matches."
        return f"It wins: of the {others + 1} rules that match it has the lowest priority number, {rule.priority}" + (
            ", and of those with it the lowest id." if found[1].priority == rule.priority else "."
        )
    if rule.priority != winner.priority:
        return f"It matches and loses: its priority {rule.priority} comes after {winner.priority} of “{winner.name}”."
    return f"It matches and loses: “{winner.name}” has the same priority {rule.priority} and a lower id."


def _severity_why(rule: Rule, event: Event) -> str:
    has = f"is {event.syslog_severity}" if event.syslog_severity else "has none"
    return f"All but the severity matches: it wants {rule.syslog_severity}, the event {has}."


def _environment_why(event: Event, environment: Environment) -> str:
    listed = "is" if environment is Environment.DEV else "is not"
    return f"“{event.hostname}” {listed} on the list of development hosts."


def _team_why(event: Event, winner: Rule | None, host_has_team: bool) -> str:  # noqa: FBT001 - a private function
    if winner is not None:
        return f"It is the team of the rule “{winner.name}”."
    if host_has_team:
        return f"No rule matched; it is the team of “{event.hostname}”."
    return f"No rule matched, and “{event.hostname}” has no team: it is the default."


def highlights_of(rule: Rule, event: Event) -> list[Highlight]:
    """The places in the event that the conditions of a rule have matched."""
    found = []
    span = _span(rule, event.message)
    if span:
        found.append(Highlight("message", *span))
    if rule.trap_oid and event.trap_oid:
        found.append(Highlight("trap_oid", 0, len(rule.oid)))
    if rule.syslog_severity and rule.syslog_severity is event.syslog_severity:
        found.append(Highlight("syslog_severity", 0, len(rule.syslog_severity)))
    return found


def _span(rule: Rule, message: str) -> tuple[int, int] | None:
    if not rule.match_string:
        return None
    if rule.match_type is MatchType.REGEX:
        return rule.regex.span(message)
    place = message.casefold().find(rule.folded)
    if place < 0:
        return None
    # Folding may make a text longer (ß becomes ss): where each character's folding ends leads back to the original.
    ends = list(accumulate(len(character.casefold()) for character in message))
    begin = next(number for number, end in enumerate(ends) if end > place)
    end = next(number for number, end in enumerate(ends) if end >= place + len(rule.folded))
    return begin, end + 1
