"""What Moogsoft is sent: both dialects, held against the contract that the stub checks."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.ids import batch_of
from forwarder.payload import MAX_SIGNATURE_BYTES, MAX_TEXT, Dialect, Flavour, body_of
from ops.moogsoft_contract import CLOUD, ONPREM, cloud_violations, onprem_violations
from rules.event import Severity
from tests.unit.forwarder.records import NOW, to_send

CLOUD_DIALECT = Dialect(Flavour.CLOUD)
ONPREM_DIALECT = Dialect(Flavour.ONPREM)


def cloud(**fields):
    (event,) = body_of([to_send(**fields)], CLOUD_DIALECT, 100)
    assert cloud_violations(event) == []
    return event


def onprem(**fields):
    (event,) = body_of([to_send(**fields)], ONPREM_DIALECT, 100)["events"]
    assert onprem_violations(event) == []
    return event


def test_cloud_is_sent_the_fields_of_the_events_api():
    one = to_send(trap_oid="1.3.6")
    assert body_of([one], CLOUD_DIALECT, 100) == [
        {
            "source": "edge-1",
            "check": "Interface down",
            "severity": "major",
            "description": "Interface Gi0/7 down",
            "deduplication_key": "mutt:7:edge-1:0123",
            "time": 1_795_422_600,
            "services": ["NETO"],
            "manager": "MUTT",
            "class": "syslog",
            "type": "Page_and_ticket",
            "tags": {
                "event_id": str(one.event_id),
                "batch_id": str(batch_of(one.event_id)),
                "handling": "Page_and_ticket",
                "environment": "prod",
                "team": "NETO",
                "rule_id": 7,
                "trap_oid": "1.3.6",
                "syslog_severity": "Error",
            },
        }
    ]


def test_onprem_is_sent_the_fields_of_the_rest_lam():
    one = to_send()
    body = body_of([one], ONPREM_DIALECT, 100)
    assert list(body) == ["events"]
    tags = body["events"][0].pop("custom_info")
    assert tags["team"] == "NETO"
    assert body["events"] == [
        {
            "signature": "mutt:7:edge-1:0123",
            "source_id": "edge-1",
            "external_id": str(one.event_id),
            "manager": "MUTT",
            "source": "edge-1",
            "class": "syslog",
            "agent": "MUTT",
            "agent_location": "prod",
            "type": "Interface down",
            "severity": 4,
            "description": "Interface Gi0/7 down",
            "agent_time": 1_795_422_600,
        }
    ]


def test_the_stub_takes_a_request_in_either_dialect_with_the_key_where_it_belongs():
    alerts = [to_send(), to_send()]
    headers = {"Content-Type": "application/json", "apiKey": "key"}
    body = orjson.dumps(body_of(alerts, CLOUD_DIALECT, 100))
    assert len(CLOUD.events_of(headers, body, b"key")) == 2
    body = orjson.dumps(body_of(alerts, Dialect(Flavour.ONPREM, auth_token="key"), 100))
    assert len(ONPREM.events_of({"Content-Type": "application/json"}, body, b"key")) == 2


def test_older_names_of_cloud_can_be_chosen():
    dialect = Dialect(Flavour.CLOUD, key_field="dedupe_key", services_field="service")
    (event,) = body_of([to_send()], dialect, 100)
    assert (event["dedupe_key"], event["service"]) == ("mutt:7:edge-1:0123", "NETO")
    assert not {"deduplication_key", "services"} & set(event)


def test_a_destination_that_wants_one_object_gets_one_object():
    assert body_of([to_send()], Dialect(Flavour.CLOUD, wrap_in_array=False), 100)["source"] == "edge-1"


@pytest.mark.parametrize(
    ("severity", "name", "number"),
    [
        ("Emergency", "critical", 5),
        ("Alert", "critical", 5),
        ("Critical", "critical", 5),
        ("Error", "major", 4),
        ("Warning", "minor", 3),
        ("Notice", "warning", 2),
        ("Info", "unknown", 1),
        ("Debug", "unknown", 1),
        ("", "warning", 2),
    ],
)
def test_each_severity_has_its_level_and_none_is_ever_clear(severity, name, number):
    assert cloud(syslog_severity=severity)["severity"] == name
    assert onprem(syslog_severity=severity)["severity"] == number


def test_no_severity_of_ours_is_without_a_level():
    levels = {severity: onprem(syslog_severity=severity.value)["severity"] for severity in Severity}
    assert sorted(levels.values(), reverse=True) == [levels[severity] for severity in Severity]


def test_the_deduplication_key_is_the_records_and_never_the_host_alone():
    assert cloud()["deduplication_key"] == "mutt:7:edge-1:0123" != cloud()["source"]
    assert onprem()["signature"] == "mutt:7:edge-1:0123" != onprem()["source"]


def test_texts_are_cut_to_what_moogsoft_takes_and_no_shorter():
    event = cloud(message="x" * 40_000)
    assert len(event["description"]) == MAX_TEXT
    assert len(cloud(message="x" * MAX_TEXT)["description"]) == MAX_TEXT
    assert len(onprem(message="😀" * 40_000)["description"]) == MAX_TEXT


def test_a_signature_is_cut_by_bytes_and_never_within_a_character():
    signature = onprem(deduplication_key="k" + "ü" * 500)["signature"]
    assert len(signature.encode()) == MAX_SIGNATURE_BYTES == 767
    assert signature == "k" + "ü" * 383
    assert onprem(deduplication_key="kk" + "ü" * 500)["signature"] == "kk" + "ü" * 382


def test_an_empty_message_is_described_by_its_trap_or_its_rule():
    assert cloud(message="  ", trap_oid="1.3.6")["description"] == "1.3.6"
    assert cloud(message="\n")["description"] == "Interface down"
    assert cloud(message="  blanks around \n")["description"] == "blanks around"


def test_a_meta_alert_stands_for_the_unmatched_events_of_its_kind():
    fields = {"rule_id": None, "rule_name": "", "handling": "Ticket_only", "reason": "unmatched_threshold"}
    event = cloud(**fields, deduplication_key="mutt:unmatched:edge-1:abc")
    assert event["check"] == "unmatched events"
    assert event["description"] == "100 events like this one from edge-1 matched no rule: Interface Gi0/7 down"
    assert event["deduplication_key"] == "mutt:unmatched:edge-1:abc"
    assert event["tags"]["reason"] == "unmatched_threshold"
    assert "rule_id" not in event["tags"]
    assert onprem(**fields, deduplication_key="k")["type"] == "unmatched events"
    assert len(cloud(**fields, message="x" * 40_000)["description"]) == MAX_TEXT


@pytest.mark.parametrize(
    ("event_time", "taken"),
    [
        (NOW - timedelta(days=400), True),
        (NOW + timedelta(days=1), True),
        (datetime(2001, 1, 1, tzinfo=UTC), True),
        (NOW + timedelta(days=1, seconds=1), False),
        (datetime(2000, 12, 31, 23, 59, 59, tzinfo=UTC), False),
        (datetime(1970, 1, 1, tzinfo=UTC), False),
        (datetime(9999, 12, 31, tzinfo=UTC), False),
        (None, False),
    ],
)
def test_a_clock_that_is_dead_or_far_ahead_is_replaced_by_the_time_of_receipt(event_time, taken):
    expected = int((event_time if taken else NOW).timestamp())
    assert cloud(event_time=event_time)["time"] == expected
    assert onprem(event_time=event_time)["agent_time"] == expected


def test_several_alerts_are_sent_in_order():
    alerts = [to_send(hostname=f"edge-{number}") for number in range(5)]
    assert [event["source"] for event in body_of(alerts, CLOUD_DIALECT, 100)] == [one.hostname for one in alerts]
    assert len(body_of(alerts, ONPREM_DIALECT, 100)["events"]) == 5


# What the schema takes for a host: not empty, no blanks.
HOSTS = st.from_regex(r"[^\s\x00-\x1f\x7f]{1,255}", fullmatch=True)


ALERTS = st.fixed_dictionaries(
    {
        "hostname": HOSTS,
        "message": st.text(max_size=100),
        "syslog_severity": st.sampled_from([*(severity.value for severity in Severity), ""]),
        "trap_oid": st.sampled_from(["", "1.3.6.1.6.3.1.1.5.3"]),
        "source_type": st.text(max_size=20),
        "event_time": st.none() | st.datetimes(timezones=st.just(UTC)),
        "environment": st.sampled_from(["prod", "dev"]),
    }
)


@settings(deadline=None)
@given(ALERTS, st.sampled_from([(7, "Interface down"), (None, "")]))
def test_any_alert_keeps_both_contracts(fields, rule):
    key = f"mutt:7:{fields['hostname']}:0123"
    one = to_send(**fields, rule_id=rule[0], rule_name=rule[1], deduplication_key=key)
    assert [cloud_violations(event) for event in body_of([one], CLOUD_DIALECT, 100)] == [[]]
    assert [onprem_violations(event) for event in body_of([one], ONPREM_DIALECT, 100)["events"]] == [[]]


def test_a_canary_is_clear_in_both_dialects_and_says_what_it_is():
    fields = {
        "hostname": "mutt-canary",
        "source_type": "mutt-canary",
        "message": "A canary of MUTT's own",
        "rule_id": None,
        "rule_name": "",
        "handling": "",
        "team": "MUTT",
        "reason": "canary",
        "clears": True,
        "deduplication_key": "mutt:canary",
    }
    sent = cloud(**fields)
    assert (sent["severity"], sent["check"], sent["type"]) == ("clear", "canary", "canary")
    assert sent["description"] == "A canary of MUTT's own"
    sent = onprem(**fields)
    assert (sent["severity"], sent["type"], sent["signature"]) == (0, "canary", "mutt:canary")
