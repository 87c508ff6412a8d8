"""Retention as Celery tasks: begun at night, done step by step, taken up where it was left lying."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.utils import timezone

from audit import retaining
from audit.connections import redis_client
from audit.models import Archive
from audit.partitions import exists
from audit.retention import begin
from audit.tasks import resume_archives, retain, work_on_archives
from tests.unit.audit.months import LONG_AGO, NOW, REASON, archiving_to, fill, finish

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]


def queued() -> int:
    return int(redis_client().llen("maintenance"))


def test_beat_begins_it_every_night_and_takes_up_what_was_left_lying():
    scheduled = {entry["task"]: entry["schedule"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert str(scheduled["audit.retain"]).startswith("<crontab: 15 2 * * *")
    assert scheduled["audit.resume_archives"] == 15


def test_the_nightly_task_begins_what_is_old_enough_and_says_that_mutt_did(tmp_path: Path):
    fill()
    with archiving_to(tmp_path):
        assert retain.run() == [str(LONG_AGO)]
    archive = Archive.objects.get()
    assert (archive.requested_by, archive.reason, queued()) == ("MUTT", "older than 400 days", 1)


def test_nothing_is_queued_where_nothing_is_old_enough(tmp_path: Path):
    with archiving_to(tmp_path):
        assert retain.run() == []
    assert queued() == 0


def test_a_step_queues_the_next_one_and_the_last_one_none(tmp_path: Path):
    fill()
    with archiving_to(tmp_path):
        begin(NOW, "ada", REASON)
        work_on_archives.run()
        assert queued() == 1
        finish()
        redis_client().flushall()
        work_on_archives.run()
    assert queued() == 0


def test_only_what_was_left_lying_for_a_while_is_taken_up(tmp_path: Path):
    fill()
    with archiving_to(tmp_path):
        begin(timezone.now(), "ada", REASON)
        resume_archives.run()
        assert queued() == 0
        Archive.objects.update(updated_at=timezone.now() - timedelta(seconds=16))
        resume_archives.run()
        assert queued() == 1
        Archive.objects.update(problem="the disk is full")
        resume_archives.run()
    assert queued() == 1


@pytest.mark.django_db(transaction=True)
def test_a_month_is_not_dropped_under_a_reader_but_later(tmp_path: Path):
    fill()
    reads, done = threading.Event(), threading.Event()

    def read() -> None:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN; SELECT count(*) FROM audit_record")
            reads.set()
            done.wait(30)
            cursor.execute("ROLLBACK")
        connection.close()

    with archiving_to(tmp_path):
        begin(NOW, "ada", REASON)
        while Archive.objects.get().state != Archive.State.DROPPING:
            retaining.work(NOW)
        reader = threading.Thread(target=read)
        reader.start()
        reads.wait(30)
        try:
            with pytest.raises(OperationalError, match="lock timeout"):
                retaining.work(NOW)
        finally:
            done.set()
            reader.join()
        assert (exists(LONG_AGO), Archive.objects.get().problem) == (True, "")
        assert finish().state == Archive.State.DROPPED
    assert not exists(LONG_AGO)
