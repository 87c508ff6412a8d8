"""What was sent, field by field, and what it became."""

from typing import Any

from audit.models import Record
from mutt_project.why.normalised import Field, normalised
from tests.unit.forwarder.records import NOW, alert


def record(sent: Any, **fields: Any) -> Record:
    return alert(event=sent, **fields)


def test_each_field_is_told_as_sent_and_as_decided_by():
    sent = {"hostname": "Edge-1.", "message": "it happened", "timestamp": "2026-11-23T09:30:00+01:00", "severity": 3}
    told = normalised(record(sent, hostname="Edge-1", message="it happened", event_time=NOW, source_type=""))
    assert told.is_native
    assert told.fields == [
        Field("hostname", "Edge-1.", "Edge-1"),
        Field("message", "it happened", "it happened"),
        Field("event_time", "2026-11-23T09:30:00+01:00", "2026-11-23T08:30:00+00:00"),
        Field("syslog_severity", 3, "Error"),
    ]
    assert [one.changed for one in told.fields] == [True, False, True, True]


def test_what_was_sent_and_could_not_be_taken_is_shown_with_nothing_beside_it():
    told = normalised(record({"hostname": "h", "message": "m", "syslog_severity": "loud"}, syslog_severity=""))
    assert Field("syslog_severity", "loud", None) in told.fields
    assert Field("syslog_severity", "loud", None).changed


def test_of_a_foreign_form_only_what_it_became_is_told():
    told = normalised(record("<13>raw line", hostname="h"))
    assert not told.is_native
    assert {one.sent for one in told.fields} == {None}
    assert not any(one.changed for one in told.fields)
    assert Field("hostname", None, "h") in told.fields


def test_notes_are_sentences_also_those_of_another_version():
    told = normalised(record({}, notes=["redacted", "unheard_of"]))
    assert [one.note for one in told.notes] == ["redacted", "unheard_of"]
    assert told.notes[0].text.startswith("A secret in it")
    assert told.notes[1].text == "Noted: unheard_of."
