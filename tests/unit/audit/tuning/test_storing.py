"""Changing settings: all or nothing, noted, published, and safe from what is done behind its back."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from constance import config
from constance.codecs import dumps
from constance.models import Constance
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from redis.exceptions import ConnectionError as NotConnected

from audit.change_models import Change
from audit.changes import noted_as
from audit.connections import redis_client
from audit.tuning import storing
from audit.tuning.present import PUBLISHED, Snapshot, present, tuned
from audit.tuning.storing import ChangedSinceError, InvalidError, change, publish_if_due, standing
from forwarder.breaker import breaker
from forwarder.rate_limit import rate_limit
from rules.unmatched import unmatched_counter

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]

LOW, HIGH = "MUTT_OPEN_BATCHES_LOW", "MUTT_OPEN_BATCHES_HIGH"


def published() -> Snapshot:
    content: Any = redis_client().get(PUBLISHED)
    return Snapshot.of(content)


def noted() -> list[Change]:
    return list(Change.objects.filter(kind="setting").order_by("id"))


@pytest.fixture
def turn(monkeypatch):
    """The connection of a test is closed by no thread."""
    monkeypatch.setattr(connection, "close", lambda: None)

    def turn() -> None:
        redis_client().delete(storing.TURN)
        publish_if_due(4)

    return turn


def test_a_change_holds_at_once_is_published_and_is_noted_with_before_and_after():
    with noted_as("ada", "admin", "CHG-1"):
        change({"MOOGSOFT_BATCH_SIZE": "50"})
        change({"MOOGSOFT_BATCH_SIZE": 60})
        assert tuned.MOOGSOFT_BATCH_SIZE == 60
        change({"MOOGSOFT_BATCH_SIZE": None})
    assert tuned.MOOGSOFT_BATCH_SIZE == settings.MOOGSOFT_BATCH_SIZE
    added, changed, deleted = noted()
    assert [(one.name, one.what, one.who, one.reason) for one in (added, changed, deleted)] == [
        ("MOOGSOFT_BATCH_SIZE", what, "ada", "CHG-1") for what in ("added", "changed", "deleted")
    ]
    assert (added.new["value"], changed.old, changed.new) == (50, {"value": 50}, {"value": 60})
    assert deleted.old["value"] == 60
    assert (published().version, published().values) == (deleted.id, {})


def test_those_who_go_by_settings_go_by_the_new_ones_at_once():
    change({"MOOGSOFT_BREAKER_OPEN_S": 7, "MOOGSOFT_RATE": "3/minute", "MUTT_UNMATCHED_THRESHOLD": 4})
    assert breaker().thresholds.open_s == 7
    assert (rate_limit().requests, rate_limit().window_s) == (3, 60)
    assert unmatched_counter().threshold == 4


def test_one_fault_and_nothing_is_changed():
    with pytest.raises(InvalidError) as caught:
        change({"MOOGSOFT_BATCH_SIZE": 50, "MUTT_MAX_EVENTS": 0, "MUTT_SECRET_KEY": "x"})
    assert set(caught.value.faults) == {"MUTT_MAX_EVENTS", "MUTT_SECRET_KEY"}
    assert (Constance.objects.count(), noted()) == (0, [])


def test_what_is_set_and_what_the_environment_says_must_fit_together(monkeypatch):
    monkeypatch.setenv(LOW, "400000")
    with pytest.raises(InvalidError) as caught:
        change({HIGH: 10})
    assert set(caught.value.faults) == {HIGH}
    change({HIGH: 10, LOW: 5})
    with pytest.raises(InvalidError) as caught:
        change({LOW: None})
    assert set(caught.value.faults) == {LOW}
    change({HIGH: None, LOW: None})


def test_a_low_mark_that_nobody_set_follows_the_high_one():
    change({HIGH: 2000})
    assert (tuned.MUTT_OPEN_BATCHES_LOW, tuned.MUTT_OPEN_BATCHES_HIGH) == (1600, 2000)
    shown = {one.tunable.name: one for one in standing()[1]}[LOW]
    assert (shown.value, shown.default, shown.origin) == (1600, 1600, "default")
    change({LOW: 100})
    assert tuned.MUTT_OPEN_BATCHES_LOW == 100
    change({HIGH: None, LOW: None})
    assert tuned.MUTT_OPEN_BATCHES_LOW == settings.MUTT_OPEN_BATCHES_LOW


def test_marks_that_cross_after_a_restart_are_ignored_until_they_fit_again(monkeypatch, turn, caplog):
    change({HIGH: 2000})
    monkeypatch.setenv(LOW, "400000")
    present.forget()
    for _ in range(3):
        turn()
    assert (tuned.MUTT_OPEN_BATCHES_LOW, tuned.MUTT_OPEN_BATCHES_HIGH) == (400_000, 500_000)
    said = f"the setting {HIGH} is ignored: {LOW} would be 400000, and must be below {HIGH}, which would be 2000"
    assert caplog.text.count(said) == 1
    with pytest.raises(InvalidError, match="which is 2000"):
        change({LOW: 3000})
    change({LOW: 1000})
    assert (tuned.MUTT_OPEN_BATCHES_LOW, tuned.MUTT_OPEN_BATCHES_HIGH) == (1000, 2000)
    change({HIGH: None, LOW: None})
    assert (tuned.MUTT_OPEN_BATCHES_LOW, tuned.MUTT_OPEN_BATCHES_HIGH) == (400_000, 500_000)


@pytest.mark.parametrize("stored", [dumps(0), dumps("many"), '{"__type__": "unknown", "__value__": 1}'])
def test_what_cannot_be_used_is_seen_told_once_and_can_be_taken_back(stored, turn, caplog):
    Constance.objects.create(key="MOOGSOFT_BATCH_SIZE", value=stored)
    for _ in range(3):
        turn()
    assert tuned.MOOGSOFT_BATCH_SIZE == 100
    assert caplog.text.count("MOOGSOFT_BATCH_SIZE is ignored") == 1
    shown = {one.tunable.name: one for one in standing()[1]}["MOOGSOFT_BATCH_SIZE"]
    assert (shown.value, shown.origin) == (100, "default")
    (told,) = change({"MOOGSOFT_BATCH_SIZE": None})
    assert (told.before, told.after, told.risk) == (shown.stored, 100, "")
    assert shown.stored is not None
    assert not Constance.objects.exists()


def test_a_dry_run_tells_what_it_would_do_and_what_may_come_of_it():
    (told,) = change({"MUTT_RETENTION_DAYS": 30, "MOOGSOFT_BATCH_SIZE": None}, dry_run=True)
    assert (told.name, told.before, told.after) == ("MUTT_RETENTION_DAYS", 400, 30)
    assert "leave the database" in told.risk
    assert noted() == []


def test_what_is_so_already_is_no_change():
    change({"MOOGSOFT_BATCH_SIZE": 50})
    assert change({"MOOGSOFT_BATCH_SIZE": 50}) == []
    assert len(noted()) == 1


def test_whoever_looked_before_another_change_is_told():
    version, _ = standing()
    change({"MOOGSOFT_BATCH_SIZE": 50}, expected=version)
    with pytest.raises(ChangedSinceError):
        change({"MOOGSOFT_BATCH_SIZE": 60}, expected=version)
    assert tuned.MOOGSOFT_BATCH_SIZE == 50


def test_without_redis_nothing_is_changed(monkeypatch):
    class Away:
        def get(self, *_: object) -> None:
            raise NotConnected

    monkeypatch.setattr(storing, "redis_client", Away)
    with pytest.raises(NotConnected):
        change({"MOOGSOFT_BATCH_SIZE": 50})
    assert (Constance.objects.count(), noted(), tuned.MOOGSOFT_BATCH_SIZE) == (0, [], 100)


def test_it_is_told_where_a_value_comes_from_and_who_set_it(monkeypatch):
    monkeypatch.setenv("MUTT_MAX_EVENTS", "10000")
    with noted_as("ada", "admin", "CHG-1"):
        change({"MOOGSOFT_BATCH_SIZE": "50"})
    _, found = standing()
    by_name = {one.tunable.name: one for one in found}
    changed = by_name["MOOGSOFT_BATCH_SIZE"]
    assert (changed.value, changed.default, changed.origin, changed.by, changed.why) == (
        *(50, 100, "run time"),
        *("ada", "CHG-1"),
    )
    assert (by_name["MUTT_MAX_EVENTS"].origin, by_name["MOOGSOFT_RATE"].origin) == ("environment", "default")


def test_what_psql_changes_or_redis_loses_is_published_again(turn):
    Constance.objects.create(key="MOOGSOFT_BATCH_SIZE", value=dumps(44))
    turn()
    assert (published().values, tuned.MOOGSOFT_BATCH_SIZE) == ({"MOOGSOFT_BATCH_SIZE": 44}, 44)
    redis_client().delete(PUBLISHED)
    publish_if_due(4)  # another worker's turn was just now
    assert redis_client().get(PUBLISHED) is None
    turn()
    assert published().values == {"MOOGSOFT_BATCH_SIZE": 44}


def test_truncate_is_noted():
    change({"MOOGSOFT_BATCH_SIZE": 50})
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE constance_constance")
    assert [(one.what, one.old.get("value")) for one in noted()][-1] == ("deleted", 50)


def test_constance_reads_what_holds_writes_no_default_and_keeps_to_the_bounds(capsys):
    assert config.MOOGSOFT_BATCH_SIZE == 100
    call_command("constance", "list")
    assert "MOOGSOFT_BATCH_SIZE\t100" in capsys.readouterr().out
    assert Constance.objects.count() == 0
    call_command("constance", "set", "MOOGSOFT_BATCH_SIZE", "70")
    assert present.value("MOOGSOFT_BATCH_SIZE") == 70
    with pytest.raises(CommandError, match="1 to 10,000"):
        call_command("constance", "set", "MOOGSOFT_BATCH_SIZE", "0")
    with pytest.raises(ValidationError):
        config.MOOGSOFT_BATCH_SIZE = 0


@pytest.mark.django_db(transaction=True)
def test_two_who_change_at_the_same_time_do_not_get_past_what_must_hold_between_settings():
    for _ in range(3):
        change({LOW: 1, HIGH: 100})
        together = Barrier(2)
        with ThreadPoolExecutor(2) as people:
            said = list(people.map(tried, [together] * 2, ({LOW: 50}, {HIGH: 20})))
        assert sorted(said) == ["changed", "refused"]
        assert tuned.MUTT_OPEN_BATCHES_LOW < tuned.MUTT_OPEN_BATCHES_HIGH
        assert published().values == {LOW: tuned.MUTT_OPEN_BATCHES_LOW, HIGH: tuned.MUTT_OPEN_BATCHES_HIGH}


def tried(together: Barrier, wanted: dict[str, int]) -> str:
    together.wait()
    try:
        change(wanted)
    except InvalidError:
        return "refused"
    finally:
        connection.close()
    return "changed"
