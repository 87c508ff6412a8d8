"""Charts: what they draw, and what they say to those who do not see them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutt_project.home.charts import HEIGHT, WIDTH, nice, stacked

BEGIN = datetime(2030, 1, 2, 3, 58, tzinfo=UTC)


def moments(count: int) -> list[datetime]:
    return [BEGIN + timedelta(minutes=number) for number in range(count)]


def test_the_parts_of_a_column_stand_on_each_other_from_the_ground_up():
    chart = stacked(moments(2), {"delivered": [6, 0], "dead": [2, 5]}, noun="Ended")
    first, second = chart.columns
    low, high = first.bars
    assert (low.kind, high.kind, chart.top) == ("delivered", "dead", 10)
    assert low.y + low.height == HEIGHT
    assert high.y + high.height == pytest.approx(low.y)
    assert [bar.kind for bar in second.bars] == ["dead"]
    assert second.bars[0].height == HEIGHT / 2


def test_a_chart_says_in_words_what_it_draws():
    chart = stacked(moments(3), {"delivered": [1200, 0, 34], "dead": [0, 0, 0]}, noun="Ended")
    assert chart.summary == "Ended: 1,234 delivered"
    assert [column.title for column in chart.columns] == [
        "03:58 1,200 delivered",
        "03:59 nothing",
        "04:00 34 delivered",
    ]
    assert (chart.first, chart.last, chart.kinds) == ("03:58", "04:00", ["delivered"])


def test_a_chart_of_nothing_is_one():
    assert stacked(moments(2), {"dead": [0, 0]}, noun="Ended").summary == "Ended: none"
    assert stacked([], {"dead": []}, noun="Ended").columns == []


@pytest.mark.parametrize(
    ("most", "top"), [(0, 1), (1, 1), (3, 5), (7, 10), (10, 10), (11, 20), (501, 1000), (2000, 2000)]
)
def test_the_upper_edge_is_a_round_number(most, top):
    assert nice(most) == top


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), min_size=1, max_size=70))
def test_every_bar_lies_within_the_chart(values):
    series = {"delivered": [one for one, _ in values], "dead": [other for _, other in values]}
    chart = stacked(moments(len(values)), series, noun="Ended")
    for column in chart.columns:
        for bar in column.bars:
            assert -0.02 <= bar.x <= bar.x + bar.width <= WIDTH + 0.02
            assert -0.02 <= bar.y <= bar.y + bar.height <= HEIGHT + 0.02
