"""The rule set as it was: every version that decided, put together again from the history.

A version is what all transactions have made of the rules that raised it to this number or a lower one. The database
wrote down which did (migration 0004), so neither clocks nor changes that were under way at that time matter.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import Max, Min

from rules import matching
from rules.event import Event, host_key
from rules.explaining import Explainable, Explanation, explain
from rules.matching import OneByOne, RuleSet
from rules.models import Rule, RuleSetChange
from rules.ruleset import compiled

_RULE_FIELDS = (
    *("name", "match_type", "match_string", "trap_oid", "syslog_severity", "priority"),
    *("prod_handling", "dev_handling", "team_assignment", "is_active"),
)
# Of each entry what its last change left, up to this version.
_AS_OF = """
SELECT id, {fields} FROM (
    SELECT DISTINCT ON (kept.pgh_obj_id) kept.pgh_obj_id AS id, kept.pgh_label AS label, {fields}
      FROM {history} AS kept JOIN rules_rulesetchange AS made ON made.number = kept.change_number
     WHERE made.version <= %s
     ORDER BY kept.pgh_obj_id, made.version DESC, kept.pgh_id DESC) AS latest
 WHERE label <> 'deleted'
"""
MOST_KEPT = 8  # versions; some thousand rules take a few megabytes


class UnknownVersionError(Exception):
    """The rules of this version are not known; the message says why."""


@dataclass(frozen=True, slots=True)
class Past:
    """One version: what decided, and the rules that were switched off then."""

    rules: Explainable
    inactive: tuple[matching.Rule, ...]

    def explain(self, event: Event) -> Explanation:
        """Why this version decided an event as it did."""
        return explain(event, self.rules, self.inactive)


def rules_of(version: int) -> Past:
    """The rules of a version. Raises UnknownVersionError."""
    known = RuleSetChange.objects.aggregate(first=Min("version"), last=Max("version"))
    if known["first"] is None or not known["first"] <= version <= known["last"]:
        first = f"since rule set {known['first']}" if known["first"] is not None else "not yet"
        raise UnknownVersionError(f"The rules of rule set {version} are not known any more: they are kept {first}.")
    last = RuleSetChange.objects.filter(version__lte=version).aggregate(last=Max("number"))["last"]
    return _rules_of(version, last)


@lru_cache(maxsize=MOST_KEPT)
def _rules_of(version: int, last_change: int) -> Past:  # noqa: ARG001 - no number is given twice: it is the key
    rows = [Rule(**fields) for fields in _as_of("rules_rulechange", ("id", *_RULE_FIELDS), version)]
    hosts = _as_of("rules_developmenthostchange", ("id", "hostname"), version)
    teams = _as_of("rules_deviceteamchange", ("id", "hostname", "team"), version)
    inactive = compiled((row for row in rows if not row.is_active), [])
    rule_set = RuleSet(
        version=version,
        rules=compiled((row for row in rows if row.is_active), []),
        development_hosts=frozenset(host_key(host["hostname"]) for host in hosts),
        teams={host_key(team["hostname"]): team["team"] for team in teams},
    )
    return Past(OneByOne(rule_set), inactive)


def _as_of(history: str, names: tuple[str, ...], version: int) -> Iterator[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(_AS_OF.format(history=history, fields=", ".join(names[1:])), [version])
        return (dict(zip(names, row, strict=True)) for row in cursor.fetchall())
