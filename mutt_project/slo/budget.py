"""Error budgets: how much may be bad, how much of that is spent, and how fast it is being spent.

The rules are those of Google's SRE workbook, chapter 5, “Multiwindow, Multi-Burn-Rate Alerts”.
https://sre.google/workbook/alerting-on-slos/
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Count:
    """How many there were, and how many of them were good."""

    good: int
    total: int

    @property
    def bad(self) -> int:
        return self.total - self.good

    @property
    def ratio(self) -> float | None:
        """The share of the good; None where there were none: nothing is not 100 %."""
        return self.good / self.total if self.total else None


@dataclass(frozen=True, slots=True)
class Budget:
    """How many may be bad, how many are, and which share of it remains: below 0 where more were bad than may be."""

    allowed: float
    spent: int
    remaining: float


class State(StrEnum):
    OK = "ok"
    BURNING = "burning"  # at this pace the budget does not last
    EXHAUSTED = "exhausted"  # the objective is missed over its window


@dataclass(frozen=True, slots=True)
class BurnRule:
    """A budget burns where it is spent at `threshold` times the pace that it lasts for, over both windows.

    The long one keeps a short trouble from counting, the short one says that it is not over yet.
    """

    name: str
    long: timedelta
    short_name: str
    short: timedelta
    threshold: float


RULES = (
    BurnRule("1h", timedelta(hours=1), "5m", timedelta(minutes=5), 14.4),
    BurnRule("6h", timedelta(hours=6), "30m", timedelta(minutes=30), 6.0),
    BurnRule("3d", timedelta(days=3), "6h", timedelta(hours=6), 1.0),
)
WINDOWS = tuple(sorted({window for rule in RULES for window in (rule.long, rule.short)}))


@dataclass(frozen=True, slots=True)
class Burn:
    """The pace over both windows of a rule: 1 spends the budget exactly by its window's end; None without traffic."""

    rule: BurnRule
    rate: float | None
    short_rate: float | None

    @property
    def burning(self) -> bool:
        return all(rate is not None and rate >= self.rule.threshold for rate in (self.rate, self.short_rate))


def budget_of(count: Count, target: float) -> Budget | None:
    """The budget of an objective over its window; None without traffic."""
    if not count.total:
        return None
    allowed = round(count.total * (1 - target), 9)  # 0.1 % of a thousand is one, whatever floats say
    return Budget(allowed, count.bad, 1 - count.bad / allowed)


def burn_rate(count: Count, target: float) -> float | None:
    """How many times faster than it may be the budget was spent; None without traffic."""
    return round(count.bad / count.total / (1 - target), 9) if count.total else None


def burns(counts: Mapping[timedelta, Count], target: float) -> tuple[Burn, ...]:
    """All rules on these counts, which are by the lengths of WINDOWS."""
    return tuple(
        Burn(rule, burn_rate(counts[rule.long], target), burn_rate(counts[rule.short], target)) for rule in RULES
    )


def state_of(budget: Budget | None, burning: tuple[Burn, ...]) -> State | None:
    """None without traffic: there is nothing to say."""
    if budget is None:
        return None
    if budget.spent > budget.allowed:
        return State.EXHAUSTED
    return State.BURNING if any(burn.burning for burn in burning) else State.OK
