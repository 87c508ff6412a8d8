"""What grows without end is deleted once it is old."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import override_settings

from ingest.pruning import delete_what_is_old
from ingest.replay_models import Replay
from rules.backtest_models import Backtest

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC)


def replay(**ended: datetime | None) -> Replay:
    return Replay.objects.create(requested_by="ada", filter={}, rate=1, started_at=NOW, next_at=NOW, total=0, **ended)


@override_settings(MUTT_RETENTION_DAYS=100)
def test_replays_go_with_the_records_that_they_were_of():
    replay(ended_at=NOW - timedelta(days=101))
    kept = {replay(ended_at=NOW - timedelta(days=99)), replay(ended_at=None)}
    assert delete_what_is_old(NOW)["replays"] == 1
    assert set(Replay.objects.all()) == kept
    with override_settings(MUTT_RETENTION_DAYS=0):
        delete_what_is_old(NOW + timedelta(days=10_000))
    assert set(Replay.objects.all()) == kept


def test_backtests_go_though_nobody_begins_another():
    for age in (6, 8):
        at = NOW - timedelta(days=age)
        Backtest.objects.create(requested_by="ada", draft={}, started_at=at, updated_at=at)
    assert delete_what_is_old(NOW)["backtests"] == 1
    assert Backtest.objects.get().started_at == NOW - timedelta(days=6)


def test_sessions_that_have_expired_go():
    for days in (-1, 1):
        Session.objects.create(session_key=f"s{days}", session_data="", expire_date=NOW + timedelta(days=days))
    delete_what_is_old(NOW)
    assert Session.objects.get().session_key == "s1"
