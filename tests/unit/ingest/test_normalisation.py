"""From a valid event to its canonical form."""

from datetime import UTC, datetime, timedelta, timezone
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.notes import Note
from ingest.normalisation import canonical_form, notes_on_clock
from ingest.parsing import Unreadable, parse_body
from ingest.times import time_of
from ingest.validation import faults_of, schema

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
canonical = partial(canonical_form, received_at=NOW)
GOOD = {"hostname": "h", "timestamp": "2026-11-23T08:30:00Z", "message": "m"}
PROPERTIES = schema()["properties"]


def pattern_of(field: str) -> str:
    """What the schema takes; Python's `\\Z` is the end that JSON Schema's look-ahead spells."""
    return PROPERTIES[field]["pattern"].removeprefix("^").removesuffix(r"(?![\s\S])")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23T08:30:00Z", datetime(2026, 11, 23, 8, 30, tzinfo=UTC)),
        ("2026-11-23t08:30:00z", datetime(2026, 11, 23, 8, 30, tzinfo=UTC)),
        ("2026-11-23 08:30:00+01:00", datetime(2026, 11, 23, 7, 30, tzinfo=UTC)),
        ("2026-11-23T08:30:00-05:30", datetime(2026, 11, 23, 14, 0, tzinfo=UTC)),
        ("2026-11-23T08:30:00-0530", datetime(2026, 11, 23, 14, 0, tzinfo=UTC)),
        ("2026-01-01T00:30:00+14:00", datetime(2025, 12, 31, 10, 30, tzinfo=UTC)),
        ("2026-11-23T08:30:00-00:00", datetime(2026, 11, 23, 8, 30, tzinfo=UTC)),
        ("2026-11-23T08:30:00.5Z", datetime(2026, 11, 23, 8, 30, 0, 500_000, tzinfo=UTC)),
        ("2026-11-23T08:30:00,003Z", datetime(2026, 11, 23, 8, 30, 0, 3000, tzinfo=UTC)),
        ("2026-11-23T08:30:00.123456Z", datetime(2026, 11, 23, 8, 30, 0, 123_456, tzinfo=UTC)),
        ("2026-11-23T08:30:00.999999999Z", datetime(2026, 11, 23, 8, 30, 0, 999_999, tzinfo=UTC)),
        ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_to_the_microsecond_and_brought_to_utc(text, moment):
    found = time_of(text)
    assert found == moment
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30T00:00:00Z",
        "2025-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-10T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-11-23T24:00:00Z",
        "2026-11-23T08:60:00Z",
        "2026-11-23T08:30:60Z",
        "2026-11-23T08:30:00+24:00",
        "2026-11-23T08:30:00+99:99",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "",
        "now",
        "2026-11-23",
        "2026-11-23T08:30:00",
        "2026-11-23T08:30:00Z\n",
        "٢٠٢٦-11-23T08:30:00Z",
    ],
)
def test_a_time_that_does_not_exist_is_replaced_by_that_of_receipt_and_noted(text):
    assert time_of(text) is None
    assert canonical({**GOOD, "timestamp": text})["event_time"] == NOW.isoformat()
    assert notes_on_clock({**GOOD, "timestamp": text}, NOW) == [Note.TIMESTAMP_UNREADABLE]


@pytest.mark.parametrize(
    ("text", "odd"),
    [
        ("2026-11-23T12:00:00Z", False),
        ("2026-11-22T12:00:00Z", False),
        ("2026-11-24T12:00:00Z", False),
        ("2026-11-22T11:59:59Z", True),
        ("2026-11-24T12:00:01Z", True),
        ("2005-06-14T15:16:01Z", True),
    ],
)
def test_a_clock_that_is_more_than_a_day_off_is_noted_and_believed(text, odd):
    assert notes_on_clock({**GOOD, "timestamp": text}, NOW) == ([Note.CLOCK_SKEW] if odd else [])
    assert canonical({**GOOD, "timestamp": text})["event_time"] == text.replace("Z", "+00:00")


def test_only_true_says_that_the_problem_is_over():
    assert canonical({**GOOD, "clear": True})["clears"] is True
    assert [canonical({**GOOD, "clear": value})["clears"] for value in (None, False)] == [False, False]
    assert canonical(GOOD)["clears"] is False


@settings(deadline=None)
@given(st.from_regex(pattern_of("timestamp"), fullmatch=True))
def test_whatever_time_the_schema_takes_is_a_time_in_utc_or_none(text):
    found = time_of(text)
    assert found is None or found.tzinfo is UTC


# Hypothesis wants naive bounds.
@settings(deadline=None)
@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1)),  # noqa: DTZ001
    st.integers(-14 * 60, 14 * 60),
)
def test_the_same_moment_is_the_same_time_from_every_zone(moment, offset_minutes):
    there = moment.replace(tzinfo=UTC).astimezone(timezone(timedelta(minutes=offset_minutes)))
    assert time_of(there.isoformat()) == moment.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("given_as", "name"),
    [
        ("err", "Error"),
        ("Error", "Error"),
        ("crit", "Critical"),
        ("panic", "Emergency"),
        ("warn", "Warning"),
        ("informational", "Info"),
        ("0", "Emergency"),
        (0, "Emergency"),
        (7, "Debug"),
        ("7", "Debug"),
    ],
)
def test_every_spelling_of_a_severity_becomes_its_name(given_as, name):
    assert canonical({**GOOD, "syslog_severity": given_as})["syslog_severity"] == name
    assert canonical({**GOOD, "severity": given_as})["syslog_severity"] == name


@settings(deadline=None)
@given(st.sampled_from(PROPERTIES["syslog_severity"]["enum"]))
def test_whatever_severity_the_schema_takes_has_a_name(value):
    found = canonical({**GOOD, "syslog_severity": value})["syslog_severity"]
    assert (found is None) == (value is None)


def test_syslog_severity_counts_before_severity():
    assert canonical({**GOOD, "syslog_severity": "err", "severity": "debug"})["syslog_severity"] == "Error"
    assert canonical({**GOOD, "syslog_severity": None, "severity": "DEBUG"})["syslog_severity"] == "Debug"
    # 0 is a severity, not nothing
    assert canonical({**GOOD, "syslog_severity": 0, "severity": "debug"})["syslog_severity"] == "Emergency"


@pytest.mark.parametrize("odd", ["minor", 8, 2.5, True, None, ["err"], {"level": 3}, ""])
def test_a_severity_of_the_source_that_is_none_of_ours_is_left_out(odd):
    assert canonical({**GOOD, "severity": odd})["syslog_severity"] is None


@pytest.mark.parametrize(
    ("given_as", "oid"),
    [
        ("1.3.6.1.4.1.9", "1.3.6.1.4.1.9"),
        (".1.3.6.1", "1.3.6.1"),
        ("iso.3.6.1", "1.3.6.1"),
        (".iso.3", "1.3"),
        (None, None),
    ],
)
def test_an_oid_loses_its_leading_dot_and_its_iso(given_as, oid):
    assert canonical({**GOOD, "trap_oid": given_as})["trap_oid"] == oid


@settings(deadline=None)
@given(st.from_regex(pattern_of("trap_oid"), fullmatch=True))
def test_whatever_oid_the_schema_takes_is_an_oid(text):
    oid = canonical({**GOOD, "trap_oid": text})["trap_oid"]
    assert oid is not None
    assert oid[0] in "012"


@pytest.mark.parametrize(
    ("given_as", "host"),
    [
        ("core-01", "core-01"),
        ("Core-01.", "Core-01"),
        ("2001:DB8:0:0::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("host:514", "host:514"),
        (".", "."),
        ("-", "-"),
    ],
)
def test_a_host_has_one_spelling(given_as, host):
    assert canonical({**GOOD, "hostname": given_as})["hostname"] == host


def test_a_trap_without_a_source_type_is_of_snmptrap():
    assert canonical({**GOOD, "trap_oid": "1.3.6"})["source_type"] == "snmptrap"
    assert canonical({**GOOD, "trap_oid": "1.3.6", "source_type": "solarwinds"})["source_type"] == "solarwinds"
    assert canonical({**GOOD, "source_type": None})["source_type"] == ""


def test_a_message_is_kept_to_the_letter():
    assert canonical({**GOOD, "message": " led by a blank\n"})["message"] == " led by a blank\n"


def test_real_events_are_parsed_validated_and_brought_into_canonical(shared_data):
    lines = [
        line for path in sorted((shared_data / "events").glob("*.jsonl")) for line in path.read_bytes().splitlines()
    ]
    items = parse_body(b"\n".join(lines)).items
    assert len(items) == len(lines) >= 5329
    valid = [item for item in items if not isinstance(item, Unreadable) and not faults_of(item)]
    assert len(lines) - 11 <= len(valid) < len(lines)
    forms = [canonical(event) for event in valid]
    assert sum(form["event_time"] is None for form in forms) == 0
    assert sum(form["syslog_severity"] is None for form in forms) == 0
