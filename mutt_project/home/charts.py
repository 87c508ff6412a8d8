"""Small charts as SVG, made here: no script, no style of their own, colours by class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import log10

WIDTH, HEIGHT = 600, 120
_GAP = 0.15  # of a bar's width


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a column, in the chart's own units, from the top left."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    """One moment: its parts, and what they say in words."""

    title: str
    bars: list[Bar]


@dataclass(frozen=True, slots=True)
class Chart:
    """Stacked columns over time. `top` is the number at the upper edge; `summary` says the whole in words."""

    columns: list[Column]
    top: int
    kinds: list[str]
    first: str
    last: str
    summary: str
    width: int = WIDTH
    height: int = HEIGHT


def stacked(moments: Sequence[datetime], series: Mapping[str, Sequence[int]], *, noun: str) -> Chart:
    """A chart of these series, one number for each moment; the first series stands at the bottom."""
    sums = [sum(values) for values in zip(*series.values(), strict=True)]
    top = nice(max(sums, default=0))
    step = WIDTH / max(len(moments), 1)
    columns = []
    for place, moment in enumerate(moments):
        values = {kind: numbers[place] for kind, numbers in series.items()}
        columns.append(Column(_title(moment, values), _bars(values, place * step, step, top)))
    totals = {kind: sum(numbers) for kind, numbers in series.items()}
    return Chart(
        columns=columns,
        top=top,
        kinds=[kind for kind, total in totals.items() if total],
        first=f"{moments[0]:%H:%M}" if moments else "",
        last=f"{moments[-1]:%H:%M}" if moments else "",
        summary=f"{noun}: " + (", ".join(f"{total:,} {kind}" for kind, total in totals.items() if total) or "none"),
    )


def _bars(values: Mapping[str, int], x: float, step: float, top: int) -> list[Bar]:
    bars, y = [], float(HEIGHT)
    for kind, value in values.items():
        height = HEIGHT * value / top
        y -= height
        if value:
            bars.append(
                Bar(kind, round(x + step * _GAP / 2, 2), round(y, 2), round(step * (1 - _GAP), 2), round(height, 2))
            )
    return bars


def _title(moment: datetime, values: Mapping[str, int]) -> str:
    said = ", ".join(f"{value:,} {kind}" for kind, value in values.items() if value)
    return f"{moment:%H:%M} {said or 'nothing'}"


def nice(most: int) -> int:
    """A round number at or above this one: 1, 2 or 5 with zeros."""
    if most <= 1:
        return 1
    power = int(10 ** int(log10(most)))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= most)
