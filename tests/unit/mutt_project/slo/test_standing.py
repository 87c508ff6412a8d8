"""How the objectives stand: counted from traffic and tallies, shown by the API."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from audit.outcomes import Outcome
from audit.tallies import LATENCY_BOUNDS_S
from ingest.traffic_models import TrafficMinute
from mutt_project.slo.standing import Standing, standings
from tests.unit.mutt_project.calls import get

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 25, 21, 17, 30, tzinfo=UTC)
WITHIN_30_S = LATENCY_BOUNDS_S.index(30.0)


@pytest.fixture(autouse=True)
def _empty() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_tally")


def traffic(back: timedelta, answer: str, requests: int, at: datetime = NOW) -> None:
    minute = (at - back).replace(second=0, microsecond=0)
    TrafficMinute.objects.create(minute=minute, source="syslog", answer=answer, requests=requests, events=0)


def tally(back: timedelta, outcome: Outcome, entered: int, latency: int | None = 0, gone: int = 0) -> None:
    minute = (NOW - back).replace(second=0)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_tally (minute, outcome, latency, journal_seq, entered, gone)"
            " VALUES (%s, %s, %s, 1, %s, %s)",
            [minute, outcome.value, latency, entered, gone],
        )


def standing(measure: str) -> Standing:
    (found,) = (one for one in standings(NOW) if one.objective.measure == measure)
    return found


def rates(found: Standing) -> list[Any]:
    """Of each rule, over its long and its short window."""
    return [(burn.rate, burn.short_rate) for burn in found.burns]


MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def test_without_traffic_nothing_is_said():
    for found in standings(NOW):
        assert (found.count.total, found.count.ratio, found.budget, found.state) == (0, None, None, None)
        assert rates(found) == [(None, None)] * 3


def test_availability_is_what_is_not_answered_5xx_over_each_window():
    traffic(MINUTE, "accepted", 90)
    for number, answer in enumerate(("full", "journal_away", "keys_unavailable", "global_rate", "failed")):
        traffic(MINUTE, answer, number)
    traffic(MINUTE, "revoked_key", 5)  # the sender's fault
    traffic(timedelta(minutes=20), "accepted", 100)
    traffic(timedelta(hours=3), "accepted", 300)
    traffic(5 * DAY, "accepted", 9500)
    traffic(31 * DAY, "failed", 1_000_000)
    found = standing("ingest_availability")
    assert (found.count.good, found.count.total) == (9995, 10_005)
    assert found.budget is not None
    assert (found.budget.allowed, found.budget.spent) == (10.005, 10)
    assert found.budget.remaining == pytest.approx(1 - 10 / 10.005)
    assert rates(found) == [
        (pytest.approx(10 / 205 * 1000), pytest.approx(10 / 105 * 1000)),
        (pytest.approx(10 / 505 * 1000), pytest.approx(10 / 205 * 1000)),
        (pytest.approx(10 / 505 * 1000), pytest.approx(10 / 505 * 1000)),
    ]
    assert found.state == "burning"
    traffic(2 * MINUTE, "failed", 1)
    assert standing("ingest_availability").state == "exhausted"


def test_latency_counts_the_ends_that_came_in_time():
    tally(HOUR, Outcome.DELIVERED, 60, WITHIN_30_S)
    tally(HOUR, Outcome.IGNORED, 20, 0)
    tally(HOUR, Outcome.UNMATCHED, 10, 0)
    tally(HOUR, Outcome.SUPPRESSED, 6, 0)
    tally(HOUR, Outcome.DELIVERED, 4, WITHIN_30_S + 1)
    tally(HOUR, Outcome.DEAD, 1000, len(LATENCY_BOUNDS_S))
    found = standing("processing_latency")
    assert (found.count.good, found.count.total, found.state) == (96, 100, "ok")


def test_what_waits_too_long_is_late_while_it_still_waits():
    tally(HOUR, Outcome.DELIVERED, 100, 0)
    tally(10 * MINUTE, Outcome.PENDING, 70, None)
    tally(5 * MINUTE, Outcome.PENDING, 0, None, gone=20)
    tally(timedelta(), Outcome.PENDING, 8, None)  # these may have come a second ago
    found = standing("processing_latency")
    assert (found.count.good, found.count.total) == (100, 150)
    assert rates(found)[0][1] == 20  # 5 minutes in which nothing came to its end
    tally(timedelta(), Outcome.PENDING, 0, None, gone=58)
    tally(timedelta(), Outcome.DELIVERED, 58, WITHIN_30_S + 2)
    assert (standing("processing_latency").count.good, standing("processing_latency").count.total) == (100, 158)


def test_delivery_success_is_spoilt_by_dead_letters():
    tally(HOUR * 2, Outcome.DELIVERED, 399)
    tally(HOUR * 2, Outcome.DEAD, 1)
    tally(40 * DAY, Outcome.DEAD, 100)
    tally(HOUR * 2, Outcome.IGNORED, 1000)
    found = standing("delivery_success")
    assert (found.count.good, found.count.total, found.state) == (399, 400, "ok")
    assert rates(found)[0] == (None, None)
    assert rates(found)[1] == (0.5, None)
    tally(HOUR * 2, Outcome.DEAD, 2)
    assert standing("delivery_success").state == "exhausted"


def test_objectives_of_ones_own_are_shown_by_the_api(reader: Client, settings: Any, tmp_path: Any):
    settings.MUTT_SLO_FILE = str(tmp_path / "slo.toml")
    (tmp_path / "slo.toml").write_text('[door]\nmeasure = "ingest_availability"\ntarget = 0.9\nwindow_days = 1\n')
    now = datetime.now(UTC)
    traffic(MINUTE, "accepted", 19, now)
    traffic(MINUTE, "full", 1, now)
    traffic(2 * DAY, "full", 100, now)
    (found,) = get(reader, "slo")["results"]
    assert found.pop("burn")[0] == {
        "window": "1h",
        "rate": 0.5,
        "short_window": "5m",
        "short_rate": 0.5,
        "threshold": 14.4,
        "burning": False,
    }
    assert found == {
        "name": "door",
        "description": "",
        "measure": "ingest_availability",
        "target": 0.9,
        "within_s": None,
        "window_days": 1,
        "good": 19,
        "total": 20,
        "ratio": 0.95,
        "budget": {"allowed": 2.0, "spent": 1, "remaining": 0.5},
        "state": "ok",
    }


def test_the_api_says_null_where_nothing_came_and_needs_a_key(reader: Client):
    for found in get(reader, "slo")["results"]:
        assert [found[name] for name in ("ratio", "budget", "state")] == [None, None, None]
    get(Client(), "slo", 401)
