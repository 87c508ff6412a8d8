"""SolarWinds: templates broken by their values, forms, variables that were not filled in, trigger and reset."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.notes import Note
from ingest.sources.solarwinds import SOLARWINDS, adapt, read_text
from ingest.sources.source import Context, Incoming, Unusable
from ingest.validation import faults_of

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CONTEXT = Context(NOW, UTC, "127.0.0.1")
ALERT = {"NodeName": "edge-7", "AlertMessage": "Node is down", "Severity": "Critical"}


def item_of(body) -> Incoming:
    (item,) = read_text(body, CONTEXT) if isinstance(body, str) else adapt(body, CONTEXT)
    assert isinstance(item, Incoming), item
    assert faults_of(item.event) == []
    return item


def event_of(body) -> dict[str, Any]:
    return item_of(body).event


def test_the_fields_of_an_alert_become_an_event_and_the_original_stays():
    item = item_of({**ALERT, "AlertObjectID": 42, "AlertTriggerTime": "2026-11-23T08:30:00Z"})
    assert item.event == {
        "hostname": "edge-7",
        "timestamp": "2026-11-23T08:30:00+00:00",
        "message": "Node is down",
        "source_type": "solarwinds",
        "syslog_severity": "Critical",
        "alert_key": "42",
    }
    assert item.original == {**ALERT, "AlertObjectID": 42, "AlertTriggerTime": "2026-11-23T08:30:00Z"}
    assert item.notes == ()


@pytest.mark.parametrize(
    "name",
    [
        "NodeName",
        "node_name",
        "Node.Caption",
        "hostname",
        "Host",
        "Caption",
        "SysName",
        "DNS",
        "IP_Address",
        "Node.IP_Address",
        "device",
    ],
)
def test_the_device_is_found_under_its_usual_names(name):
    assert event_of({name: "edge-7", "message": "m"})["hostname"] == "edge-7"


def test_a_name_is_preferred_to_an_address_and_an_object_within_counts_too():
    assert event_of({"IP_Address": "192.0.2.1", "event": {"Node.Caption": "edge-7"}})["hostname"] == "edge-7"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (
            '{"NodeName": "edge-7", "AlertMessage": "Interface "Gi0/1" is "down"", "n": 5, "ok": true}',
            {"NodeName": "edge-7", "AlertMessage": 'Interface "Gi0/1" is "down"', "n": 5, "ok": True},
        ),
        (
            '{"NodeName":"edge-7","AlertMessage":"C:\\temp\\new is full","Severity":"Warning",}',
            {"NodeName": "edge-7", "AlertMessage": "C:\\temp\\new is full", "Severity": "Warning"},
        ),
        (
            '{\r\n "NodeName": "edge-7",\r\n "AlertMessage": "two\r\nlines",\r\n "unc": "\\\\srv\\share"\r\n}',
            {"NodeName": "edge-7", "AlertMessage": "two\r\nlines", "unc": "\\\\srv\\share"},
        ),
        (
            '{"NodeName": "edge-7", "AlertMessage": "a, "b": c", "used": 93 %}',
            {"NodeName": "edge-7", "AlertMessage": 'a, "b": c', "used": "93 %"},
        ),
        (
            '{"alert": {"NodeName": "edge-7", "AlertMessage": "x "y""}, "reset": "false"}',
            {"NodeName": "edge-7", "AlertMessage": 'x "y"', "reset": "false"},
        ),
    ],
)
def test_a_template_that_its_values_broke_is_read_all_the_same(body, fields):
    with pytest.raises(ValueError, match="line"):
        json.loads(body)
    item = item_of(body)
    assert item.original == fields
    assert Note.BROKEN_JSON in item.notes
    assert item.event["hostname"] == "edge-7"


@pytest.mark.parametrize(
    "body",
    [
        urlencode(ALERT),
        "NodeName=edge-7\r\nAlertMessage=Node is down\r\nSeverity=Critical\r\n",
        "payload=" + quote_plus(json.dumps(ALERT)),
        quote_plus(json.dumps(ALERT)),
        json.dumps(ALERT).replace("=", "%3D") + "=",
        "data="
        + quote_plus('{"NodeName": "edge-7", "AlertMessage": "Node is down", "Severity": "Critical", "x": "a "b""}'),
    ],
)
def test_a_form_is_read_and_so_is_a_document_in_it(body):
    event = event_of(body)
    assert (event["hostname"], event["message"], event["syslog_severity"]) == ("edge-7", "Node is down", "Critical")


def test_a_variable_that_was_not_filled_in_counts_as_absent():
    item = item_of(
        {
            "NodeName": "${N=SwisEntity;M=Node.Caption}",
            "DNS": "edge ${NodeName}",
            "IP_Address": "192.0.2.7",
            "AlertMessage": "IP ${N=SwisEntity;M=Node.IP_Address} is down",
            "Severity": "${N=Alerting;M=Severity}",
            "AlertTriggerTime": "${N=Alerting;M=AlertTriggerTime;F=DateTime}",
        }
    )
    assert item.event["hostname"] == "192.0.2.7"
    assert item.event["message"] == "IP is down"
    assert "syslog_severity" not in item.event
    assert Note.PLACEHOLDER in item.notes
    assert Note.SEVERITY_UNKNOWN not in item.notes


@pytest.mark.parametrize(
    ("said", "severity"),
    [
        ("Informational", "Info"),
        ("Notice", "Notice"),
        ("warning", "Warning"),
        ("Serious", "Error"),
        ("CRITICAL", "Critical"),
        ("err", "Error"),
        (2, "Critical"),
        ("Down", "Critical"),
    ],
)
def test_severities_are_read_in_every_spelling(said, severity):
    assert event_of({**ALERT, "Severity": said})["syslog_severity"] == severity


def test_an_unknown_severity_is_left_out_and_noted():
    item = item_of({**ALERT, "Severity": "puce"})
    assert "syslog_severity" not in item.event
    assert Note.SEVERITY_UNKNOWN in item.notes


@pytest.mark.parametrize(
    "said",
    [
        {"reset": "true"},
        {"Reset": True},
        {"reset": 1},
        {"message_type": "RECOVERY"},
        {"action": "Reset"},
        {"state": "resolved"},
        {"status": "OK"},
        {"event_type": "alert reset"},
    ],
)
def test_a_reset_clears(said):
    assert event_of({**ALERT, **said})["clear"] is True


@pytest.mark.parametrize(
    "said", [{}, {"reset": "false"}, {"action": "trigger"}, {"message_type": "CRITICAL"}, {"status": "Down"}]
)
def test_a_trigger_does_not_clear(said):
    assert "clear" not in event_of({**ALERT, **said})


def test_trigger_and_reset_have_the_same_key():
    trigger = {**ALERT, "AlertName": "Node down", "AlertObjectID": "42", "AlertActiveID": "7"}
    reset = {**trigger, "AlertMessage": "Node is up", "reset": "true", "AlertActiveID": ""}
    assert event_of(trigger)["alert_key"] == event_of(reset)["alert_key"] == "42"
    assert event_of({**ALERT, "AlertName": "Node down"})["alert_key"] == "Node down"


def test_the_alerts_name_stands_before_its_message_once():
    assert event_of({**ALERT, "AlertName": "Core"})["message"] == "Core: Node is down"
    assert event_of({**ALERT, "AlertName": "node is DOWN"})["message"] == "Node is down"


def test_an_alert_without_a_message_tells_what_it_has():
    assert event_of({"NodeName": "edge-7", "Status": "Down"})["message"] == "nodename: edge-7, status: Down"


@pytest.mark.parametrize(
    ("said", "timestamp", "note"),
    [
        ("11/23/2026 8:30:00 AM", "2026-11-23T08:30:00+00:00", Note.TIMESTAMP_WITHOUT_ZONE),
        ("2026-11-23 08:30:00", "2026-11-23T08:30:00+00:00", Note.TIMESTAMP_WITHOUT_ZONE),
        ("this morning", NOW.isoformat(), Note.TIMESTAMP_UNREADABLE),
        ("", NOW.isoformat(), Note.TIMESTAMP_MISSING),
    ],
)
def test_a_time_in_the_servers_locale_is_read_and_none_refuses_the_alert(said, timestamp, note):
    item = item_of({**ALERT, "AlertTriggerTime": said})
    assert item.event["timestamp"] == timestamp
    assert note in item.notes


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("hello", "not_an_alert"),
        ("", "not_an_alert"),
        ('{"a"', "not_an_alert"),
        ('{"a": "b"', "not_an_alert"),
        ('{"AlertMessage": "x "y""}', "hostname_missing"),
        ({}, "not_an_alert"),
        (5, "not_an_alert"),
        ({"AlertMessage": "x"}, "hostname_missing"),
        ({"NodeName": {"a": 1}}, "hostname_missing"),
        ({"NodeName": "${NodeName}"}, "hostname_missing"),
    ],
)
def test_what_is_no_alert_has_a_reason(body, code):
    (item,) = read_text(body, CONTEXT) if isinstance(body, str) else adapt(body, CONTEXT)
    assert isinstance(item, Unusable)
    assert item.code == code
    assert len(item.why) > 20


def test_other_products_webhooks_never_break_the_adapter(shared_data):
    for file in sorted((shared_data / "webhooks").glob("*.json")):
        for item in adapt(json.loads(file.read_bytes()), CONTEXT):
            assert isinstance(item, Unusable) or faults_of(item.event) == [] or item.event["hostname"], file.name


NAMES = st.sampled_from(["NodeName", "Severity", "AlertMessage", "AlertTriggerTime", "reset", "AlertObjectID", "x"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("${N=A;M=B}"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=12,
)


@settings(max_examples=500, deadline=None)
@given(VALUES)
def test_no_value_breaks_the_adapter(value):
    for item in SOLARWINDS.adapt(value, CONTEXT):
        assert isinstance(item, Incoming | Unusable)


PIECES = st.sampled_from(
    ['{"', '": "', '", "', '"}', "NodeName", "\\", "${", "}", "=", "&", "%7B", "\n", '"', ":", ","]
)


@settings(max_examples=500, deadline=None)
@given(st.lists(PIECES | st.text(max_size=5), max_size=30).map("".join))
def test_no_text_breaks_the_adapter(body):
    for item in read_text(body, CONTEXT):
        assert isinstance(item, Incoming | Unusable)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(categories=["L", "Nd"]), max_size=10).map("x".__add__),  # none that the adapter knows
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters='"\\,}{:'), max_size=20),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from(['a "quoted" word', "it's \"", "line\nbreak", 'C:\\x "y"']),
)
def test_values_put_into_a_template_come_out_as_they_were(fields, odd):
    fields = {**fields, "Odd": odd, "NodeName": "h"}
    body = "{" + ", ".join(f'"{name}": "{value}"' for name, value in fields.items()) + "}"
    assert item_of(body).original == fields


@pytest.mark.parametrize(
    "hostile",
    [
        "{" + '"a":"b" ' * 8000 + "}",
        '{"a":"' + '",' * 20_000 + "}",
        '{"x":"' + '",  "a ' * 10_000 + '"}',
        '{"a":{' * 10_000 + "}",
        "a=b&" * 15_000,
        "${" * 30_000 + "=1",
        '{"x":"' + '"\n' * 30_000 + "}",
    ],
)
@pytest.mark.timeout(10)
def test_hostile_texts_take_no_long_time(hostile):
    read_text(hostile, CONTEXT)
