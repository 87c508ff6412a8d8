"""Alerts of Alertmanager and Grafana become events: one for each, with the same key when they are over."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.notes import Note
from ingest.sources.alertmanager import adapt
from ingest.sources.source import Context, Incoming, Unusable
from ingest.validation import faults_of
from rules.event import Severity

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CONTEXT = Context(NOW, UTC, "192.0.2.99")
STARTS = "2026-11-23T08:30:00.123456789Z"
ENDS = "2026-11-23T09:45:00.5Z"
NEVER = "0001-01-01T00:00:00Z"


def alert(**labels: Any) -> dict[str, Any]:
    return {
        "status": "firing",
        "labels": {"alertname": "DiskFull", **labels},
        "annotations": {"summary": "The disk is nearly full"},
        "startsAt": STARTS,
        "endsAt": NEVER,
        "generatorURL": "http://prom.example.net:9090/graph?g0.expr=up",
        "fingerprint": "f00dcafe",
    }


def group(*alerts: Any, **fields: Any) -> dict[str, Any]:
    return {
        "version": "4",
        "groupKey": '{}:{alertname="DiskFull"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "mutt",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alerts.example.net:9093",
        "alerts": list(alerts),
        **fields,
    }


def taken(value: Any) -> list[Incoming]:
    items = adapt(value, CONTEXT)
    for item in items:
        assert isinstance(item, Incoming)
        assert faults_of(item.event) == []
    return [item for item in items if isinstance(item, Incoming)]


def one(value: Any) -> tuple[dict[str, Any], set[Note]]:
    (item,) = taken(value)
    return item.event, set(item.notes)


def test_each_alert_of_a_notification_is_an_event() -> None:
    first, second = alert(instance="db-1:9100", severity="critical"), alert(instance="db-2:9100", severity="page")
    items = taken(group(first, second))
    assert items[0].event == {
        "hostname": "db-1",
        "timestamp": STARTS,
        "message": "DiskFull: The disk is nearly full",
        "source_type": "alertmanager",
        "syslog_severity": "Critical",
        "alert_key": "f00dcafe",
    }
    assert items[0].notes == ()
    assert items[1].event["hostname"] == "db-2"


def test_an_original_is_what_would_have_been_sent_for_its_alert_alone() -> None:
    value = group(alert(instance="db-1"), alert(instance="db-2"), externalURL="http://a.example.net")
    for item, sent in zip(taken(value), value["alerts"], strict=True):
        assert item.original == {**value, "alerts": [sent]}
        assert taken(item.original) == [item]


def test_a_notification_without_alerts_has_no_events() -> None:
    assert adapt(group(), CONTEXT) == []


def test_a_resolved_alert_clears_at_its_end_by_the_same_key() -> None:
    firing = alert(instance="db-1")
    del firing["fingerprint"]
    resolved = {**firing, "status": "resolved", "endsAt": ENDS}
    begun, over = (event for event, _ in map(one, (group(firing), group(resolved))))
    assert "clear" not in begun
    assert over["clear"] is True
    assert over["timestamp"] == ENDS
    assert begun["alert_key"] == over["alert_key"]
    assert (
        begun["alert_key"]
        != one(group({**firing, "labels": {"alertname": "DiskFull", "instance": "db-2"}}))[0]["alert_key"]
    )


def test_the_order_of_labels_makes_no_other_key() -> None:
    labels = {"alertname": "DiskFull", "instance": "db-1", "job": "node"}
    keys = {one({"labels": dict(order)})[0]["alert_key"] for order in (labels.items(), reversed(labels.items()))}
    assert len(keys) == 1


@pytest.mark.parametrize("fingerprint", [None, "", " ", "x" * 256, 10**200, {}])
def test_a_fingerprint_that_is_none_is_replaced(fingerprint: Any) -> None:
    event, _ = one({**alert(instance="db-1"), "fingerprint": fingerprint})
    assert len(event["alert_key"]) == 64


def test_without_labels_there_is_no_key() -> None:
    event, _ = one(group({"annotations": {"summary": "x"}}, commonLabels={"instance": "db-1"}))
    assert "alert_key" not in event
    assert event["hostname"] == "db-1"


@pytest.mark.parametrize(
    ("fields", "timestamp", "notes"),
    [
        ({"startsAt": "2026-11-23T08:30:00+02:00"}, "2026-11-23T08:30:00+02:00", set()),
        ({"startsAt": NEVER}, NOW.isoformat(), {Note.TIMESTAMP_MISSING}),
        ({"startsAt": None}, NOW.isoformat(), {Note.TIMESTAMP_MISSING}),
        ({"startsAt": "soon"}, NOW.isoformat(), {Note.TIMESTAMP_UNREADABLE}),
        ({"startsAt": {}}, NOW.isoformat(), {Note.TIMESTAMP_UNREADABLE}),
        ({"status": "resolved"}, NOW.isoformat(), {Note.TIMESTAMP_MISSING}),
        ({"status": "resolved", "endsAt": ENDS}, ENDS, set()),
    ],
)
def test_times(fields: dict[str, Any], timestamp: str, notes: set[Note]) -> None:
    event, said = one(group({**alert(instance="db-1"), **fields}))
    assert (event["timestamp"], said) == (timestamp, notes)


@pytest.mark.parametrize(
    ("labels", "hostname"),
    [
        ({"instance": "db-1"}, "db-1"),
        ({"instance": "db-1:9100"}, "db-1"),
        ({"instance": "192.0.2.7:9100"}, "192.0.2.7"),
        ({"instance": "[2001:db8::7]:9100"}, "2001:db8::7"),
        ({"instance": "[2001:db8::7]"}, "2001:db8::7"),
        ({"instance": "2001:db8::7"}, "2001:db8::7"),
        ({"instance": "https://shop.example.net/health?full=1"}, "shop.example.net"),
        ({"instance": "https://user:pw@shop.example.net:8443/"}, "shop.example.net"),
        ({"instance": "http://[2001:db8::7]:80/x"}, "2001:db8::7"),
        ({"instance": "db-1:9100/metrics"}, "db-1"),
        ({"target": "sw-4", "instance": ""}, "sw-4"),
        ({"hostname": "a", "host": "b", "instance": "c:1"}, "a"),
        ({"host": "b", "node": "d", "instance": "c:1"}, "b"),
        ({"node": "d", "instance": "c:1", "pod": "e"}, "d"),
        ({"Host": "b"}, "b"),
        ({"device": "/dev/sda1", "server": "f"}, "f"),
        ({"instance": "<no value>", "pod": "e"}, "e"),
        ({"instance": "{{ $labels.instance }}", "pod": "e"}, "e"),
        ({"instance": 5, "pod": "e"}, "5"),
        ({"instance": "x" * 256, "pod": "e"}, "e"),
        ({"vm": "g"}, "g"),
    ],
)
def test_the_host_is_in_a_label(labels: dict[str, Any], hostname: str) -> None:
    event, notes = one(group(alert(**labels)))
    assert (event["hostname"], notes) == (hostname, set())


@pytest.mark.parametrize(
    ("value", "hostname"),
    [
        (group(alert(service="shop", job="blackbox")), "shop"),
        (group(alert(job="blackbox")), "blackbox"),
        (group(alert(instance="Web server 1", job="blackbox")), "Web-server-1"),
        (group(alert()), "DiskFull"),
        (group({**alert(), "labels": {"severity": "info"}}), "prom.example.net"),
        (group({**alert(), "labels": {}, "generatorURL": "?"}), "alerts.example.net"),
    ],
)
def test_without_a_host_the_closest_other_label_is_taken(value: Any, hostname: str) -> None:
    event, notes = one(value)
    assert (event["hostname"], notes) == (hostname, {Note.HOSTNAME_FROM_LABEL})


def test_without_any_host_it_says_how_to_mend_it() -> None:
    items = adapt(group(alert(instance="a"), {"labels": {"severity": "info"}}, externalURL=None), CONTEXT)
    assert isinstance(items[0], Incoming)
    assert isinstance(items[1], Unusable)
    assert (items[1].code, items[1].pointer) == ("hostname_missing", "/alerts/1/labels")
    assert "instance" in items[1].why


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("critical", "Critical"),
        ("CRITICAL", "Critical"),
        ("page", "Critical"),
        ("disaster", "Emergency"),
        ("error", "Error"),
        ("High", "Error"),
        ("major", "Error"),
        ("warning", "Warning"),
        ("Warn", "Warning"),
        ("minor", "Warning"),
        ("low", "Notice"),
        ("Info", "Info"),
        ("none", "Info"),
        ("ok", "Info"),
        ("P1", "Critical"),
        ("p2", "Error"),
        ("P3", "Warning"),
        ("sev1", "Critical"),
        ("SEV-2", "Error"),
        ("3", "Error"),
        (4, "Warning"),
        ("0", "Emergency"),
    ],
)
def test_severity_words(word: Any, severity: str) -> None:
    for name in ("severity", "level", "priority", "Severity"):
        assert one(group(alert(instance="a", **{name: word})))[0]["syslog_severity"] == severity


def test_an_unknown_severity_is_none_and_noted() -> None:
    event, notes = one(group(alert(instance="a", severity="purple")))
    assert "syslog_severity" not in event
    assert notes == {Note.SEVERITY_UNKNOWN}
    assert one(group(alert(instance="a", severity="purple", priority="P2")))[0]["syslog_severity"] == "Error"


def test_without_a_severity_nothing_is_noted() -> None:
    event, notes = one(group(alert(instance="a")))
    assert "syslog_severity" not in event
    assert notes == set()


def test_a_severity_may_stand_among_the_annotations_or_be_common() -> None:
    bare = alert(instance="a")
    bare["annotations"]["severity"] = "major"
    assert one(group(bare))[0]["syslog_severity"] == "Error"
    assert one(group(alert(instance="a"), commonLabels={"severity": "warning"}))[0]["syslog_severity"] == "Warning"


@pytest.mark.parametrize(
    ("annotations", "message"),
    [
        ({"summary": "full"}, "DiskFull: full"),
        ({"summary": "full", "description": "7 % are left"}, "DiskFull: full\n7 % are left"),
        ({"summary": "full", "description": "full"}, "DiskFull: full"),
        ({"summary": "full", "message": "7 % are left"}, "DiskFull: full\n7 % are left"),
        ({"summary": "diskfull on a"}, "diskfull on a"),
        ({"description": "7 % are left"}, "DiskFull: 7 % are left"),
        ({"Summary": "full"}, "DiskFull: full"),
        ({"hint": "look", "runbook_url": "http://x"}, "DiskFull: look"),
        ({"runbook_url": "http://x"}, "DiskFull: [FIRING:1] Disks"),
        ({}, "DiskFull: [FIRING:1] Disks"),
        (None, "DiskFull: [FIRING:1] Disks"),
        ({"summary": "s" * 65_535}, "DiskFull: " + "s" * 65_525),
        ({"summary": "full", "description": "d" * 65_535}, "DiskFull: full"),
    ],
)
def test_messages(annotations: Any, message: str) -> None:
    value = group({**alert(instance="a"), "annotations": annotations}, title="[FIRING:1] Disks")
    assert one(value)[0]["message"] == message


def test_without_any_text_the_labels_are_the_message() -> None:
    event, _ = one(group({"labels": {"job": "node", "instance": "a"}}))
    assert event["message"] == "instance=a, job=node"


def test_alerts_that_were_left_out_are_noted() -> None:
    notes = [item.notes for item in taken(group(alert(instance="a"), alert(instance="b"), truncatedAlerts=3))]
    assert notes == [(Note.TRUNCATED,)] * 2


def test_grafana_is_told_apart() -> None:
    value = group(
        {**alert(instance="db-1:9100"), "startsAt": "2026-11-23T08:30:00+02:00", "valueString": "[ var='A' ]"},
        version="1",
        orgId=1,
        title="[FIRING:1] DiskFull",
        state="alerting",
    )
    event, _ = one(value)
    assert (event["source_type"], event["hostname"], event["alert_key"]) == ("grafana", "db-1", "f00dcafe")


LEGACY = {
    "ruleId": 7,
    "ruleName": "Load",
    "ruleUrl": "http://grafana.example.net/d/x",
    "orgId": 1,
    "panelId": 2,
    "state": "alerting",
    "title": "[Alerting] Load",
    "message": "The load is high",
    "evalMatches": [{"value": 12.5, "metric": "load1", "tags": {"instance": "db-1:9100", "severity": "warning"}}],
}


def test_grafana_before_9_sends_one_alert() -> None:
    event, notes = one(LEGACY)
    assert event.pop("alert_key")
    assert event == {
        "hostname": "db-1",
        "timestamp": NOW.isoformat(),
        "message": "Load: The load is high\nload1=12.5",
        "source_type": "grafana",
        "syslog_severity": "Warning",
    }
    assert notes == {Note.TIMESTAMP_MISSING}


def test_grafana_before_9_clears_by_the_same_key() -> None:
    begun, _ = one(LEGACY)
    over, _ = one({**LEGACY, "state": "ok", "title": "[OK] Load", "evalMatches": []})
    assert over["clear"] is True
    assert over["alert_key"] == begun["alert_key"]
    assert one({**LEGACY, "state": "no_data", "evalMatches": None})[0].get("clear") is None


def test_bare_alerts_are_events() -> None:
    event, _ = one({"summary": "full", "labels": {"instance": "a", "severity": "critical"}})
    assert (event["hostname"], event["message"], event["syslog_severity"]) == ("a", "full", "Critical")
    listed = {**alert(instance="a"), "status": {"state": "active", "silencedBy": []}, "endsAt": "2026-11-23T12:05:00Z"}
    assert "clear" not in one(listed)[0]
    assert len(taken([listed, listed])) == 2


@pytest.mark.parametrize(("ends", "clear"), [("2026-11-23T12:05:00Z", []), (ENDS, [True]), (NEVER, []), ("x", [])])
def test_an_alert_without_a_status_fires_until_its_end(ends: str, clear: list[bool]) -> None:
    posted = {"labels": {"instance": "a"}, "startsAt": STARTS, "endsAt": ends}
    event, _ = one(posted)
    assert [event[name] for name in event if name == "clear"] == clear


@pytest.mark.parametrize(
    "value",
    [
        None,
        5,
        "text",
        {},
        {"alerts": "x"},
        {"alerts": {}},
        {"labels": []},
        {"title": "High CPU", "tags": "a,b"},
        {"ruleName": "x"},
    ],
)
def test_anything_else_is_no_alert(value: Any) -> None:
    (item,) = adapt(value, CONTEXT)
    assert isinstance(item, Unusable)
    assert item.code == "not_an_alert"
    assert item.original == value


def test_one_bad_alert_takes_no_other_along() -> None:
    items = adapt(group(alert(instance="a"), 5, alert(instance="b")), CONTEXT)
    assert [type(item) for item in items] == [Incoming, Unusable, Incoming]
    assert isinstance(items[1], Unusable)
    assert items[1].pointer == "/alerts/1"


TOLD = ["alerts", "labels", "annotations", "commonLabels", "instance", "alertname", "summary", "status", "startsAt"]
OTHERS = [
    "endsAt",
    "evalMatches",
    "ruleName",
    "state",
    "tags",
    "severity",
    "truncatedAlerts",
    "generatorURL",
    "version",
]
NAMES = st.sampled_from(TOLD) | st.sampled_from(OTHERS)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(), inner, max_size=6),
    max_leaves=15,
)
LABELS = st.dictionaries(NAMES | st.text(), JSON, max_size=4)
ALERTS = st.fixed_dictionaries({"labels": LABELS, "annotations": JSON | LABELS, "status": JSON, "endsAt": JSON})


@settings(deadline=None, max_examples=500)
@given(JSON | ALERTS | st.fixed_dictionaries({"alerts": st.lists(ALERTS | JSON, max_size=2), "truncatedAlerts": JSON}))
def test_no_value_raises_and_every_event_is_valid(value: Any) -> None:
    for item in adapt(value, CONTEXT):
        assert isinstance(item, Incoming | Unusable)
        if isinstance(item, Incoming):
            assert faults_of(item.event) == []
            assert item.event.get("syslog_severity") in {None, *Severity}


@pytest.mark.parametrize("evil", ["a", ":", "/", "http://", "@", "[", " ", "1", "a:1"])
def test_long_texts_take_no_long_time(evil: str) -> None:
    text = evil * (65_536 // len(evil))
    began = time.process_time()
    adapt(group(alert(instance="http://" + text, host=text, severity=text), externalURL="x://" + text), CONTEXT)
    assert time.process_time() - began < 1


def test_real_payloads_are_events_or_refused_for_a_reason(shared_data: Path) -> None:
    for file in sorted((shared_data / "webhooks").glob("*.json")):
        for item in adapt(json.loads(file.read_bytes()), CONTEXT):
            if isinstance(item, Incoming):
                assert faults_of(item.event) == [], file.name
                assert item.event["alert_key"], file.name
            else:
                assert item.code in {"not_an_alert", "hostname_missing"}, file.name
