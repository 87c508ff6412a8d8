"""A rule set with one rule changed, tried out before it is saved."""

from dataclasses import dataclass

from rules.compiled import Matcher
from rules.event import Event
from rules.matching import Decision, Rule, RuleSet, decision_for, matches, precedence


@dataclass(frozen=True)
class Drafted:
    """The rules of a matcher, and a draft beside them, or instead of the rule that has its id.

    A draft that is not active matches nothing: it shows what follows when a rule is switched off.
    """

    matcher: Matcher
    draft: Rule
    is_active: bool = True

    @property
    def rule_set(self) -> RuleSet:
        """The rules without the draft, with the hosts and teams that hold for it, too."""
        return self.matcher.rule_set

    def concerns(self, event: Event) -> bool:
        return self.is_active and matches(self.draft, event)

    def candidates(self, event: Event) -> list[Rule]:
        """All rules that match, the winner first."""
        found = [rule for rule in self.matcher.candidates(event) if rule.id != self.draft.id]
        return sorted([*found, self.draft], key=precedence) if self.concerns(event) else found

    def but_for_severity(self, event: Event) -> list[Rule]:
        """The rules that another severity would have made match."""
        found = [rule for rule in self.matcher.but_for_severity(event) if rule.id != self.draft.id]
        draft = Matcher(RuleSet(self.matcher.version, (self.draft,) if self.is_active else ()))
        return sorted([*found, *draft.but_for_severity(event)], key=precedence)

    def decide(self, event: Event) -> Decision:
        return decision_for(self.winner(event), event, self.matcher.rule_set)

    def winner(self, event: Event) -> Rule | None:
        """The rule that would win; quick where the draft changes nothing."""
        before = self.matcher.winner(event)
        if before is not None and before.id == self.draft.id:
            return next(iter(self.candidates(event)), None)
        if self.concerns(event) and (before is None or precedence(self.draft) < precedence(before)):
            return self.draft
        return before
