"""The vocabulary of events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.event import Severity, host_key, hostname_of, severity_of


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
    [("emerg", "Emergency"), ("panic", "Emergency"), ("crit", "Critical"), ("err", "Error"), ("warn", "Warning")],
)
def test_the_keywords_of_syslog_are_severities(keyword: str, name: str):
    assert severity_of(keyword) == severity_of(keyword.upper()) == Severity(name)


@pytest.mark.parametrize("value", [None, "", "catastrophic", 8, -1, True, False, 3.5, [], {}])
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


@given(st.text(min_size=1))
def test_a_hosts_spelling_and_key_are_stable(text: str):
    assert hostname_of(hostname_of(text)) == hostname_of(text)
    assert host_key(host_key(text)) == host_key(text)
