"""Budgets and burn rates, by tables."""

from datetime import timedelta

import pytest

from mutt_project.slo.budget import RULES, WINDOWS, Budget, Count, State, budget_of, burn_rate, burns, state_of

SHORT, HALF_HOUR, HOUR, SIX_HOURS, THREE_DAYS = WINDOWS


@pytest.mark.parametrize(
    ("good", "total", "target", "expected"),
    [
        (1000, 1000, 0.999, Budget(1.0, 0, 1.0)),
        (999, 1000, 0.999, Budget(1.0, 1, 0.0)),
        (998, 1000, 0.999, Budget(1.0, 2, -1.0)),
        (9600, 10_000, 0.95, Budget(500.0, 400, 1 - 400 / 500)),
        (0, 1, 0.5, Budget(0.5, 1, -1.0)),
        (0, 0, 0.999, None),
    ],
)
def test_a_budget_is_what_may_be_bad_of_what_came(good, total, target, expected):
    assert budget_of(Count(good, total), target) == expected


@pytest.mark.parametrize(
    ("good", "total", "target", "expected"),
    [
        (1000, 1000, 0.999, 0.0),
        (999, 1000, 0.999, 1.0),
        (9856, 10_000, 0.999, 14.4),
        (0, 10, 0.95, 20.0),
        (0, 0, 0.999, None),
    ],
)
def test_a_burn_rate_of_one_spends_the_budget_exactly(good, total, target, expected):
    assert burn_rate(Count(good, total), target) == expected


def test_the_rules_are_those_of_the_workbook():
    assert [(rule.long, rule.short, rule.threshold) for rule in RULES] == [
        (timedelta(hours=1), timedelta(minutes=5), 14.4),
        (timedelta(hours=6), timedelta(minutes=30), 6),
        (timedelta(days=3), timedelta(hours=6), 1),
    ]
    for rule in RULES:
        assert rule.long == 12 * rule.short


NOTHING = Count(0, 0)
FINE = Count(10_000, 10_000)


def bad(per_mille: float) -> Count:
    """At a target of 99.9 % each per mille is a rate of 1."""
    return Count(int(10_000 - 10 * per_mille), 10_000)


@pytest.mark.parametrize(
    ("counts", "burning"),
    [
        ({}, []),
        ({HOUR: bad(14.4), SHORT: bad(14.4)}, ["1h"]),
        ({HOUR: bad(14.3), SHORT: bad(1000)}, []),
        ({HOUR: bad(1000), SHORT: bad(14.3)}, []),
        ({HOUR: bad(1000), SHORT: NOTHING}, []),
        ({SIX_HOURS: bad(6), HALF_HOUR: bad(6)}, ["6h"]),
        ({SIX_HOURS: bad(5.9), HALF_HOUR: bad(6)}, []),
        ({THREE_DAYS: bad(1), SIX_HOURS: bad(1)}, ["3d"]),
        ({THREE_DAYS: bad(0.9), SIX_HOURS: bad(1)}, []),
        ({window: bad(1000) for window in WINDOWS}, ["1h", "6h", "3d"]),
        (dict.fromkeys(WINDOWS, NOTHING), []),
    ],
)
def test_a_budget_burns_where_both_windows_of_a_rule_have_reached_its_threshold(counts, burning):
    found = burns({**dict.fromkeys(WINDOWS, FINE), **counts}, 0.999)
    assert [burn.rule.name for burn in found if burn.burning] == burning


@pytest.mark.parametrize(
    ("whole", "lately", "state"),
    [
        (FINE, FINE, State.OK),
        (FINE, bad(20), State.BURNING),
        (bad(1), FINE, State.OK),  # all of it is spent, and no more
        (bad(1.1), FINE, State.EXHAUSTED),
        (bad(1.1), bad(20), State.EXHAUSTED),
        (FINE, NOTHING, State.OK),
        (NOTHING, NOTHING, None),
    ],
)
def test_the_state_says_the_worst_of_all(whole, lately, state):
    assert state_of(budget_of(whole, 0.999), burns(dict.fromkeys(WINDOWS, lately), 0.999)) is state
