"""Percentiles of what was measured."""

import math
from collections.abc import Sequence

PERCENTS = (50, 95, 99)


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """The smallest value that so many per cent do not exceed (nearest rank); NaN where nothing was measured."""
    ranked = sorted(values)
    return {
        f"p{percent}": ranked[math.ceil(len(ranked) * percent / 100) - 1] if ranked else math.nan
        for percent in PERCENTS
    }
