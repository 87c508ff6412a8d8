"""Moments in queries."""

from datetime import UTC, datetime, timedelta

import pytest

from audit.api.moments import moment_of
from tests.unit.audit.batches import NOW


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("-1h", NOW - timedelta(hours=1)),
        ("-90s", NOW - timedelta(seconds=90)),
        ("-2d", NOW - timedelta(days=2)),
        ("-1w", NOW - timedelta(days=7)),
        ("2026-11-23", datetime(2026, 11, 23, tzinfo=UTC)),
        ("2026-11-23T08:00:00", datetime(2026, 11, 23, 8, tzinfo=UTC)),
        ("2026-11-23T08:00:00Z", datetime(2026, 11, 23, 8, tzinfo=UTC)),
        ("2026-11-23T09:00:00+01:00", datetime(2026, 11, 23, 8, tzinfo=UTC)),
        ("2026-11-23T09:00:00 01:00", datetime(2026, 11, 23, 8, tzinfo=UTC)),  # a plus sign that a URL ate
    ],
)
def test_a_moment_is_iso_or_relative(text: str, moment: datetime):
    assert moment_of(text, NOW) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "1h",
        "-1y",
        "-h",
        "2026-13-01",
        "-999999w",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
    ],
)
def test_anything_else_is_refused_with_an_example_or_a_reason(text: str):
    with pytest.raises(ValueError, match=r"ISO 8601|calendar"):
        moment_of(text, NOW)
