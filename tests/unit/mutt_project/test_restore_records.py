"""`manage.py restore_records`."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from audit.models import Archive
from audit.outcomes import Outcome
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


def test_what_cannot_be_restored_is_said(before: dict[str, list[str]], tmp_path: Path):
    with archiving_to(tmp_path):
        with pytest.raises(CommandError, match="cannot be read"):
            call_command("restore_records", str(tmp_path), "--reason", "an audit")
        (tmp_path / str(LONG_AGO) / "records-0001.csv.gz").write_bytes(b"")
        with pytest.raises(CommandError, match="records-0001"):
            call_command("restore_records", str(LONG_AGO), "--reason", "an audit")
