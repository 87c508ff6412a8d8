"""`manage.py restore_records`."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from audit import retaining
from audit.models import Archive
from audit.outcomes import Outcome
from audit.restoring import begin_restore
from audit.retention import begin
from tests.unit.audit.months import LONG_AGO, NOW, REASON, archiving_to, contents, fill, finish

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]


@pytest.fixture
def before(tmp_path: Path) -> dict[str, list[str]]:
    """What was in the month before it was dropped."""
    fill(outcomes=(Outcome.DELIVERED, Outcome.DEAD))
    found = contents()
    with archiving_to(tmp_path):
        begin(NOW, "ada", REASON)
        assert finish().state == Archive.State.DROPPED
    return found


@pytest.mark.parametrize("named", ["{month}", "{folder}", "{folder}/manifest.json"])
def test_a_month_is_restored_by_its_name_its_folder_or_its_manifest(
    before: dict[str, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str], named: str
):
    text = named.format(month=LONG_AGO, folder=tmp_path / str(LONG_AGO))
    with archiving_to(tmp_path):
        call_command("restore_records", text, "--reason", "an audit")
    assert contents() == before
    assert f"restored 2 records, 2 attempts and 1 dead letters of {LONG_AGO}" in capsys.readouterr().out
    assert Archive.objects.get().reason == "an audit"


def test_it_needs_no_row_of_the_database_that_it_is_restored_into(before: dict[str, list[str]], tmp_path: Path):
    Archive.objects.all().delete()
    moved = tmp_path / "brought from elsewhere"
    (tmp_path / str(LONG_AGO)).rename(moved)
    with archiving_to(None):
        call_command("restore_records", str(moved), "--reason", "another database")
    assert contents() == before


@pytest.mark.parametrize("named", ["{month}", "{folder}"])
def test_whoever_was_killed_is_gone_on_from(before: dict[str, list[str]], tmp_path: Path, named: str):
    with archiving_to(tmp_path):
        begin_restore(LONG_AGO, NOW, "somebody who was killed", "an audit")
        retaining.work(NOW)
        text = named.format(month=LONG_AGO, folder=tmp_path / str(LONG_AGO))
        call_command("restore_records", text, "--reason", "once more")
    assert contents() == before


def test_other_months_that_are_on_their_way_are_left_alone(before: dict[str, list[str]], tmp_path: Path):
    Archive.objects.create(month="2001-01", state=Archive.State.DROPPING, started_at=NOW, updated_at=NOW, path="x")
    with archiving_to(tmp_path):
        call_command("restore_records", str(LONG_AGO), "--reason", "an audit")
    assert Archive.objects.get(month="2001-01").state == Archive.State.DROPPING
    assert contents() == before


def test_a_lock_that_is_not_to_be_had_is_waited_for(
    before: dict[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    troubles = [OperationalError("canceling statement due to lock timeout")]

    def work(*arguments: Any) -> bool:
        if troubles:
            raise troubles.pop()
        return really(*arguments)

    really = retaining.work
    monkeypatch.setattr(retaining, "work", work)
    with archiving_to(tmp_path):
        call_command("restore_records", str(LONG_AGO), "--reason", "an audit")
    assert contents() == before
    assert "lock timeout" in capsys.readouterr().err


def test_what_cannot_be_restored_is_said(before: dict[str, list[str]], tmp_path: Path):
    with archiving_to(tmp_path):
        with pytest.raises(CommandError, match="cannot be read"):
            call_command("restore_records", str(tmp_path), "--reason", "an audit")
        (tmp_path / str(LONG_AGO) / "records-0001.csv.gz").write_bytes(b"")
        with pytest.raises(CommandError, match="records-0001"):
            call_command("restore_records", str(LONG_AGO), "--reason", "an audit")
