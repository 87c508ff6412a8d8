"""Traps: as snmptrapd's text in all its forms, and in fields; the right host, time, OID and severity, or a reason."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.sources import oid_names
from ingest.sources.oid_names import load_names, numeric
from ingest.sources.snmptrap import SNMPTRAP, adapt, read_text
from ingest.sources.source import Context, Incoming, Unusable
from ingest.validation import faults_of

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CONTEXT = Context(NOW, UTC, "127.0.0.1")
UPTIME = ".1.3.6.1.2.1.1.3.0 0:1:19:55.37"
LINK_DOWN = ".1.3.6.1.6.3.1.1.4.1.0 .1.3.6.1.6.3.1.1.5.3"


def text(*variables: str, name: str = "edge-7", transport: str = "UDP: [192.0.2.7]:40984->[192.0.2.1]:162") -> str:
    return "\n".join([name, transport, *(variables or (UPTIME, LINK_DOWN))]) + "\n"


def one(items) -> dict[str, Any]:
    (item,) = items
    assert isinstance(item, Incoming), item
    assert faults_of(item.event) == []
    return item.event


def unusable(items) -> Unusable:
    (item,) = items
    assert isinstance(item, Unusable), item
    return item


def test_a_text_becomes_an_event_with_host_oid_and_a_readable_message():
    event = one(
        read_text(text(UPTIME, LINK_DOWN, ".1.3.6.1.2.1.2.2.1.1.3 3", '.1.3.6.1.2.1.2.2.1.2.3 "Gi0/3"'), CONTEXT)
    )
    assert event == {
        "hostname": "edge-7",
        "timestamp": NOW.isoformat(),
        "message": "linkDown (1.3.6.1.6.3.1.1.5.3): ifIndex.3=3, ifDescr.3=Gi0/3",
        "trap_oid": "1.3.6.1.6.3.1.1.5.3",
        "source_type": "snmptrap",
    }


@pytest.mark.parametrize(
    ("name", "transport", "host"),
    [
        ("<UNKNOWN>", "UDP: [192.0.2.7]:40984->[192.0.2.1]:162", "192.0.2.7"),
        ("<UNKNOWN>", "UDP/IPv6: [2001:db8::7]:57918", "2001:db8::7"),
        ("UDP: [192.0.2.7]:1->[192.0.2.1]:162", "UDP: [192.0.2.7]:1->[192.0.2.1]:162", "192.0.2.7"),
        ("192.0.2.9", "UDP: [192.0.2.7]:1->[192.0.2.1]:162", "192.0.2.9"),
        ("edge-7.example.net", "TCP: [192.0.2.7]:1->[192.0.2.1]:162", "edge-7.example.net"),
        ("edge-7", "UDP/IPv6: [fe80::1%eth0]:57918", "edge-7"),
    ],
)
def test_the_host_is_the_senders_name_or_else_its_address(name, transport, host):
    assert one(read_text(text(name=name, transport=transport), CONTEXT))["hostname"] == host


@pytest.mark.parametrize(
    ("agent", "host"),
    [
        ("198.51.100.4", "198.51.100.4"),
        ("192.0.2.7", "edge-7"),
        ("0.0.0.0", "edge-7"),
        ("127.0.0.1", "edge-7"),
        ("x", "edge-7"),
    ],
)
def test_a_trap_that_a_proxy_passed_on_is_of_its_own_agent(agent, host):
    relayed = text(UPTIME, LINK_DOWN, f".1.3.6.1.6.3.18.1.3.0 {agent}", '.1.3.6.1.6.3.18.1.4.0 "lan-7"')
    event = one(read_text(relayed, CONTEXT))
    assert event["hostname"] == host
    assert "lan-7" not in event["message"]


@pytest.mark.parametrize(
    ("said", "oid"),
    [
        (".1.3.6.1.6.3.1.1.4.1.0 .1.3.6.1.4.1.9.9.43.2.0.1", "1.3.6.1.4.1.9.9.43.2.0.1"),
        ("iso.3.6.1.6.3.1.1.4.1.0 iso.3.6.1.4.1.9.9.43.2.0.1", "1.3.6.1.4.1.9.9.43.2.0.1"),
        (".1.3.6.1.6.3.1.1.4.1.0 .1.0.8802.1.1.2.0.0.1", "1.0.8802.1.1.2.0.0.1"),
        (".1.3.6.1.6.3.1.1.4.1.0 = .1.3.6.1.6.3.1.1.5.4", "1.3.6.1.6.3.1.1.5.4"),
        ("SNMPv2-MIB::snmpTrapOID.0 IF-MIB::linkUp", "1.3.6.1.6.3.1.1.5.4"),
        ("SNMPv2-MIB::snmpTrapOID.0 SNMPv2-SMI::enterprises.9.9.43.2.0.1", "1.3.6.1.4.1.9.9.43.2.0.1"),
        ("SNMPv2-MIB::snmpTrapOID.0 SNMPv2-SMI::mib-2.15.7.2", "1.3.6.1.2.1.15.7.2"),
        ("SNMPv2-MIB::snmpTrapOID.0 SNMPv2-MIB::snmpTraps.3", "1.3.6.1.6.3.1.1.5.3"),
    ],
)
def test_the_oid_of_a_trap_is_read_in_every_spelling(said, oid):
    assert one(read_text(text(UPTIME, said), CONTEXT))["trap_oid"] == oid


def test_a_name_without_its_mib_is_refused_with_what_to_do():
    found = unusable(read_text(text(UPTIME, "SNMPv2-MIB::snmpTrapOID.0 ACME-MIB::acmeFanFailed"), CONTEXT))
    assert found.code == "trap_name_unresolved"
    assert "ACME-MIB::acmeFanFailed" in found.why
    assert "-On" in found.why


@pytest.fixture
def names(tmp_path, monkeypatch):
    """A file for names of the operator's own, which are forgotten afterwards."""
    monkeypatch.setattr(oid_names, "_loaded", {})
    monkeypatch.setattr(oid_names, "_names", dict(oid_names._names))  # noqa: SLF001 - a copy
    return tmp_path / "names"


def test_names_that_the_operator_gives_are_known(names):
    names.write_text(
        '# ours\n"acmeFanFailed"\t\t"1.3.6.1.4.1.99999.1.0.7"\nACME-MIB::acmeHot .1.3.6.1.4.1.99999.1.0.8\n'
    )
    assert load_names(names) == 2
    event = one(read_text(text(UPTIME, "SNMPv2-MIB::snmpTrapOID.0 ACME-MIB::acmeFanFailed"), CONTEXT))
    assert (event["trap_oid"], event["message"]) == (
        "1.3.6.1.4.1.99999.1.0.7",
        "acmeFanFailed (1.3.6.1.4.1.99999.1.0.7)",
    )
    assert numeric("ACME-MIB::acmeHot.3") == "1.3.6.1.4.1.99999.1.0.8.3"


def test_a_name_that_the_operators_file_gives_two_oids_is_known_by_its_module_only(names):
    names.write_text(
        '"fanFailed" "1.3.6.1.4.1.99999.1"\n"fanFailed" "1.3.6.1.4.1.88888.1"\nB-MIB::fanFailed 1.3.6.1.4.1.7.1\n'
    )
    assert load_names(names) == 1
    assert numeric("A-MIB::fanFailed") is None
    assert numeric("fanFailed") is None
    assert numeric("B-MIB::fanFailed") == "1.3.6.1.4.1.7.1"


@pytest.mark.parametrize(
    ("name", "oid"),
    [
        ("IF-MIB::linkDown", "1.3.6.1.6.3.1.1.5.3"),
        ("linkDown", "1.3.6.1.6.3.1.1.5.3"),
        ("ACME-MIB::linkDown", None),
        ("ACME-MIB::enterprises.9", None),
        (".iso.org.dod.internet.private.enterprises.9.1", "1.3.6.1.4.1.9.1"),
        (".iso.org.dod.internet.mgmt.mib-2.15.7.1", "1.3.6.1.2.1.15.7.1"),
        (".iso.org.dod.internet.private.enterprises.acme.7", None),
        (".iso.org.dod.internet.private.enterprises.linkDown", None),
    ],
)
def test_a_name_counts_where_it_is_defined_only(name, oid):
    assert numeric(name) == oid


def test_a_line_of_names_that_cannot_be_read_is_named(tmp_path):
    names = tmp_path / "names"
    names.write_text('"linkDown" "1.3.6.1.6.3.1.1.5.3"\nlinkUp is up\n')
    with pytest.raises(ValueError, match="line 2: “linkUp is up”"):
        load_names(names)


def test_a_text_in_quotes_may_go_on_over_several_lines():
    event = one(read_text(text(UPTIME, LINK_DOWN, '.1.3.1 "one', 'two \\"', 'three"', ".1.3.2 last"), CONTEXT))
    assert event["message"].endswith('1.3.1=one two " three, 1.3.2=last')


def test_several_texts_in_one_body_are_several_traps():
    body = text(name="a") + text(name="b") + "\n" + text(name="UDP: [192.0.2.8]:1", transport="UDP: [192.0.2.8]:1")
    items = read_text(body, CONTEXT)
    assert [item.event["hostname"] for item in items if isinstance(item, Incoming)] == ["a", "b", "192.0.2.8"]
    assert [one(adapt(item.original, CONTEXT))["hostname"] for item in items] == ["a", "b", "192.0.2.8"]


@pytest.mark.parametrize("odd", ["", "hello", "a\nb\nc", "<html>\n<body>", "UDP: [x]", "a\n" * 1000])
def test_another_text_is_refused_with_what_is_expected(odd):
    assert "transport" in unusable(read_text(odd, CONTEXT)).why


def test_a_trap_that_was_spooled_has_the_time_of_its_receipt():
    event = one(adapt({"traphandle": text(), "received_at": "2026-11-22T10:00:00.5+01:00"}, CONTEXT))
    assert event["timestamp"] == "2026-11-22T09:00:00.500000+00:00"


@pytest.mark.parametrize(
    "fields",
    [
        {
            "hostname": "edge-7",
            "trap_oid": ".1.3.6.1.6.3.1.1.5.3",
            "varbinds": [{"oid": "1.3.6.1.2.1.2.2.1.1.3", "value": 3}],
        },
        {"source_ip": "edge-7", "trap_oid": "IF-MIB::linkDown", "varbinds": {"IF-MIB::ifIndex.3": "3"}},
        {
            "host": "edge-7",
            "varbinds": [
                {"name": "SNMPv2-MIB::snmpTrapOID.0", "value": "IF-MIB::linkDown"},
                {"IF-MIB::ifIndex.3": {"type": "Integer", "value": 3}},
            ],
        },
        {
            "hostname": "<UNKNOWN>",
            "transport": "UDP: [edge-7]:1->[x]:162",
            "trap_name": "IF-MIB::linkDown",
            "variables": [["1.3.6.1.2.1.2.2.1.1.3", "INTEGER", 3]],
        },
        {
            "agent_addr": "edge-7",
            "generic": 2,
            "specific": 0,
            "enterprise": "1.3.6.1.4.1.9",
            "varbinds": [{"oid": "ifIndex.3", "value": 3}],
        },
    ],
)
def test_traps_in_fields_are_read_in_the_usual_forms(fields):
    event = one(adapt(fields, CONTEXT))
    assert (event["hostname"], event["trap_oid"]) == ("edge-7", "1.3.6.1.6.3.1.1.5.3")
    assert event["message"] == "linkDown (1.3.6.1.6.3.1.1.5.3): ifIndex.3=3"


def test_an_enterprise_specific_trap_of_snmp_v1_gets_its_oid():
    fields = {"hostname": "h", "generic_trap": "6", "specific_trap": 17, "enterprise": ".1.3.6.1.4.1.99999"}
    assert one(adapt(fields, CONTEXT))["trap_oid"] == "1.3.6.1.4.1.99999.0.17"


@pytest.mark.parametrize(
    ("said", "severity"),
    [("4", "Error"), ("1", "Emergency"), ("8", "Debug"), ("error", "Error"), ("warning(5)", "Warning")],
)
def test_a_syslog_message_in_a_trap_of_cisco_keeps_its_severity_and_reads_like_one(said, severity):
    entry = ".1.3.6.1.4.1.9.9.41.1.2.3.1"
    lines = [UPTIME, ".1.3.6.1.6.3.1.1.4.1.0 .1.3.6.1.4.1.9.9.41.2.0.1", f'{entry}.2.9 "LINK"', f"{entry}.3.9 {said}"]
    event = one(read_text(text(*lines, f'{entry}.4.9 "UPDOWN"', f'{entry}.5.9 "Gi0/3 is down"'), CONTEXT))
    assert event["syslog_severity"] == severity
    assert event["message"].startswith("%LINK-")
    assert event["message"].endswith("-UPDOWN: Gi0/3 is down")


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (5, "not_a_trap"),
        (None, "not_a_trap"),
        ([], "not_a_trap"),
        ({}, "trap_oid_missing"),
        ({"hostname": "h"}, "trap_oid_missing"),
        ({"trap_oid": "1.3.6.1"}, "hostname_missing"),
        ({"hostname": "h", "trap_oid": "acmeHot"}, "trap_name_unresolved"),
        ({"traphandle": "nonsense"}, "not_a_trap"),
        ({"traphandle": text() + text()}, "not_a_trap"),
    ],
)
def test_what_is_no_trap_has_a_reason(value, code):
    assert unusable(adapt(value, CONTEXT)).code == code


def test_real_traps_are_read_right_or_refused_for_want_of_a_mib(shared_data):
    traps = [json.loads(line) for line in (shared_data / "traps" / "librenms_traps.jsonl").read_text().splitlines()]
    resolved = 0
    for trap in traps:
        (item,) = read_text((shared_data / "traps" / "librenms_traphandle_stdin" / trap["file"]).read_text(), CONTEXT)
        if isinstance(item, Unusable):
            assert item.code == "trap_name_unresolved"
            continue
        resolved += 1
        assert (item.event["hostname"], item.event["trap_oid"]) == (trap["hostname"], trap["trap_oid"].lstrip("."))
        assert faults_of(item.event) == []
    assert resolved
    for trap in traps:
        (item,) = adapt(trap, CONTEXT)
        if trap.get("trap_oid"):
            assert isinstance(item, Incoming)
            assert item.event["trap_oid"] == trap["trap_oid"].lstrip(".")


NAMES = st.sampled_from(
    ["hostname", "trap_oid", "varbinds", "traphandle", "oid", "name", "value", "generic", "enterprise", "transport"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
PIECES = st.sampled_from(
    [UPTIME, LINK_DOWN, text(), '.1.3 "', "UDP: [::1]:1", "1.3.6.1", "IF-MIB::linkDown", '"', "\\", "\n"]
)
VALUES = st.recursive(
    SCALARS | PIECES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=15,
)


@settings(max_examples=500, deadline=None)
@given(VALUES)
def test_no_value_breaks_the_adapter(value):
    for item in SNMPTRAP.adapt(value, CONTEXT):
        assert isinstance(item, Incoming | Unusable)


@settings(max_examples=500, deadline=None)
@given(st.lists(PIECES | st.text(max_size=20), max_size=10).map("\n".join))
def test_no_text_breaks_the_adapter(body):
    for item in read_text(body, CONTEXT):
        assert isinstance(item, Incoming | Unusable)


@pytest.mark.parametrize("filler", ['"', "\\", "1.", "[", "UDP: [a]\n", 'x "\n', " ", "iso."])
@pytest.mark.timeout(10)
def test_hostile_texts_take_no_long_time(filler):
    read_text(text(UPTIME, LINK_DOWN, filler * (65_000 // len(filler))), CONTEXT)
    read_text(filler * (65_000 // len(filler)), CONTEXT)
