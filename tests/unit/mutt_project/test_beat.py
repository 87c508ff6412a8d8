"""Beat knows after a restart when each task last ran."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from audit.workers import beat_seen_at
from mutt_project.beat import JsonScheduler
from mutt_project.celery import app

NAME = "create partitions"


def scheduler(path: Path) -> JsonScheduler:
    return JsonScheduler(app, schedule_filename=str(path))


def test_a_last_run_is_known_after_a_restart(tmp_path: Path):
    path = tmp_path / "schedule.json"
    before = scheduler(path)
    assert set(before.schedule) == set(app.conf.beat_schedule)
    last = before.schedule[NAME].last_run_at = datetime.now(UTC) - timedelta(hours=5)
    before.close()
    assert list(tmp_path.iterdir()) == [path]
    after = scheduler(path)
    assert after.schedule[NAME].last_run_at == last
    is_due, next_in_s = after.schedule[NAME].is_due()
    assert not is_due
    assert 0 < next_in_s <= 3600


def test_a_task_that_is_gone_and_a_run_in_the_future_do_no_harm(tmp_path: Path):
    path = tmp_path / "schedule.json"
    future = datetime.now(UTC) + timedelta(days=365)
    path.write_text(json.dumps({"a task of old": future.isoformat(), NAME: future.isoformat()}))
    made = scheduler(path)
    assert set(made.schedule) == set(app.conf.beat_schedule)
    last = made.schedule[NAME].last_run_at
    assert last
    assert last <= datetime.now(UTC)


def test_what_beat_sends_is_a_sign_of_its_life(redis_server, tmp_path: Path):
    made = scheduler(tmp_path / "schedule.json")
    assert beat_seen_at() is None
    made.apply_async(made.schedule[NAME])
    assert beat_seen_at() is not None


@pytest.mark.parametrize(
    "content", ["", "[]", '{"create partitions": 7}', "\x80\x04pickle", '{"create partitions": "x"}']
)
def test_a_broken_file_is_told_and_begun_anew(tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture):
    path = tmp_path / "schedule.json"
    path.write_bytes(content.encode("latin-1"))
    made = scheduler(path)
    assert "begin anew" in caplog.text
    made.close()
    assert NAME in json.loads(path.read_text())
