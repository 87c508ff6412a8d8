"""A month leaves the database and comes back as it was, whoever is killed meanwhile."""

import gzip
import json
import threading
import zlib
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit import archive as archiving
from audit import retaining
from audit.models import Archive, Attempt, DeadLetter, Record
from audit.outcomes import Outcome
from audit.partitions import exists, partitions
from audit.restoring import NoArchiveError, RefusedError, begin_restore
from audit.retention import begin, plan
from tests.unit.audit.months import LONG_AGO, NOW, REASON, archiving_to, contents, digest, fill, finish, months_ago

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]

ALL_KINDS = (Outcome.DELIVERED, Outcome.DEAD, Outcome.IGNORED, Outcome.UNMATCHED, Outcome.SUPPRESSED)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archiving, "PART_ROWS", 2)


def drop_all(folder: Path) -> Archive:
    with archiving_to(folder):
        begin(NOW, "ada", REASON)
        return finish()


def restore(folder: Path) -> Archive:
    with archiving_to(folder):
        begin_restore(LONG_AGO, NOW, "grace", "an audit")
        return finish()


def test_a_month_goes_with_its_attempts_and_settled_dead_letters_and_comes_back_as_it_was(tmp_path: Path):
    fill(outcomes=ALL_KINDS)
    fill(months_ago(1), outcomes=(Outcome.DEAD,))
    before = contents()
    archive = drop_all(tmp_path)
    assert (archive.problem, archive.state, archive.progress) == ("", Archive.State.DROPPED, 1.0)
    assert (Record.objects.count(), Attempt.objects.count(), DeadLetter.objects.count()) == (1, 2, 1)
    assert (exists(LONG_AGO), exists(months_ago(1))) == (False, True)
    archive = restore(tmp_path)
    assert (archive.problem, archive.state, archive.progress) == ("", Archive.State.RESTORED, 1.0)
    assert contents() == before
    assert LONG_AGO.partition in partitions()


def test_an_archive_tells_what_is_in_it(tmp_path: Path):
    events = fill(outcomes=ALL_KINDS)
    archive = drop_all(tmp_path)
    folder = tmp_path / str(LONG_AGO)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["rows"] == {"records": 5, "attempts": 2, "dead_letters": 1}
    assert manifest["outcomes"] == {outcome.value: 1 for outcome in ALL_KINDS}
    assert (manifest["month"], manifest["requested_by"], manifest["reason"]) == (str(LONG_AGO), "ada", REASON)
    assert "event_id" in manifest["columns"]["records"]
    records, *_ = manifest["parts"]
    assert (records["first"], records["last"], records["rows"]) == (str(events[0]), str(events[-1]), 5)
    listed = [line.split() for line in (folder / "SHA256SUMS").read_text().splitlines()]
    sums = {name: sha256 for sha256, name in listed}
    assert sums == {path.name: digest(path) for path in folder.iterdir() if path.name != "SHA256SUMS"}
    assert archive.sha256 == sums["manifest.json"]
    assert {path.stat().st_mode & 0o077 for path in [folder, *folder.iterdir()]} == {0}


texts = st.text(st.characters(exclude_characters="\0", codec="utf-8"))
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(
    fields=st.fixed_dictionaries(
        {
            "message": texts
            | st.sampled_from(['"', "\\.", "\\N", 'a\n"b",\r\n', "", "\x01\x02", "\N{REPLACEMENT CHARACTER}"]),
            "hostname": texts,
            "notes": st.lists(texts, max_size=3),
            "event": values,
            "event_time": st.none() | st.just(NOW),
            "rule_id": st.none() | st.integers(-(2**63), 2**63 - 1),
            "clears": st.booleans(),
            "outcome_at": st.none() | st.just(NOW),
        }
    )
)
def test_whatever_a_record_holds_comes_back_exactly(tmp_path: Path, fields: dict[str, Any]):
    with transaction.atomic():
        fill(outcomes=(Outcome.DELIVERED, Outcome.DEAD), **fields)
        before = contents()
        assert drop_all(tmp_path).state == Archive.State.DROPPED
        assert not any(contents().values())
        assert restore(tmp_path).problem == ""
        assert contents() == before
        transaction.set_rollback(True)


def test_no_trigger_of_the_table_sees_a_month_go_or_come(tmp_path: Path):
    """Who keeps tallies of what has happened keeps them: it has not happened once more, nor less."""
    fill()
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE seen (what text); CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS"
            " $$BEGIN INSERT INTO seen VALUES (TG_OP); RETURN NULL; END$$;"
            " CREATE TRIGGER tally AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON audit_record"
            " FOR EACH STATEMENT EXECUTE FUNCTION see()"
        )
    fill(months_ago(1))
    before = seen()
    assert "INSERT" in before
    drop_all(tmp_path)
    restore(tmp_path)
    assert seen() == before


def seen() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT what FROM seen")
        return [what for (what,) in cursor.fetchall()]


def test_many_rows_are_written_in_parts(tmp_path: Path, small_parts: None):
    fill(outcomes=[Outcome.DELIVERED] * 5 + [Outcome.DEAD] * 3)
    before = contents()
    archive = drop_all(tmp_path)
    assert [(part["source"], part["rows"]) for part in archive.parts] == [
        *(("records", 2),) * 4,
        ("attempts", 2),
        ("dead_letters", 2),
        ("dead_letters", 1),
    ]
    restore(tmp_path)
    assert contents() == before


def test_a_part_ends_with_the_last_attempt_of_a_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(archiving, "PART_ROWS", 1)
    fill()
    fill()
    before = contents()
    archive = drop_all(tmp_path)
    assert [part["rows"] for part in archive.parts if part["source"] == "attempts"] == [2, 2]
    restore(tmp_path)
    assert contents() == before


class Killed(BaseException):
    pass


@transaction.atomic
def killed_step() -> None:
    retaining.work(NOW)
    raise Killed


def killed_before_each_commit() -> int:
    """Do every step twice: whoever did it the first time was killed just before its commit."""
    steps = 0
    going_on = True
    while going_on:
        with pytest.raises(Killed):
            killed_step()
        going_on = retaining.work(NOW)
        steps += 1
    return steps


def test_whoever_is_killed_at_any_step_neither_loses_nor_doubles_anything(tmp_path: Path, small_parts: None):
    fill(outcomes=ALL_KINDS)
    before = contents()
    with archiving_to(tmp_path):
        begin(NOW, "ada", REASON)
        assert killed_before_each_commit() > 10
        archive = Archive.objects.get()
        assert (archive.state, archive.problem) == (Archive.State.DROPPED, "")
        assert not any(contents().values())
        begin_restore(LONG_AGO, NOW, "grace", "an audit")
        assert killed_before_each_commit() > 5
    archive.refresh_from_db()
    assert (archive.state, archive.problem) == (Archive.State.RESTORED, "")
    assert contents() == before
    assert [path.name for path in tmp_path.iterdir()] == [str(LONG_AGO)]
    assert len(list((tmp_path / str(LONG_AGO)).iterdir())) == len(archive.parts) + 2


def test_a_file_that_was_half_written_is_written_again(tmp_path: Path):
    fill()
    folder = tmp_path / str(LONG_AGO)
    folder.mkdir()
    (folder / ".records-0001.csv.gz.unfinished").write_bytes(b"half of it, and more than there will be" * 1000)
    (folder / "records-0001.csv.gz").write_bytes(b"of one that was killed")
    archive = drop_all(tmp_path)
    assert archive.state == Archive.State.DROPPED
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize("name", ["records-0001.csv.gz", "manifest.json"])
@pytest.mark.parametrize("harm", ["changed", "rotten", "exchanged", "cut", "gone"])
def test_nothing_is_dropped_when_the_archive_cannot_be_read_back(tmp_path: Path, name: str, harm: str):
    fill()
    before = contents()
    with archiving_to(tmp_path):
        begin(NOW, "ada", REASON)
        while Archive.objects.get().state == Archive.State.WRITING:
            retaining.work(NOW)
        spoil(tmp_path / str(LONG_AGO) / name, harm)
        archive = finish()
    assert name in archive.problem
    assert contents() == before


@pytest.mark.parametrize("harm", ["changed", "rotten", "exchanged", "cut", "gone"])
def test_an_archive_that_was_changed_is_not_restored_and_can_be_once_it_is_mended(tmp_path: Path, harm: str):
    fill()
    before = contents()
    drop_all(tmp_path)
    path = tmp_path / str(LONG_AGO) / "records-0001.csv.gz"
    good = path.read_bytes()
    spoil(path, harm)
    archive = restore(tmp_path)
    assert "records-0001.csv.gz" in archive.problem
    assert LONG_AGO.partition not in partitions()
    path.write_bytes(good)
    assert restore(tmp_path).problem == ""
    assert contents() == before


@pytest.mark.parametrize("lacking", ["rows", "parts", "month", "outcomes", "sha256"])
def test_a_manifest_that_lacks_something_is_refused(tmp_path: Path, lacking: str):
    fill()
    drop_all(tmp_path)
    Archive.objects.all().delete()
    path = tmp_path / str(LONG_AGO) / "manifest.json"
    manifest = json.loads(path.read_text())
    (manifest["parts"][0] if lacking == "sha256" else manifest).pop(lacking)
    path.write_text(json.dumps(manifest))
    assert lacking in restore(tmp_path).problem


def test_a_month_with_a_trouble_that_nobody_thought_of_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fill()
    fill(months_ago(19))

    def trouble(source: Any, month: Any, *place: Any) -> Any:
        if month == LONG_AGO:
            raise RuntimeError("nobody thought of it")
        return write_part(source, month, *place)

    write_part = archiving.write_part
    monkeypatch.setattr(retaining, "write_part", trouble)
    drop_all(tmp_path)
    assert dict(Archive.objects.values_list("month", "problem")) == {
        str(LONG_AGO): "RuntimeError: nobody thought of it",
        str(months_ago(19)): "",
    }
    assert (exists(LONG_AGO), exists(months_ago(19))) == (True, False)


def flipped(good: bytes, place: int) -> bytes:
    return good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :]


def is_rotten(packed: bytes) -> bool:
    try:
        gzip.decompress(packed)
    except zlib.error:
        return True
    except (OSError, EOFError):
        return False
    return False


def spoil(path: Path, harm: str) -> None:
    if harm == "gone":
        path.unlink()
    elif harm == "exchanged" and path.suffix == ".gz":  # for a file that is whole, and has as many rows
        path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b"sensor", b"censor")))
    elif harm == "rotten" and path.suffix == ".gz":  # amid what gzip has packed
        good = path.read_bytes()
        path.write_bytes(next(filter(is_rotten, (flipped(good, place) for place in range(len(good))))))
    else:
        good = path.read_bytes()
        path.write_bytes(good[:-10] if harm == "cut" else flipped(good, len(good) - 6))


def test_rows_that_came_in_while_it_was_written_keep_a_month(tmp_path: Path):
    fill()
    with archiving_to(tmp_path):
        begin(NOW, "ada", REASON)
        while Archive.objects.get().state != Archive.State.DROPPING:
            retaining.work(NOW)
        fill()
        archive = finish()
        assert "has changed" in archive.problem
        assert Record.objects.count() == 2
        begin(NOW, "ada", REASON)
        archive = finish()
    assert (archive.state, archive.records) == (Archive.State.DROPPED, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == [str(LONG_AGO), f"{LONG_AGO}.2"]
    restore(tmp_path)
    assert Record.objects.count() == 2


def test_a_disk_that_is_full_stops_it_with_its_words_until_the_next_night(tmp_path: Path):
    fill()
    with archiving_to(tmp_path / "a file"):
        (tmp_path / "a file").write_text("in the way")
        begin(NOW, "ada", REASON)
        archive = finish()
        assert "Not a directory" in archive.problem or "File exists" in archive.problem
        assert Record.objects.count() == 1
        (tmp_path / "a file").unlink()
        begin(NOW, "MUTT", REASON)
        assert finish().state == Archive.State.DROPPED


def test_a_month_is_restored_once_and_stays_for_some_days(tmp_path: Path):
    fill()
    drop_all(tmp_path)
    kept_until = restore(tmp_path).keep_until
    assert kept_until
    with pytest.raises(RefusedError, match="is in the database"):
        restore(tmp_path)
    with archiving_to(tmp_path):
        (found,) = [one for one in plan(NOW) if one.month == LONG_AGO]
        assert "It was restored" in found.why_not
        assert begin(NOW, "MUTT", REASON) == []
        assert begin(kept_until, "MUTT", REASON) == [str(LONG_AGO)]


def test_a_restored_month_goes_again_with_the_archive_that_it_has(tmp_path: Path):
    fill(outcomes=ALL_KINDS)
    drop_all(tmp_path)
    files = {path.name: path.stat().st_mtime_ns for path in (tmp_path / str(LONG_AGO)).iterdir()}
    later = restore(tmp_path).keep_until
    assert later
    with archiving_to(tmp_path):
        begin(later, "MUTT", REASON)
        archive = finish(later)
    assert (archive.state, archive.problem) == (Archive.State.DROPPED, "")
    assert [path.name for path in tmp_path.iterdir()] == [str(LONG_AGO)]
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / str(LONG_AGO)).iterdir()} == files
    assert [one["what"] for one in archive.history] == ["retain", "dropped", "restore", "restored", "retain", "dropped"]


def test_what_was_never_dropped_cannot_be_restored(tmp_path: Path):
    with archiving_to(tmp_path), pytest.raises(NoArchiveError):
        begin_restore(LONG_AGO, NOW, "grace", "an audit")
    fill()
    with archiving_to(tmp_path), pytest.raises(NoArchiveError):
        begin_restore(LONG_AGO, NOW, "grace", "an audit")
    with archiving_to(tmp_path), pytest.raises(RefusedError):
        begin_restore(LONG_AGO, NOW, "grace", "an audit", tmp_path)


def test_an_archive_is_restored_into_a_database_that_has_never_seen_it(tmp_path: Path):
    fill(outcomes=ALL_KINDS)
    before = contents()
    drop_all(tmp_path)
    Archive.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_attempt ALTER id RESTART WITH 1")
    archive = restore(tmp_path)
    assert (archive.state, archive.problem, archive.records) == (Archive.State.RESTORED, "", 5)
    assert contents() == before
    fill(months_ago(1))  # its attempts get numbers of their own


def test_an_archive_of_another_month_is_refused(tmp_path: Path):
    fill()
    drop_all(tmp_path)
    (tmp_path / str(LONG_AGO)).rename(tmp_path / str(months_ago(21)))
    with archiving_to(tmp_path):
        begin_restore(months_ago(21), NOW, "grace", "an audit")
        assert f"is of {LONG_AGO}" in finish().problem


def test_columns_that_an_older_mutt_did_not_have_get_their_defaults(tmp_path: Path):
    (event,) = fill(notes=["seen"], clears=True)
    with archiving_to(tmp_path):
        begin(NOW, "ada", REASON)
        finish()
    forget_columns(tmp_path / str(LONG_AGO), "clears", "notes")
    Archive.objects.update(sha256="")
    assert restore(tmp_path).problem == ""
    record = Record.objects.get(pk=event)
    assert (record.clears, record.notes, record.hostname) == (False, [], "h")


def test_columns_that_nobody_knows_are_not_left_out_in_silence(tmp_path: Path):
    fill()
    drop_all(tmp_path)
    rewrite(tmp_path / str(LONG_AGO), lambda text: text.replace("hostname", "host_of_the_future", 1))
    Archive.objects.update(sha256="")
    assert "host_of_the_future" in restore(tmp_path).problem


def forget_columns(folder: Path, *names: str) -> None:
    """Make an archive as a MUTT would have written it whose table lacks these columns."""

    def without(text: str) -> str:
        header, line = text.splitlines()
        columns = header.split(",")
        places = [columns.index(name) for name in names]
        cells = line.split(",")
        kept = [number for number in range(len(columns)) if number not in places]
        assert len(cells) == len(columns)
        return "\n".join(",".join(row[number] for number in kept) for row in (columns, cells)) + "\n"

    rewrite(folder, without)


def rewrite(folder: Path, change: Any) -> None:
    path = folder / "records-0001.csv.gz"
    path.write_bytes(gzip.compress(change(gzip.decompress(path.read_bytes()).decode()).encode()))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["parts"][0]["sha256"] = digest(path)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_a_manifest_that_points_out_of_its_folder_is_refused(tmp_path: Path):
    fill()
    drop_all(tmp_path)
    path = tmp_path / str(LONG_AGO) / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["parts"][0]["file"] = "../../etc/passwd"
    path.write_text(json.dumps(manifest))
    Archive.objects.update(sha256="")
    assert "belongs to no archive" in restore(tmp_path).problem


@pytest.mark.django_db(transaction=True)
def test_two_who_work_at_once_do_not_get_into_each_other_s_way(tmp_path: Path, small_parts: None):
    fill(outcomes=[Outcome.DELIVERED] * 9)
    failures: list[BaseException] = []
    start = threading.Barrier(2)

    def work() -> None:
        start.wait()
        try:
            while retaining.work(NOW):
                pass
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failures.append(error)
        finally:
            connection.close()

    with archiving_to(tmp_path):
        begin(NOW, "ada", REASON)
        workers = [threading.Thread(target=work) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        archive = Archive.objects.get()
        assert (failures, archive.state, archive.problem) == ([], Archive.State.DROPPED, "")
        assert sum(part["rows"] for part in archive.parts if part["source"] == "records") == 9
        assert not any(contents().values())
