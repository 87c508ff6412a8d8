"""validate_batch: a batch is normalised once, whoever comes how often."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from audit.ids import event_id, new_batch_id, received_at
from audit.journal import NotClaimed, journal
from audit.outcomes import Stage
from ingest.tasks import validate_batch

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]


def opened(*events: dict[str, Any]) -> UUID:
    batch = new_batch_id(datetime.now(UTC))
    entries = [{"id": str(event_id(batch, place)), "event": event} for place, event in enumerate(events)]
    journal().open(batch, entries, api_key="k", address="a")
    return batch


def look(batch: UUID) -> tuple[Stage, list[Any]]:
    found = journal().look(batch)
    assert found is not None
    return found


def sent(**fields: Any) -> dict[str, Any]:
    return {"hostname": "Edge-1.", "timestamp": "2026-11-23T08:30:00+01:00", "message": "m", **fields}


def test_each_event_gets_its_canonical_form_beside_what_was_sent():
    batch = opened(sent(severity="err"), sent(trap_oid=".1.3.6", hostname="h"))
    assert validate_batch(str(batch)) == str(batch)
    stage, entries = look(batch)
    assert stage is Stage.MATCH
    assert [entry["id"] for entry in entries] == [str(event_id(batch, 0)), str(event_id(batch, 1))]
    assert entries[0]["event"] == sent(severity="err")
    assert entries[0]["canonical"] == {
        "hostname": "Edge-1",
        "message": "m",
        "syslog_severity": "Error",
        "trap_oid": None,
        "source_type": "",
        "event_time": "2026-11-23T07:30:00+00:00",
        "clears": False,
        "alert_key": None,
    }
    assert entries[1]["canonical"]["trap_oid"] == "1.3.6"


def test_an_event_with_an_impossible_time_stops_no_batch():
    batch = opened(sent(timestamp="2026-02-30T99:00:00Z"), sent())
    assert validate_batch(str(batch)) == str(batch)
    _, entries = look(batch)
    assert entries[0]["canonical"]["event_time"] == received_at(UUID(entries[0]["id"])).isoformat()
    assert entries[0]["notes"] == ["timestamp_unreadable"]
    assert entries[1]["canonical"]["event_time"] == "2026-11-23T07:30:00+00:00"


def test_what_an_adapter_made_of_an_event_is_what_counts_and_its_notes_stay():
    batch = new_batch_id(datetime.now(UTC))
    entry = {
        "id": str(event_id(batch, 0)),
        "event": {"traphandle": "as it came"},
        "adapted": {**sent(), "alert_key": "k-1", "clear": True, "timestamp": "2005-06-14T15:16:01Z"},
        "notes": ["invalid_utf8"],
    }
    journal().open(batch, [entry], api_key="k", address="a")
    validate_batch(str(batch))
    (after,) = look(batch)[1]
    assert after["event"] == {"traphandle": "as it came"}
    assert after["notes"] == ["invalid_utf8", "clock_skew"]
    assert (after["canonical"]["alert_key"], after["canonical"]["clears"]) == ("k-1", True)


def test_a_message_that_comes_twice_ends_quietly_and_changes_nothing():
    batch = opened(sent())
    validate_batch(str(batch))
    before = journal().look(batch)
    assert validate_batch(str(batch)) is None
    assert journal().look(batch) == before


def test_a_message_for_a_batch_that_is_closed_ends_quietly():
    assert validate_batch(str(new_batch_id(datetime.now(UTC)))) is None


def test_a_batch_in_other_hands_is_left_there():
    batch = opened(sent())
    with journal().claimed(batch, Stage.VALIDATE):
        assert validate_batch(str(batch)) is None
        with pytest.raises(NotClaimed, match="held"), journal().claimed(batch, Stage.VALIDATE):
            pass
    assert look(batch)[0] is Stage.VALIDATE


def test_the_count_of_accepted_events_does_not_move():
    batch = opened(sent(), sent())
    validate_batch(str(batch))
    totals = journal().totals()
    assert (totals.accepted, totals.unrecorded, totals.open_batches) == (2, {batch: 2}, 1)
