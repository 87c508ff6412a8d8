"""The rule set of a process: loaded whole in one transaction, looked up again when its version moves on."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db import Error, connection, transaction

from rules import matching
from rules.compiled import Matcher
from rules.event import host_key
from rules.loaded import tell_loaded
from rules.matching import LeftOut, RuleSet
from rules.metrics import DECIDED_AT, RELOAD_FAILURES, VERSION
from rules.models import DevelopmentHost, DeviceTeam, Rule, RuleSetVersion

logger = logging.getLogger(__name__)


def load_rule_set() -> RuleSet:
    """Read version, rules, hosts and teams as of one moment."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Every change writes the version row in its own transaction: holding it shuts changes out.
            cursor.execute("SELECT version FROM rules_rulesetversion WHERE id = 1 FOR SHARE")
            version = cursor.fetchone()[0]
        left_out: list[LeftOut] = []
        rule_set = RuleSet(
            version=version,
            rules=compiled(Rule.objects.filter(is_active=True), left_out),
            development_hosts=frozenset(
                host_key(name) for name in DevelopmentHost.objects.values_list("hostname", flat=True)
            ),
            teams={host_key(name): team for name, team in DeviceTeam.objects.values_list("hostname", "team")},
            left_out=tuple(left_out),
        )
    for one in left_out:
        logger.error("rule %s (%s) is left out: %s", one.rule_id, one.name, one.why)
    return rule_set


def compiled(rows: Iterable[Rule], left_out: list[LeftOut]) -> tuple[matching.Rule, ...]:
    """The rules ready to match. One that came past all checks into the table must not stop the others."""
    rules = []
    for row in rows:
        try:
            rules.append(row.as_matched())
        except ValueError as error:
            left_out.append(LeftOut(row.pk, row.name, str(error)))
    return tuple(rules)


@dataclass(frozen=True, slots=True)
class RulesLook:
    """The active rules of a version of the rule set, as numbers, and those that are left out."""

    version: int
    active: int
    left_out: tuple[LeftOut, ...]


def look_at_rules() -> RulesLook:
    """How the rules stand. Raises django.db.Error."""
    version = RuleSetVersion.objects.values_list("version", flat=True).get(pk=1)
    left_out: list[LeftOut] = []
    usable = compiled(Rule.objects.filter(is_active=True), left_out)
    return RulesLook(version, len(usable) + len(left_out), tuple(left_out))


def inactive_rules() -> list[matching.Rule]:
    """The rules that are switched off, ready to match."""
    return list(compiled(Rule.objects.filter(is_active=False), []))


class CurrentRuleSet:
    """The rule set to decide by. It asks for the version at most every `max_age_s` seconds."""

    def __init__(self, max_age_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_age_s = max_age_s
        self._clock = clock
        self._lock = threading.Lock()
        self._matcher: Matcher | None = None
        self._checked_at = 0.0

    def get(self, *, newest: bool = False) -> Matcher:
        """The current rule set, or the last one known while PostgreSQL is away; `newest` asks at once.

        Raises django.db.Error if there is none yet.
        """
        with self._lock:
            if not newest and self._matcher is not None and self._clock() - self._checked_at < self._max_age_s:
                return self._matcher
            try:
                with RELOAD_FAILURES.count_exceptions():
                    self._refresh()
            except Error:  # also InterfaceError: the connection was lost before
                if self._matcher is None:
                    raise
                logger.warning(
                    "rule set not checked: PostgreSQL is away; deciding by version %s", self._matcher.version
                )
            self._checked_at = self._clock()
            if self._matcher is None:
                raise RuntimeError("a refresh that did not fail has loaded a rule set")
            DECIDED_AT.set_to_current_time()
            return self._matcher

    def _refresh(self) -> None:
        version = RuleSetVersion.objects.values_list("version", flat=True).get(pk=1)
        if self._matcher is None or self._matcher.version != version:
            self._matcher = Matcher(load_rule_set())
            rule_set = self._matcher.rule_set
            logger.info("rule set %s loaded: %s rules", rule_set.version, len(rule_set.rules))
            VERSION.set(rule_set.version)
            tell_loaded(rule_set.version, len(rule_set.rules), rule_set.left_out)


current_rule_set = CurrentRuleSet(max_age_s=settings.MUTT_RULE_SET_MAX_AGE_S)
