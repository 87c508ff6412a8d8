"""What syslog servers and log shippers write becomes an event, whatever they call its fields."""

import json
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.notes import Note
from ingest.parsing import parse_body
from ingest.sources.source import Context, Incoming, Unusable
from ingest.sources.syslog import adapt, read_text
from ingest.times import time_of
from ingest.validation import faults_of
from rules.event import Severity, severity_of

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CONTEXT = Context(NOW, UTC, "192.0.2.99")
TIME = "2026-11-23T08:30:00+00:00"
PLAIN = {"hostname": "sw-4", "timestamp": TIME, "severity": "err", "program": "linkd", "message": " port 7 is down"}


def one(value: Any, context: Context = CONTEXT) -> tuple[dict[str, Any], set[Note]]:
    (item,) = adapt(value, context)
    assert isinstance(item, Incoming)
    return item.event, set(item.notes)


def with_message(**fields: Any) -> dict[str, Any]:
    return {"hostname": "sw-4", "timestamp": TIME, "message": "x", **fields}


def refused_for(value: Any) -> list[str]:
    event, _ = one(value)
    return [fault.code for fault in faults_of(event)]


def test_an_object_of_rsyslog_keeps_host_time_and_text() -> None:
    value = PLAIN | {"facility": "daemon", "procid": "-"}
    (item,) = adapt(value, CONTEXT)
    expected = {
        "hostname": "sw-4",
        "timestamp": TIME,
        "message": "port 7 is down",
        "syslog_severity": "Error",
        "source_type": "syslog",
        "program": "linkd",
        "facility": "daemon",
    }
    assert item == Incoming(expected, value)
    assert item.original is value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # rsyslog: a list of properties
        (
            {"HOSTNAME": "a", "timereported": TIME, "msg": " x", "syslogseverity-text": "warning", "programname": "p"},
            {"syslog_severity": "Warning", "program": "p"},
        ),
        (
            {"hostname": "a", "timereported": TIME, "msg": " x", "syslogseverity": "4", "syslogtag": "p[12]:"},
            {"syslog_severity": "Warning", "program": "p", "procid": "12"},
        ),
        (
            {"host": "a", "@timestamp": TIME, "message": "x", "pri": "188", "app-name": "p", "procid": 12},
            {"syslog_severity": "Warning", "program": "p", "procid": "12"},
        ),
        # syslog-ng: $(format-json --scope selected-macros)
        (
            {
                "SOURCE": "s_net",
                "HOST_FROM": "relay",
                "HOST": "a",
                "ISODATE": TIME,
                "DATE": "Nov 23 08:30:00",
                "PRIORITY": "warning",
                "FACILITY": "local0",
                "PROGRAM": "p",
                "PID": "12",
                "MESSAGE": "x",
            },
            {"syslog_severity": "Warning", "program": "p", "procid": "12", "facility": "local0"},
        ),
        (
            {"HOST": "a", "S_ISODATE": TIME, "LEVEL_NUM": "4", "MSG": "x", "PROGRAM": "p"},
            {"syslog_severity": "Warning", "program": "p"},
        ),
        # Fluent Bit
        (
            {"date": 1795422600.0, "host": "a", "log": "x", "pri": "<188>", "ident": "p", "pid": "12"},
            {"syslog_severity": "Warning", "program": "p", "procid": "12"},
        ),
        ({"date": 1795422600.0, "log": "x", "kubernetes": {"host": "a", "pod_name": "b"}}, {}),
        # Vector
        (
            {
                "appname": "p",
                "facility": "local0",
                "host": "a",
                "hostname": "a",
                "message": "x",
                "severity": "warning",
                "source_ip": "192.0.2.7",
                "source_type": "socket",
                "timestamp": TIME,
                "procid": 12,
                "version": 1,
            },
            {"syslog_severity": "Warning", "program": "p", "procid": "12", "facility": "local0"},
        ),
        # GELF
        (
            {"version": "1.1", "host": "a", "short_message": "x", "full_message": "x\nmore", "timestamp": 1795422600.0}
            | {"level": 4, "_facility": "local0"},
            {"syslog_severity": "Warning", "facility": "local0"},
        ),
        # the Elastic Common Schema
        (
            {
                "@timestamp": TIME,
                "host": {"name": "a", "ip": ["192.0.2.1"]},
                "log": {"syslog": {"severity": {"code": 4}, "priority": 188}},
                "process": {"name": "p", "pid": 12},
                "agent": {"hostname": "shipper"},
                "message": "x",
            },
            {"syslog_severity": "Warning", "program": "p", "procid": "12"},
        ),
        (
            {"@timestamp": TIME, "host.name": "a", "log.level": "WARN", "message": "x"},
            {"syslog_severity": "Warning"},
        ),
        # journald
        (
            {"_HOSTNAME": "a", "__REALTIME_TIMESTAMP": "1795422600000000", "PRIORITY": "4", "MESSAGE": "x"}
            | {"SYSLOG_IDENTIFIER": "p", "_PID": "12"},
            {"syslog_severity": "Warning", "program": "p", "procid": "12"},
        ),
        # NXLog, FortiGate
        (
            {"EventTime": "2026-11-23T08:30:00+00:00", "Hostname": "a", "Severity": "WARNING", "Message": "x"},
            {"syslog_severity": "Warning"},
        ),
        (
            {"date": "2026-11-23", "time": "09:30:00", "tz": "+0100", "devname": "a", "level": "warning", "msg": "x"},
            {"syslog_severity": "Warning"},
        ),
        # a raw line beside its sender
        (
            {"rawmsg": "<188>1 2026-11-23T08:30:00Z a p 12 - - x", "fromhost-ip": "192.0.2.7"},
            {"syslog_severity": "Warning", "program": "p", "procid": "12"},
        ),
    ],
)
def test_the_words_of_each_sender_are_known(value: dict[str, Any], expected: dict[str, Any]) -> None:
    event, notes = one(value)
    assert time_of(event.pop("timestamp")) == time_of(TIME)
    assert event == {"hostname": "a", "message": "x", "source_type": "syslog"} | expected
    assert notes == set()


@pytest.mark.parametrize(
    ("fields", "hostname", "notes"),
    [
        ({"hostname": "-", "fromhost": "relay", "fromhost-ip": "192.0.2.7"}, "relay", {Note.HOSTNAME_FROM_SENDER}),
        ({"hostname": "", "fromhost": "-", "fromhost-ip": "192.0.2.7"}, "192.0.2.7", {Note.HOSTNAME_FROM_SENDER}),
        ({"HOST": "-", "HOST_FROM": "relay"}, "relay", {Note.HOSTNAME_FROM_SENDER}),
        ({"HOST": "-", "SOURCEIP": "192.0.2.7"}, "192.0.2.7", {Note.HOSTNAME_FROM_SENDER}),
        ({"host": "-", "source_ip": "192.0.2.7"}, "192.0.2.7", {Note.HOSTNAME_FROM_SENDER}),
        ({"fromhost": "relay"}, "relay", {Note.HOSTNAME_FROM_SENDER}),
        ({"log": {"source": {"address": "192.0.2.7:514"}}}, "192.0.2.7", {Note.HOSTNAME_FROM_SENDER}),
        ({"hostname": "-", "host": "sw-4"}, "sw-4", set()),
        ({"hostname": None, "host": "sw-4"}, "sw-4", set()),
        ({"source": "sw-4"}, "sw-4", set()),
        ({"hostname": "-"}, "unknown", {Note.HOSTNAME_UNKNOWN}),
        ({"hostname": "-", "source": "rsyslog"}, "unknown", {Note.HOSTNAME_UNKNOWN}),
        ({"hostname": "2001:db8::7"}, "2001:db8::7", set()),
        ({"hostname": "slot1/bigip"}, "slot1/bigip", set()),
        ({"hostname": "sw-4.example.net."}, "sw-4.example.net.", set()),
        ({"hostname": " sw-4 "}, "sw-4", set()),
    ],
)
def test_the_host_is_the_one_named_else_who_sent_it(fields: dict[str, Any], hostname: str, notes: set[Note]) -> None:
    value = {"timestamp": TIME, "message": "x", **fields}
    event, said = one(value)
    assert (event["hostname"], said) == (hostname, notes)
    assert faults_of(event) == []


@pytest.mark.parametrize(
    ("value", "codes"),
    [
        ({"timestamp": TIME, "message": "x"}, ["hostname_missing"]),
        ({"hostname": "", "timestamp": TIME, "message": "x"}, ["hostname_invalid"]),
        ({"hostname": "a", "timestamp": TIME}, ["message_missing"]),
        (PLAIN | {"hostname": 5}, ["hostname_invalid"]),
        (PLAIN | {"hostname": ["a"]}, ["hostname_invalid"]),
        ({"host": {"id": "7"}, "timestamp": TIME, "message": "x"}, ["hostname_invalid"]),
        (PLAIN | {"hostname": "two words"}, ["hostname_invalid"]),
        (PLAIN | {"message": {"text": "x"}}, ["message_invalid"]),
        (PLAIN | {"message": True}, ["message_invalid"]),
        (PLAIN | {"trap_oid": "no oid"}, ["trap_oid_invalid"]),
        (5, ["not_an_object"]),
        (None, ["not_an_object"]),
        ([PLAIN], ["not_an_object"]),
        ({}, ["hostname_missing", "message_missing"]),
    ],
)
def test_what_is_of_the_wrong_kind_is_left_to_the_schema(value: Any, codes: list[str]) -> None:
    assert refused_for(value) == codes


@pytest.mark.parametrize(
    ("fields", "severity", "notes"),
    [
        ({"severity": "crit"}, "Critical", set()),
        ({"severity": "EMERG"}, "Emergency", set()),
        ({"severity": 6}, "Info", set()),
        ({"severity": "6"}, "Info", set()),
        ({"severity": 6.0}, "Info", set()),
        ({"level": "fatal"}, "Critical", set()),
        ({"level": "informational"}, "Info", set()),
        ({"level": "Trace"}, "Debug", set()),
        ({"level": "verbose"}, "Debug", set()),
        ({"priority": "P1"}, "Critical", set()),
        ({"priority": 134}, "Info", set()),
        ({"pri": 134}, "Info", set()),
        ({"PRI": "<134>"}, "Info", set()),
        ({"pri-text": "local0.info"}, "Info", set()),
        ({"pri-text": "local0.info<134>"}, "Info", set()),
        ({"severity": "<134>"}, "Info", set()),
        ({"severity": "err", "pri": 134}, "Error", set()),
        ({"severity": "strange", "pri": 134}, "Info", set()),
        ({"severity": "strange", "level": "warn"}, "Warning", set()),
        ({"severity": "strange"}, None, {Note.SEVERITY_UNKNOWN}),
        ({"severity": 8}, None, {Note.SEVERITY_UNKNOWN}),
        ({"severity": "-3"}, None, {Note.SEVERITY_UNKNOWN}),
        ({"severity": {"code": "x"}}, None, {Note.SEVERITY_UNKNOWN}),
        ({"level": 30}, None, {Note.SEVERITY_UNKNOWN}),
        ({"pri": 192}, None, {Note.SEVERITY_UNKNOWN}),
        ({"severity": ""}, None, set()),
        ({"severity": None}, None, set()),
        ({}, None, set()),
        ({"message": "%LINK-3-UPDOWN: x"}, "Error", set()),
        ({"message": "%LINK-3-UPDOWN: x", "severity": "notice"}, "Notice", set()),
        ({"message": "%LINK-3-UPDOWN: x", "pri": 189}, "Notice", set()),
        ({"message": "%LINK-3-UPDOWN: x", "severity": "strange"}, None, {Note.SEVERITY_UNKNOWN}),
    ],
)
def test_severities(fields: dict[str, Any], severity: str | None, notes: set[Note]) -> None:
    event, said = one(with_message(**fields))
    assert (event.get("syslog_severity"), said) == (severity, notes)


@pytest.mark.parametrize("number", range(192))
def test_the_severity_of_a_pri_is_its_lower_three_bits(number: int) -> None:
    assert one(with_message(pri=number))[0]["syslog_severity"] == list(Severity)[number % 8]


@pytest.mark.parametrize(
    ("fields", "timestamp", "notes"),
    [
        ({"timestamp": "2026-11-23t08:30:00.123456789z"}, "2026-11-23t08:30:00.123456789z", set()),
        ({"timestamp": "Nov 23 08:30:00"}, "2026-11-23T07:30:00+00:00", {"without_year", "without_zone"}),
        ({"timestamp": "Nov 23 08:30:00", "@timestamp": TIME}, TIME, set()),
        ({"timestamp": "garbled", "timegenerated": TIME}, TIME, {"unreadable"}),
        ({"timegenerated": TIME}, TIME, set()),
        ({"time": "08:30:00"}, NOW.isoformat(), {"unreadable"}),
        ({"timestamp": "2026-11-23T08:30:00.G18+01:00"}, NOW.isoformat(), {"unreadable"}),
        ({"timestamp": ["2026"]}, NOW.isoformat(), {"unreadable"}),
        ({"timestamp": "-"}, NOW.isoformat(), {"missing"}),
        ({"timestamp": None}, NOW.isoformat(), {"missing"}),
        ({}, NOW.isoformat(), {"missing"}),
    ],
)
def test_an_event_is_never_refused_for_its_clock(fields: dict[str, Any], timestamp: str, notes: set[str]) -> None:
    event, said = one(
        {"hostname": "a", "message": "x", **fields}, Context(NOW, ZoneInfo("Europe/Berlin"), "192.0.2.99")
    )
    assert (event["timestamp"], {note.removeprefix("timestamp_") for note in said}) == (timestamp, notes)
    assert faults_of(event) == []


@pytest.mark.parametrize(
    ("sent", "message"),
    [(" x", "x"), ("  x", " x"), ("x#012y#011z", "x#012y#011z"), ("", ""), (42, "42"), (1.5, "1.5"), ("x ", "x ")],
)
def test_a_message_loses_only_one_blank_at_its_start(sent: Any, message: str) -> None:
    assert one(with_message(message=sent))[0]["message"] == message


def test_what_is_in_our_words_already_is_passed_on() -> None:
    event, _ = one(with_message(trap_oid="1.3.6.1.6.3.1.1.5.3", clear=True, alert_key="k"))
    assert (event["trap_oid"], event["clear"], event["alert_key"]) == ("1.3.6.1.6.3.1.1.5.3", True, "k")


def test_records_of_kafkarest_are_events() -> None:
    items = adapt({"records": [{"value": PLAIN}, {"value": "<34>Nov 23 08:30:00 h p: x"}, {"value": 5}, 7]}, CONTEXT)
    assert [type(item) for item in items] == [Incoming, Incoming, Unusable, Unusable]
    assert items[0].original == PLAIN
    assert isinstance(items[2], Unusable)
    assert items[2].pointer == "/records/2"
    assert adapt({"records": []}, CONTEXT) == []


def test_streams_of_lokirest_are_events() -> None:
    labels = {"host": "sw-4", "level": "err"}
    streams = [{"stream": labels, "values": [["1795422600123456789", "x"], ["1795422601000000000", "y"], ["1"]]}, 5]
    items = adapt({"streams": streams}, CONTEXT)
    assert [type(item) for item in items] == [Incoming, Incoming, Unusable, Unusable]
    first = items[0]
    assert isinstance(first, Incoming)
    assert first.event == {
        "hostname": "sw-4",
        "timestamp": "2026-11-23T08:30:00.123456+00:00",
        "message": "x",
        "syslog_severity": "Error",
        "source_type": "syslog",
    }
    assert adapt(first.original, CONTEXT) == [first]


def test_a_text_among_json_values_is_a_raw_line() -> None:
    event, notes = one("<34>1 2026-11-23T08:30:00Z h p 7 - - x")
    assert (event["hostname"], event["syslog_severity"], event["message"]) == ("h", "Critical", "x")
    assert notes == set()


def test_raw_lines_are_events_and_read_again_the_same() -> None:
    text = "<34>Nov 23 08:30:00 h p[7]: x\r\n\n<35>1 2026-11-23T08:30:00Z - p - - - y\x00\nwords\n"
    items = read_text(text, CONTEXT)
    assert [item.original for item in items] == [
        {"line": "<34>Nov 23 08:30:00 h p[7]: x"},
        {"line": "<35>1 2026-11-23T08:30:00Z - p - - - y"},
        {"line": "words"},
    ]
    hosts = [item.event["hostname"] for item in items if isinstance(item, Incoming)]
    assert hosts == ["h", "192.0.2.99", "192.0.2.99"]
    assert isinstance(items[1], Incoming)
    assert items[1].notes == (Note.HOSTNAME_FROM_SENDER,)
    for item in items:
        (again,) = adapt(item.original, CONTEXT)
        assert isinstance(item, Incoming)
        assert isinstance(again, Incoming)
        assert time_of(again.event.pop("timestamp")) == time_of(item.event["timestamp"])
        assert again.event.items() <= item.event.items()
        assert set(again.notes) == set(item.notes)


def test_an_unknown_address_is_no_host() -> None:
    (item,) = read_text("words", Context(NOW, UTC, ""))
    assert isinstance(item, Incoming)
    assert item.event["hostname"] == "unknown"


def test_octet_counts_frame_lines() -> None:
    frames = ["<34>1 2026-11-23T08:30:00Z a p - - - first\nof two lines", "<34>1 2026-11-23T08:30:00Z b p - - - zweitè"]
    text = "".join(f"{len(frame.encode())} {frame}" for frame in frames)
    for body in (text, text + "\n"):
        items = [item for item in read_text(body, CONTEXT) if isinstance(item, Incoming)]
        assert [(item.event["hostname"], item.event["message"]) for item in items] == [
            ("a", "first\nof two lines"),
            ("b", "zweitè"),
        ]


def test_octet_counts_that_do_not_hold_are_left_out() -> None:
    items = read_text("99 <34>Nov 23 08:30:00 a p: x\n7 <34>Nov 23 08:30:00 b p: y", CONTEXT)
    assert [item.event["hostname"] for item in items if isinstance(item, Incoming)] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<!DOCTYPE html><html><body>Not here</body></html>", "HTML"),
        ("<html>\n<body>\n</body>", "HTML"),
        ('<?xml version="1.0"?><a/>', "XML"),
        ('{"hostname": "a", "message": "x"', "JSON"),
        ('[{"hostname": "a"}', "JSON"),
        ("host=a&message=x+y", "form"),
        ("\x1f\ufffd\x08\x00\x00\x00\ufffd\x02\x03", "binary"),
        ("\u2400\u2400a\u2400\u2400b", "binary"),
        ("", "empty"),
        (" \n\x00", "empty"),
    ],
)
def test_what_is_no_syslog_is_refused_with_the_reason(text: str, reason: str) -> None:
    (item,) = read_text(text, CONTEXT)
    assert isinstance(item, Unusable)
    assert item.code == "not_syslog"
    assert reason in item.why


@pytest.mark.parametrize(
    "line", ["[ 12.5] usb 1-1: new device", "a=b c=d", "date=2026-11-23 x", "<30>é\ufffd\ufffd", "\tx"]
)
def test_odd_lines_are_events_all_the_same(line: str) -> None:
    (item,) = read_text(line, CONTEXT)
    assert isinstance(item, Incoming)
    assert faults_of(item.event) == []


def test_one_bad_line_takes_no_other_along() -> None:
    items = read_text('<34>Nov 23 08:30:00 a p: x\n{"broken": \n<34>Nov 23 08:30:00 b p: y', CONTEXT)
    assert [type(item) for item in items] == [Incoming, Unusable, Incoming]


TOLD = ["hostname", "host", "fromhost", "source", "timestamp", "time", "date", "tz", "message", "rawmsg", "log", "pri"]
OTHERS = ["severity", "level", "program", "procid", "syslogtag", "records", "streams", "stream", "values", "value"]
NAMES = st.sampled_from(TOLD) | st.sampled_from(OTHERS)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(), inner, max_size=6),
    max_leaves=12,
)


@settings(deadline=None, max_examples=500)
@given(JSON)
def test_no_value_raises(value: Any) -> None:
    for item in adapt(value, CONTEXT):
        assert isinstance(item, Incoming | Unusable)
        if isinstance(item, Incoming) and isinstance(item.event, dict):
            assert item.event["source_type"] == "syslog"
            assert isinstance(item.event["timestamp"], str)
            assert item.event.get("syslog_severity") in {None, *Severity}


@settings(deadline=None, max_examples=500)
@given(
    st.sampled_from(["", "<13>", "12 <13>", "<13>1 ", "{", "date=2026-11-23 time=08:30:00 "]),
    st.text() | st.characters().map(lambda sign: sign * 99),
)
def test_no_text_raises(start: str, text: str) -> None:
    items = read_text(start + text, CONTEXT)
    assert items
    for item in items:
        assert isinstance(item, Unusable) or time_of(item.event["timestamp"])


def test_deep_values_do_no_harm() -> None:
    value: Any = "x"
    for _ in range(5_000):
        value = {"host": value}
    event, _ = one({"timestamp": TIME, "message": "x", "host": value})
    assert event["hostname"] is value


@pytest.mark.parametrize("evil", ["a", " ", "<", "12 <13>", "%A-", "a=b&", "[", "\ufffd", "{", "\n", "1: ", "."])
def test_long_texts_take_no_long_time(evil: str) -> None:
    text = evil * (65_536 // len(evil))
    began = time.process_time()
    read_text(text, CONTEXT)
    adapt(
        {**dict.fromkeys(("hostname", "timestamp", "severity", "pri", "syslogtag", "source"), text), "rawmsg": text},
        CONTEXT,
    )
    adapt({text: text, "message": text, "host": {text: text}}, CONTEXT)
    assert time.process_time() - began < 5


def test_every_real_event_is_taken_as_it_says(shared_data: Path) -> None:
    body = (shared_data / "events" / "rsyslog_8.2302_omfile_events.jsonl").read_bytes()
    values = parse_body(body).items
    notes: Counter[Note] = Counter()
    for value in values:
        (item,) = adapt(value, CONTEXT)
        assert isinstance(item, Incoming)
        assert faults_of(item.event) == []
        assert item.event["hostname"] == value["hostname"]
        assert item.event["message"] == value["message"].removeprefix(" ")
        assert item.event["syslog_severity"] == severity_of(value["severity"])
        assert item.event.get("program", "") == value["program"].removeprefix("-")
        readable = time_of(value["timestamp"]) is not None
        assert item.event["timestamp"] == (value["timestamp"] if readable else NOW.isoformat())
        assert item.notes == (() if readable else (Note.TIMESTAMP_UNREADABLE,))
        notes.update(item.notes)
    assert len(values) == body.count(b"\n")
    assert notes[Note.TIMESTAMP_UNREADABLE] < 0.01 * len(values)


def test_real_payloads_of_other_senders_raise_nothing(shared_data: Path) -> None:
    for file in sorted((shared_data / "webhooks").glob("*.json")):
        for item in adapt(json.loads(file.read_bytes()), CONTEXT):
            assert isinstance(item, Unusable) or faults_of(item.event) or item.event["message"], file.name
