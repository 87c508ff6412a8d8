"""Real processes are killed at moments of chance while a month goes and comes back."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection

from audit.models import Archive
from audit.outcomes import Outcome
from audit.partitions import exists
from audit.restoring import begin_restore
from audit.retaining import on_their_way
from audit.retention import begin
from ops.local.stack import ROOT
from tests.unit.audit.months import DAYS, LONG_AGO, NOW, REASON, archiving_to, contents, fill

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]

WORKER = """
import django
django.setup()
from django.utils import timezone
from audit import archive, retaining
archive.PART_ROWS = 5
retaining.DELETED_AT_ONCE = 20
print("ready", flush=True)
while retaining.work(timezone.now()):
    pass
"""


def work_and_be_killed(folder: Path, chance: random.Random) -> int:
    """Let workers begin until one ends by itself; returns how many were killed before."""
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "mutt_project.settings.test",
        "DATABASE_URL": database,
        "MUTT_ARCHIVE_DIR": str(folder),
        "MUTT_RETENTION_DAYS": str(DAYS),
    }
    killed = 0
    while on_their_way().exists():
        command = [sys.executable, "-c", WORKER]
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as worker:
            assert worker.stdout
            assert worker.stdout.readline() == "ready\n"
            time.sleep(chance.uniform(0, 0.3))
            killed += worker.poll() is None
            worker.kill()
    return killed


def test_a_month_goes_and_comes_back_whole_whenever_workers_are_killed(tmp_path: Path):
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for _ in range(10):
        fill(outcomes=[Outcome.DELIVERED, Outcome.DEAD, Outcome.IGNORED] * 7)
    before = contents()
    with archiving_to(tmp_path):
        begin(NOW, "ada", REASON)
        killed = work_and_be_killed(tmp_path, chance)
        archive = Archive.objects.get()
        assert (archive.state, archive.problem, exists(LONG_AGO)) == (Archive.State.DROPPED, "", False)
        assert not any(contents().values())
        begin_restore(LONG_AGO, NOW, "grace", "an audit")
        killed += work_and_be_killed(tmp_path, chance)
    archive.refresh_from_db()
    assert (archive.state, archive.problem) == (Archive.State.RESTORED, "")
    assert contents() == before
    assert killed
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {LONG_AGO.partition}")
