"""Bodies of the plain webhook: whose words they are in; and what holds for every source."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.notes import Note
from ingest.parsing import BodyError, TooManyError
from ingest.reading import SOURCES, read_events, recognise, recognise_text
from ingest.sources.source import Context, Incoming, Item, Unusable
from tests.fuzzing import SEEDS, payloads

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CONTEXT = Context(NOW, UTC, "192.0.2.200")
TRAP = "edge-7\nUDP: [192.0.2.7]:1->[192.0.2.1]:162\n.1.3.6.1.6.3.1.1.4.1.0 .1.3.6.1.6.3.1.1.5.3\n"


def read(body: bytes, content_type: str = "", source: str | None = None, most: int = 100) -> list[Item]:
    return read_events(body, content_type, SOURCES[source] if source else None, CONTEXT, most).items


def only(items: list[Item]) -> Incoming:
    (item,) = items
    assert isinstance(item, Incoming), item
    return item


@pytest.mark.parametrize(
    ("value", "source"),
    [
        ({"hostname": "h", "message": "m", "timestamp": "t"}, "native"),
        ({"hostname": "h", "message": "m", "alerts": []}, "native"),
        ({"alerts": [], "status": "firing"}, "alertmanager"),
        ({"labels": {"alertname": "a"}}, "alertmanager"),
        ({"labels": {"x": "y"}, "annotations": {}}, "alertmanager"),
        ({"labels": {"x": "y"}}, "native"),
        ({"labels": [], "startsAt": "t"}, "native"),
        ({"traphandle": TRAP}, "snmptrap"),
        ({"hostname": "h", "trap_oid": "1.3", "varbinds": []}, "snmptrap"),
        ({"hostname": "h", "trap_oid": "1.3"}, "snmptrap"),
        ({"host": "h", "msg": "m"}, "syslog"),
        ({"hostname": "h", "msg": "m"}, "syslog"),
        ({"HOST": "h", "MESSAGE": "m"}, "syslog"),
        ({"NodeName": "h", "x": 1}, "solarwinds"),
        ({"Alert.Name": "h"}, "solarwinds"),
        ({"title": "somebody else's alert"}, "native"),
        ({}, "native"),
        ([], "native"),
        ("text", "native"),
        (None, "native"),
    ],
)
def test_a_value_is_recognised_where_it_is_beyond_doubt(value: Any, source: str):
    assert recognise(value).name == source


@pytest.mark.parametrize(
    ("text", "content_type", "source"),
    [
        (TRAP, "", "snmptrap"),
        (TRAP.replace("\n", "\r\n"), "text/plain", "snmptrap"),
        ("<34>Nov 23 08:30:00 h app: m", "text/plain", "syslog"),
        ("27 <34>Nov 23 08:30:00 h app: m", "text/plain", "syslog"),
        ("NodeName=h", "application/x-www-form-urlencoded", "solarwinds"),
        ("NodeName=h", "text/plain", None),
        ("hello", "", None),
        ("", "", None),
    ],
)
def test_a_text_is_recognised_where_it_is_beyond_doubt(text, content_type, source):
    found = recognise_text(text, content_type)
    assert (found.name if found else None) == source


def test_the_plain_webhook_reads_each_event_of_a_batch_by_itself():
    values = [
        {"hostname": "a", "message": "m", "timestamp": "2026-11-23T08:30:00Z"},
        {"hostname": "b", "msg": "m"},
        {"traphandle": TRAP.replace("edge-7", "c")},
        {"NodeName": "d", "AlertMessage": "m"},
        {"alerts": [{"labels": {"instance": "e:9100"}}, {"labels": {"instance": "f"}}]},
    ]
    items = read(json.dumps(values).encode())
    assert [item.event["hostname"] for item in items if isinstance(item, Incoming)] == list("abcdef")


@pytest.mark.parametrize(
    ("source", "body", "host"),
    [
        ("syslog", b"<34>Nov 23 08:30:00 edge-3 app: m", "edge-3"),
        ("snmptrap", TRAP.encode(), "edge-7"),
        ("solarwinds", b'{"NodeName": "edge-4", "AlertMessage": "a "b""}', "edge-4"),
        ("solarwinds", b"NodeName=edge-5&AlertMessage=m", "edge-5"),
    ],
)
def test_a_text_of_a_source_is_one_lone_event(source, body, host):
    result = read_events(body, "", SOURCES[source], CONTEXT, 100)
    assert result.lone
    assert only(result.items).event["hostname"] == host


def test_raw_lines_that_call_themselves_json_are_broken_json():
    (item,) = read(b"<34>1 - h app - - - m", "application/json", "syslog")
    assert isinstance(item, Unusable)
    assert item.code == "not_json"


def test_a_lone_json_text_is_no_raw_line_but_one_in_an_array_is():
    (item,) = read(b'"<34>1 - h app - - - m"', "application/json", "syslog")
    assert isinstance(item, Unusable)
    assert (item.code, item.original) == ("not_an_event", b'"<34>1 - h app - - - m"')
    assert only(read(b'["<34>1 - h app - - - m"]', "application/json", "syslog")).event["hostname"] == "h"


def test_the_number_of_events_is_bounded_for_every_source():
    lines = b"\n".join(b"<34>Nov 23 08:30:00 h app: m" for _ in range(11))
    with pytest.raises(TooManyError):
        read(lines, "text/plain", "syslog", most=10)
    alerts = json.dumps({"alerts": [{"labels": {"instance": "a"}}] * 11}).encode()
    with pytest.raises(TooManyError):
        read(alerts, "", "alertmanager", most=10)


def test_communities_are_taken_out_whatever_the_source_and_that_is_noted():
    event = {"hostname": "h", "timestamp": "2026-11-23T08:30:00Z", "message": "snmp-server community lan-7 RO"}
    item = only(read(json.dumps(event).encode()))
    assert item.event["message"] == "snmp-server community *** RO"
    assert item.event is item.original
    assert item.notes == (Note.REDACTED,)
    trap = only(read((TRAP + '.1.3.6.1.6.3.18.1.4.0 "lan-7"\n').encode()))
    assert "lan-7" not in str((trap.event, trap.original))
    assert Note.REDACTED in trap.notes


@pytest.mark.parametrize(
    "text",
    ["snmp-server host 192.0.2.1 lan-7", "com2sec notme 10.0.0.0/8 lan-7", "CMD: snmpwalk -v2c -c lan-7 192.0.2.1"],
)
def test_a_community_is_taken_out_where_the_body_does_not_call_it_one(text):
    event = {"hostname": "h", "timestamp": "2026-11-23T08:30:00Z", "message": text}
    form = urlencode({"NodeName": "h", "AlertMessage": text})
    for body, source in ((json.dumps(event), None), (form, "solarwinds"), (f"<34>Nov 23 08:30:00 h {text}", "syslog")):
        item = only(read(body.encode(), "", source))
        assert "lan-7" not in str((item.event, item.original))
        assert Note.REDACTED in item.notes


def test_bytes_that_are_not_utf8_are_marked_where_they_are():
    raw = b"<34>Nov 23 08:30:00 h app: T\xfcr\n<34>Nov 23 08:30:01 h app: fine"
    first, second = read(raw, "text/plain", "syslog")
    assert isinstance(first, Incoming)
    assert isinstance(second, Incoming)
    assert first.event["message"] == "T\ufffdr"
    assert Note.INVALID_UTF8 in first.notes
    assert Note.INVALID_UTF8 not in second.notes


def test_a_text_that_is_too_long_is_refused_by_its_place():
    good = {"hostname": "h", "timestamp": "2026-11-23T08:30:00Z", "message": "m"}
    first, second = read(json.dumps([{**good, "a/b": {"c": ["x" * 65_536]}}, good]).encode())
    assert isinstance(first, Unusable)
    assert (first.code, first.pointer) == ("too_long", "/a~1b/c/0")
    assert isinstance(second, Incoming)


@pytest.mark.parametrize(
    "value",
    ['"Serious\\u0000"', '"half \\ud800"', "1" + "0" * 400, "-1e999", '"' + "%00" + '"', "NaN"],
)
def test_what_an_adapter_unescapes_can_be_kept(value):
    broken = f'{{"NodeName": "h", "path": "C:\\temp\\x", "Severity": {value}}}'
    within = quote(f'{{"NodeName": "h", "x": {value}}}')
    for body in (broken, "NodeName=h&Description=x%00y", f"payload={within}"):
        item = only(read(body.encode(), source="solarwinds"))
        assert b"\\u0000" not in orjson.dumps([item.event, item.original])


def test_a_document_within_a_form_may_not_be_deeper_than_others():
    deep = '{"NodeName": "h", "x": ' + "[" * 500 + "]" * 500 + "}"
    (item,) = read(f"payload={quote(deep)}".encode(), source="solarwinds")
    assert isinstance(item, Unusable)
    assert item.code == "too_deep"


@settings(max_examples=400, deadline=None)
@given(
    st.binary(max_size=200) | st.sampled_from([body for _, body in SEEDS]),
    st.sampled_from([None, *SOURCES]),
    st.sampled_from(["", "application/json", "text/plain", "application/x-www-form-urlencoded"]),
)
def test_whatever_the_body_it_is_read_or_refused(body, source, content_type):
    assert_read_or_refused(body, content_type, source, most=100)


@pytest.mark.timeout(120)  # minutes to hours where the time grows with the square of the length
@pytest.mark.parametrize(
    ("source", "start", "repeated", "end"),
    [
        (None, '[{"a": "b', '\\"', "}]"),
        ("snmptrap", TRAP + '.1.3.1 "open\n', "\n", "x"),
        ("snmptrap", TRAP + ".1.3.1", ".1", " x"),
        ("solarwinds", '{"NodeName": "h", "x": y', " ", "z}"),
        ("solarwinds", '{"NodeName": "h", "x": "y" ', "\t", '"z": 1 x}'),
        ("solarwinds", '{"NodeName": "h", "community": "', "111:111", '"}'),
        ("syslog", "<34>1 - h app - - - snmp community", " ", '"'),
    ],
)
def test_hostile_texts_take_no_more_than_their_length(source, start, repeated, end):
    for most in (30_000, 2_000_000):  # as much as a text may have, and beyond
        body = start + repeated * (most // len(repeated)) + end
        assert_read_or_refused(body.encode(), "text/plain", source, most=20_000)


@pytest.mark.parametrize("source", [None, *SOURCES])
def test_no_mutated_body_is_anything_but_read_or_refused(source):
    for payload in payloads(seed=20261123, count=600):
        assert_read_or_refused(payload.body, "", source, most=20_000)


def assert_read_or_refused(body: bytes, content_type: str, source: str | None, most: int) -> None:
    try:
        items = read(body, content_type, source, most)
    except (BodyError, TooManyError):
        return
    assert all(can_be_kept(item) for item in items)


def can_be_kept(item: Item) -> bool:
    if isinstance(item, Unusable):
        return isinstance(item.original, bytes) or bool(orjson.dumps(item.original))
    return b"\\u0000" not in orjson.dumps([item.event, item.original]).replace(b"\\\\", b"")
