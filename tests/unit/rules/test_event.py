"""The vocabulary of events."""

from ipaddress import IPv6Address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules.event import Severity, host_key, hostname_of, oid_of, oid_within, severity_of


@pytest.mark.parametrize(("number", "severity"), list(enumerate(Severity)))
def test_a_severity_is_known_by_its_number_and_name_in_any_case(number: int, severity: Severity):
    spellings = [
        number,
        float(number),
        str(number),
        severity.value,
        severity.value.upper(),
        f" {severity.value.lower()} ",
    ]
    assert {severity_of(spelling) for spelling in spellings} == {severity}


@pytest.mark.parametrize(
    ("keyword", "name"),
    [
        ("emerg", "Emergency"),
        ("panic", "Emergency"),
        ("crit", "Critical"),
        ("err", "Error"),
        ("warn", "Warning"),
        ("informational", "Info"),
    ],
)
def test_the_keywords_of_syslog_are_severities(keyword: str, name: str):
    assert severity_of(keyword) == severity_of(keyword.upper()) == Severity(name)


@pytest.mark.parametrize("value", [None, "", " ", "catastrophic", "8", 8, -1, True, False, 3.5, b"3", [], {}])
def test_anything_else_is_no_severity(value: object):
    assert severity_of(value) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (" Core-1 ", "Core-1"),
        ("core-1.example.net.", "core-1.example.net"),
        ("2001:DB8:0:0::7", "2001:db8::7"),
        ("[::1]", "::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("host:514", "host:514"),
        (".", "."),
    ],
)
def test_a_host_has_one_spelling(text: str, name: str):
    assert hostname_of(text) == name


# What the reading of names and addresses turns on.
PIECES = st.text(min_size=1) | st.text(" .:[]%aAfF1\u2007", min_size=1, max_size=12) | st.ip_addresses(v=6).map(str)


@given(PIECES)
@example("core-1 .")
@example(". .")
@example("[::1% ]")
@example("::].")
@example("[::1%a.]")
def test_a_hosts_spelling_and_key_are_stable(text: str):
    assert hostname_of(hostname_of(text)) == hostname_of(text)
    assert host_key(host_key(text)) == host_key(text)


@given(st.ip_addresses(v=6))
def test_every_spelling_of_an_address_is_one_host(address: IPv6Address):
    spellings = [str(address), address.exploded, address.exploded.upper(), f"[{address}]", f" {address} "]
    assert len({host_key(spelling) for spelling in spellings}) == 1


@pytest.mark.parametrize(("one", "other"), [("Core-1", "core-1."), ("STRASSE", "straße"), ("::1", "[0:0::1]")])
def test_hosts_are_looked_up_in_any_case(one: str, other: str):
    assert host_key(one) == host_key(other)


ARCS = st.lists(st.integers(0, 12), min_size=1, max_size=6)


@given(ARCS, ARCS)
def test_prefixes_compare_as_lists_of_arcs_do(oid: list[int], prefix: list[int]):
    expected = oid[: len(prefix)] == prefix
    assert oid_within(".".join(map(str, oid)), ".".join(map(str, prefix))) is expected


@given(ARCS, ARCS)
def test_what_is_joined_to_a_prefix_is_within_it(prefix: list[int], rest: list[int]):
    text = ".".join(map(str, prefix))
    assert oid_within(text, text)
    assert oid_within(".".join(map(str, prefix + rest)), text)
    assert not oid_within(text, ".".join(map(str, prefix + rest)))


@pytest.mark.parametrize(
    ("text", "oid"),
    [
        ("1.3.6.1", "1.3.6.1"),
        (".1.3.6.1", "1.3.6.1"),
        ("iso.3.6.1", "1.3.6.1"),
        (".iso.3.6.1", "1.3.6.1"),
        (" 1.0.8802.1 ", "1.0.8802.1"),
        ("2", "2"),
        ("3.1", None),
        ("1..3", None),
        ("..1.3", None),
        ("1.3.", None),
        ("1.03", None),
        ("1.-3", None),
        ("linkDown", None),
        ("1.3.6\n.1", None),
        ("1.\uff13", None),
        ("", None),
        (".", None),
    ],
)
def test_an_oid_is_read_with_or_without_its_dot_and_a_typo_is_none(text: str, oid: str | None):
    assert oid_of(text) == oid


@given(st.text() | st.text(" .0123iso", max_size=12))
def test_reading_an_oid_is_stable(text: str):
    oid = oid_of(text)
    assert oid is None or oid_of(oid) == oid
