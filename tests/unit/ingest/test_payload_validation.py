"""Each field of an event with good and bad values: where the fault is, and how to mend it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ingest.validation import EventError, faults_of, is_valid_at_first_sight, schema

GOOD = {"hostname": "core-router-01", "timestamp": "2026-11-23T08:30:00Z", "message": "it happened"}

GOOD_VALUES: dict[str, list[Any]] = {
    "hostname": [
        "a",
        "a" * 255,
        "core_router.example.net",
        "10.0.0.1",
        "2001:db8::7",
        "fe80::1%eth0",
        "slot1/host",
        "-",
        "Gerät-7",
        "host:514",
        "[::1]",
    ],
    "timestamp": [
        "2026-11-23T08:30:00Z",
        "2026-11-23t08:30:00z",
        "2026-11-23 08:30:00+01:00",
        "2026-11-23T08:30:00-0530",
        "2026-11-23T08:30:00.1Z",
        "2026-11-23T08:30:00,123456789+00:00",
        "9999-99-99T99:99:99Z",
    ],
    "message": ["", " ", "x" * 65_535, "two\nlines", "😀"],
    "syslog_severity": [
        "Emergency",
        "Alert",
        "Critical",
        "Error",
        "Warning",
        "Notice",
        "Info",
        "Debug",
        "emerg",
        "panic",
        "crit",
        "err",
        "warn",
        "informational",
        "0",
        "7",
        0,
        7,
        None,
    ],
    "trap_oid": ["1.3", "1.3.6.1.6.3.1.1.5.3", ".1.3.6.1", "iso.3.6.1", ".iso.3.6.1", "0.0", "2.999.1", None],
    "source_type": ["", "syslog", "x" * 100, None],
    "clear": [True, False, None],
    "alert_key": ["a", "x" * 255, "two words", None],
    "severity": ["anything", 99, {"of": "the source"}],
    "anything/else~": [None, [], {}],
}

BAD_VALUES: dict[str, list[Any]] = {
    "hostname": [
        "",
        "two words",
        " lead",
        "trail ",
        "line\nfeed",
        "line-feed\n",
        "tab\t",
        "nul\x00",
        "del\x7f",
        "a" * 256,
        None,
        5,
        True,
        ["a"],
        {},
        "nbsp\xa0x",
        "a b" * 200,
    ],
    "timestamp": [
        "",
        "now",
        "2026-11-23",
        "2026-11-23T08:30:00",
        "2026-11-23T08:30Z",
        "2026-11-23T08:30:00Z\n",
        "2026-11-23T08:30:00.Z",
        "2026-11-23T08:30:00.1234567890Z",
        " 2026-11-23T08:30:00Z",
        "26-11-23T08:30:00Z",
        "٢٠٢٦-11-23T08:30:00Z",
        1_795_000_000,
        None,
        ["2026-11-23T08:30:00Z"],
    ],
    "message": ["x" * 65_536, None, 5, ["a text"], {}],
    "syslog_severity": ["", "Fatal", "8", 8, -1, 2.5, True, False, "err\n", [], {}, "-1"],
    "trap_oid": [
        "",
        "1",
        "3.6.1",
        "1..3",
        "1.3.",
        "..1.3",
        "1.03",
        "1.3.6.1\n",
        "linkDown",
        "1.3.6.x",
        "1." + "3." * 500 + "1",
        1.3,
        13,
        [1, 3],
        "1.٣",
    ],
    "source_type": ["x" * 101, 5, ["syslog"], False],
    "clear": ["true", 1, 0, "", []],
    "alert_key": ["", "x" * 256, 5, False],
}

SENTENCES = {
    "hostname": "a name or IP address without blanks, 1 to 255 characters, e.g. core-router-01",
    "timestamp": "an RFC 3339 time, e.g. 2026-11-23T08:30:00Z",
    "message": "a text of at most 65,535 characters",
    "syslog_severity": "Emergency, Alert, Critical, Error, Warning, Notice, Info, Debug",
    "trap_oid": "numbers joined by dots, e.g. 1.3.6.1.6.3.1.1.5.3",
    "source_type": "a text of at most 100 characters, e.g. syslog",
    "clear": "true where the problem is over, else false or absent",
    "alert_key": "a text of 1 to 255 characters that names the problem at its source",
}


def cases(table: dict[str, list[Any]]) -> list[tuple[str, Any]]:
    return [(field, value) for field, values in table.items() for value in values]


def test_the_schema_is_itself_valid_json_schema_of_2020_12():
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize(("field", "value"), cases(GOOD_VALUES))
def test_a_good_value_is_taken(field, value):
    assert faults_of({**GOOD, field: value}) == []


@pytest.mark.parametrize(("field", "value"), cases(BAD_VALUES))
def test_a_bad_value_is_refused_once_with_its_place_and_what_would_be_good(field, value):
    (fault,) = faults_of({**GOOD, field: value})
    assert fault.pointer == f"/{field}"
    assert f" is not {SENTENCES[field]}" in fault.detail
    assert str(fault) == f"/{field}: {fault.detail}"
    assert len(fault.detail) < 300


@pytest.mark.parametrize("field", ["hostname", "timestamp", "message"])
def test_a_missing_field_is_named_with_what_to_send(field):
    (fault,) = faults_of({name: value for name, value in GOOD.items() if name != field})
    assert fault.pointer == f"/{field}"
    assert fault.detail.startswith(f"It is missing. Send {SENTENCES[field]}")


def test_all_faults_of_an_event_are_told_at_once():
    faults = faults_of({"hostname": "two words", "trap_oid": "x", "source_type": 1})
    assert sorted(fault.pointer for fault in faults) == [
        "/hostname",
        "/message",
        "/source_type",
        "/timestamp",
        "/trap_oid",
    ]


def test_a_bad_value_is_quoted_and_a_long_one_cut():
    assert faults_of({**GOOD, "hostname": "two words"})[0].detail.startswith('"two words" is not')
    (fault,) = faults_of({**GOOD, "message": "x" * 70_000})
    assert fault.detail.startswith('"xxx')
    assert "… (70002 characters) is not" in fault.detail


@pytest.mark.parametrize(
    ("value", "kind"),
    [([GOOD], "an array"), ("text", "a text"), (5, "a number"), (2.5, "a number"), (True, "a boolean")],
)
def test_what_is_no_object_is_no_event(value, kind):
    assert faults_of(value) == [EventError("", f"An event is a JSON object, not {kind}.", "not_an_object")]
    assert str(faults_of(None)[0]) == "An event is a JSON object, not null."


def test_a_fault_can_be_answered_as_json():
    assert EventError("/hostname", "It is missing.", "hostname_missing").as_json() == {
        "pointer": "/hostname",
        "detail": "It is missing.",
    }


# The seed's schema (roadmap §1); of its OIDs only those that are OIDs (X.660: no leading zeros, and no line feed).
SEED_EVENTS = st.fixed_dictionaries(
    {
        "hostname": st.from_regex(r"[a-zA-Z0-9._-]{1,255}", fullmatch=True),
        "timestamp": st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", fullmatch=True),
        "message": st.text(max_size=200),
    },
    optional={
        "syslog_severity": st.sampled_from(
            ["Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Info", "Debug"]
        ),
        "trap_oid": st.from_regex(r"1\.3\.6\.1(\.(0|[1-9][0-9]{0,9})){0,20}", fullmatch=True),
        "source_type": st.text(max_size=100),
        "vendor_field": st.integers() | st.text(max_size=5),
    },
)


@settings(deadline=None)
@given(SEED_EVENTS)
def test_whatever_the_seeds_schema_took_is_still_taken(event):
    assert faults_of(event) == []


@settings(deadline=None)
@given(st.datetimes(timezones=st.just(UTC)))
def test_the_iso_format_of_any_time_of_day_is_taken(moment: datetime):
    assert faults_of({**GOOD, "timestamp": moment.isoformat()}) == []


# What validators disagree about, if about anything: blanks beyond ASCII, 1 and 1.0 and true, huge numbers.
ODD_CHARACTERS = st.sampled_from(
    "a.-:%/1Z+T \t\n\x0b\x1c\x1f\x7f\x85\xa0\u1680\u180e\u200b\u2028\u3000\ufeff\u0130é😀ß٣"
)
ODD_TEXTS = st.text(ODD_CHARACTERS, max_size=6) | st.text(max_size=4)
ODD_VALUES = st.one_of(
    ODD_TEXTS,
    st.none() | st.booleans() | st.integers(-2, 9) | st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, -0.0, 3.0, 7.0, 1e308, 2.5]),
    st.lists(st.integers(0, 7), max_size=2) | st.dictionaries(st.sampled_from("ab"), st.integers(0, 7), max_size=2),
)


def nearly_good(field: str) -> st.SearchStrategy[Any]:
    """A value of the lists above, a piece of one with something odd put in, or something odd altogether."""
    known = GOOD_VALUES.get(field, []) + BAD_VALUES.get(field, [])
    texts = [value for value in known if isinstance(value, str) and len(value) < 60] or [""]
    mixed = st.tuples(st.sampled_from(texts), st.integers(0, 60), ODD_TEXTS).map(
        lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] :]
    )
    return st.sampled_from(known or [None]) | mixed | ODD_VALUES


FIELDS = list(schema()["properties"])


@settings(max_examples=1000, deadline=None)
@given(
    event=st.fixed_dictionaries({}, optional={field: nearly_good(field) for field in [*FIELDS, "other", "$ref"]})
    | st.fixed_dictionaries(
        {field: st.just(value) for field, value in GOOD.items()},
        optional={field: nearly_good(field) for field in FIELDS if field not in GOOD},
    )
    | ODD_VALUES
)
def test_the_compiled_validator_and_the_authority_never_differ(event):
    assert is_valid_at_first_sight(event) == Draft202012Validator(schema()).is_valid(event)


@pytest.mark.parametrize("field", FIELDS)
@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_the_validators_agree_on_every_single_field(field, data):
    event = {**GOOD, field: data.draw(nearly_good(field))}
    assert is_valid_at_first_sight(event) == Draft202012Validator(schema()).is_valid(event)


def test_lengths_count_characters_in_both_validators():
    for field, most in (("hostname", 255), ("message", 65_535), ("source_type", 100), ("alert_key", 255)):
        for extra in (0, 1):
            event = {**GOOD, field: "😀" * (most + extra)}
            assert is_valid_at_first_sight(event) == (extra == 0)
            assert Draft202012Validator(schema()).is_valid(event) == (extra == 0)


def test_what_the_compiled_validator_cannot_read_is_left_to_the_authority():
    assert not is_valid_at_first_sight({**GOOD, 5: 1})
