"""`muttctl dr backup` and `verify` against the servers of a running MUTT."""

import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mutt_project import __version__
from ops.drills.page import Page
from ops.local import postgresql
from ops.local.stack import ROOT
from tests.mutt import Mutt, event

pytestmark = pytest.mark.stack
RESTORED = "restored"


def dr(mutt: Mutt, *words: str, **more: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        **mutt.stack.environment,
        "PATH": f"{postgresql.BIN}:{mutt.stack.environment['PATH']}",
        "MUTT_URL": mutt.stack.web,
        "MUTT_API_KEY": mutt.stack.secrets["api_key"],
        **more,
    }
    command = [sys.executable, "-m", "mutt_project.muttctl", "dr", *words]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_a_backup_holds_both_stores_and_what_people_read_and_no_secret(mutt: Mutt, tmp_path: Path):
    mutt.send(event())
    mutt.settled()
    made = dr(mutt, "backup", "--to", str(tmp_path / "backups"), "-o", "json")
    assert made.returncode == 0, made.stderr
    told = json.loads(made.stdout)
    assert told["postgresql"]["kind"] == "base"
    assert told["ledger"]["balanced"]
    assert told["muttctl"] == told["versions"]["mutt"] == __version__
    folder = tmp_path / "backups" / "latest"
    assert "Interface down" in (folder / "readable" / "rules.yaml").read_text()
    verified = dr(mutt, "verify", str(folder))
    assert verified.returncode == 0, verified.stderr
    output = made.stdout + made.stderr + (folder / "manifest.json").read_text()
    assert [name for name, secret in mutt.stack.secrets.items() if secret in output] == []


def test_a_dump_is_made_where_that_is_asked_for_and_goes_into_an_empty_database(mutt: Mutt, tmp_path: Path):
    mutt.send(event())
    mutt.settled()
    made = dr(mutt, "backup", "--to", str(tmp_path), "--postgresql", "dump")
    assert made.returncode == 0, made.stderr
    assert dr(mutt, "verify", str(tmp_path / "latest")).returncode == 0
    records = "SELECT count(*) FROM audit_record"
    expected = psql(mutt, postgresql.DATABASE, records)
    for block in Page.read().chapter("PostgreSQL corruption").blocks("From a dump"):
        shell(mutt, block, BACKUP=str(tmp_path), PGDATABASE=RESTORED)
    try:
        assert psql(mutt, RESTORED, records) == expected != "0"
    finally:
        shell(mutt, f"dropdb {RESTORED}")


def shell(mutt: Mutt, commands: str, **more: str) -> str:
    url = urlsplit(mutt.stack.environment["DATABASE_URL"])
    environment = {
        "PATH": f"{postgresql.BIN}:{mutt.stack.environment['PATH']}",
        "PGHOST": str(url.hostname),
        "PGPORT": str(url.port),
        "PGUSER": postgresql.USER,
        "PGPASSWORD": str(url.password),
        **more,
    }
    done = subprocess.run(
        ["/bin/bash", "-e"], input=commands, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def psql(mutt: Mutt, database: str, query: str) -> str:
    return shell(mutt, f'psql -At -c "{query}"', PGDATABASE=database)


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ({"REDIS_PASSWORD": "wrong"}, "Redis cannot be copied: it refuses the password"),
        ({"DATABASE_PASSWORD": "wrong"}, "password authentication failed"),
        ({"PATH": "/nowhere"}, "psql is not on the PATH"),
    ],
)
def test_what_goes_wrong_is_said_and_nothing_is_left(mutt: Mutt, tmp_path: Path, setting, complaint):
    made = dr(mutt, "backup", "--to", str(tmp_path), **setting)
    assert made.returncode == 1
    assert complaint in made.stderr
    assert "Traceback" not in made.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_drills_are_listed():
    command = [sys.executable, "-m", "mutt_project.muttctl", "dr", "list", "-o", "json"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert {"redis_data_loss", "postgresql_corruption"} <= {one["name"] for one in json.loads(listed.stdout)}
