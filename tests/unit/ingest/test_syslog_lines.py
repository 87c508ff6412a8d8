"""Syslog lines of every form become events, whatever is wrong with them."""

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.notes import Note
from ingest.syslog_lines import SEVERITIES, parse_line, read_line, severity_within
from mutt_project.muttctl.sources import decode_leniently

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NO_YEAR, NO_ZONE = Note.TIMESTAMP_WITHOUT_YEAR, Note.TIMESTAMP_WITHOUT_ZONE
NOW_TEXT = "2026-11-23T12:00:00Z"
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")


def parsed(line: str, now: datetime = NOW) -> tuple[object, ...]:
    """Host, time, program, process and message."""
    event = parse_line(line, now, "default")
    return tuple(event.get(key) for key in ("hostname", "timestamp", "program", "procid", "message"))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        # RFC 3164
        (
            "<34>Oct 11 22:14:15 mymachine su: failed",
            ("mymachine", "2026-10-11T22:14:15Z", "su", None, "failed"),
        ),
        ("Oct  1 02:14:15 h sshd[42]: a: b", ("h", "2026-10-01T02:14:15Z", "sshd", "42", "a: b")),
        ("Oct  1 02:14:15 h a/b(c)[42]: x", ("h", "2026-10-01T02:14:15Z", "a/b(c)", "42", "x")),
        ("Oct  1 02:14:15 h no tag here: x", ("h", "2026-10-01T02:14:15Z", None, None, "no tag here: x")),
        (
            "Oct  1 02:14:15 10.1.1.1 %ASA-6-1: x",
            ("10.1.1.1", "2026-10-01T02:14:15Z", None, None, "%ASA-6-1: x"),
        ),
        ("Oct  1 02:14:15 2001:db8::7 p: x", ("2001:db8::7", "2026-10-01T02:14:15Z", "p", None, "x")),
        ("Oct  1 02:14:15 fe80::1%eth0 p: x", ("fe80::1%eth0", "2026-10-01T02:14:15Z", "p", None, "x")),
        ("Oct  1 02:14:15 slot1/bigip p: x", ("slot1/bigip", "2026-10-01T02:14:15Z", "p", None, "x")),
        ("Oct  1 02:14:15 kernel: x", ("default", "2026-10-01T02:14:15Z", "kernel", None, "x")),
        ("Oct  1 02:14:15 sshd[1]: x", ("default", "2026-10-01T02:14:15Z", "sshd", "1", "x")),
        ("Oct  1 02:14:15 h p:", ("h", "2026-10-01T02:14:15Z", "p", None, "Oct  1 02:14:15 h p:")),
        ("Oct  1 02:14:15 schalter-süd p: x", ("schalter-süd", "2026-10-01T02:14:15Z", "p", None, "x")),
        # … with a year
        ("Mar 09 2017 10:25:04 fw : %ASA-6-1: x", ("fw", "2017-03-09T10:25:04Z", None, None, "%ASA-6-1: x")),
        ("Aug 15 2019 13:44:38: %ASA-6-1: x", ("default", "2019-08-15T13:44:38Z", None, None, "%ASA-6-1: x")),
        (
            "<190>2018 Apr 20 13:15:07 nx %ETH-5-X: y",
            ("nx", "2018-04-20T13:15:07Z", None, None, "%ETH-5-X: y"),
        ),
        ("Oct  1 02:14:15 2024 h p: x", ("h", "2024-10-01T02:14:15Z", "p", None, "x")),
        # Cisco
        (
            "<189>521: r1: *Nov 14 08:30:56.699: %L-5-C: x",
            ("r1", "2026-11-14T08:30:56.699Z", None, None, "%L-5-C: x"),
        ),
        (
            "<189>7: Nov 14 08:30:56 CET: %L-5-C: x",
            ("default", "2026-11-14T07:30:56Z", None, None, "%L-5-C: x"),
        ),
        (
            "<189>7: r1: 000034: *Nov 14 08:30:56 UTC: %L-5-C: x",
            ("r1", "2026-11-14T08:30:56Z", None, None, "%L-5-C: x"),
        ),
        ("<187>Nov 14 08:30:56 UTC r1 app: x", ("r1", "2026-11-14T08:30:56Z", "app", None, "x")),
        ("<187>: 2026 Nov 14 08:30:56 UTC: %L-5-C: x", ("default", "2026-11-14T08:30:56Z", None, None, "%L-5-C: x")),
        ("<166>:Nov 14 08:30:56 EST: %ASA-6-1: x", ("default", "2026-11-14T13:30:56Z", None, None, "%ASA-6-1: x")),
        (
            "<149>26: RP/0/RP0/CPU0:Nov 14 08:30:56.5 UTC: bgp[7]: %R-5-M : x",
            ("default", "2026-11-14T08:30:56.5Z", "bgp", "7", "%R-5-M : x"),
        ),
        # FortiGate
        (
            '<189>date=2026-11-14 time=08:30:56 devname="wall-3" devid="F1" tz="+0100" msg="x"',
            (
                "wall-3",
                "2026-11-14T07:30:56Z",
                None,
                None,
                'date=2026-11-14 time=08:30:56 devname="wall-3" devid="F1" tz="+0100" msg="x"',
            ),
        ),
        (
            "date=2026-11-14 time=08:30:56 level=notice",
            ("default", "2026-11-14T08:30:56Z", None, None, "date=2026-11-14 time=08:30:56 level=notice"),
        ),
        # AIX, and what a syslogd says of a repeated message
        (
            "Nov 14 08:30:56 Message forwarded from aix7: su: x",
            ("aix7", "2026-11-14T08:30:56Z", "su", None, "x"),
        ),
        (
            "Nov 14 08:30:56 last message repeated 3 times",
            ("default", "2026-11-14T08:30:56Z", None, None, "last message repeated 3 times"),
        ),
        (
            "Nov 14 08:30:56 h last message repeated 3 times",
            ("h", "2026-11-14T08:30:56Z", None, None, "last message repeated 3 times"),
        ),
        (
            "<149>26: vmx RP/0/RSP1/CPU0:Mar 28 15:08:30.941 UTC: bgp[1051]: %R-5-M : x",
            ("vmx", "2026-03-28T15:08:30.941Z", "bgp", "1051", "%R-5-M : x"),
        ),
        # ISO
        (
            "2023-10-05T11:47:20.799042+02:00 leto kernel: [1.2] x",
            ("leto", "2023-10-05T09:47:20.799042Z", "kernel", None, "[1.2] x"),
        ),
        ("2023-10-05 11:47:20,5 leto p: x", ("leto", "2023-10-05T11:47:20.5Z", "p", None, "x")),
        ("2023-10-05T11:47:20-0530 leto p: x", ("leto", "2023-10-05T17:17:20Z", "p", None, "x")),
        ("2018-7-23 01:00:34.270.1 sw %%01IF: x", ("sw", "2018-07-23T01:00:34.27Z", None, None, "%%01IF: x")),
        (
            "2025-12-31T17:40:00.000000170+01:00 stdout F {}",
            ("default", "2025-12-31T16:40:00Z", None, None, "{}"),
        ),
        (
            "2020-04-16T05:13:41Z 345 [Note] x",
            ("default", "2020-04-16T05:13:41Z", None, None, "345 [Note] x"),
        ),
        # RFC 5424
        (
            '<165>1 2003-10-11T22:14:15.003Z h.example.com evntslog - ID47 [a@1 b="c]\\""][d] \ufeffAn event',
            ("h.example.com", "2003-10-11T22:14:15.003Z", "evntslog", None, "An event"),
        ),
        ("<13>1 2003-10-11T22:14:15-07:00 h p 8 - - x", ("h", "2003-10-12T05:14:15Z", "p", "8", "x")),
        ("<13>1 - - - - - - x", ("default", NOW_TEXT, None, None, "x")),
        ("<13>1 - - - - - - ", ("default", NOW_TEXT, None, None, "<13>1 - - - - - -")),
        ("<13>1 - h p - - [broken x", ("h", NOW_TEXT, "p", None, "[broken x")),
        # Anything else
        ("just words", ("default", NOW_TEXT, None, None, "just words")),
        ("<30>just words", ("default", NOW_TEXT, None, None, "just words")),
        ("<192>just words", ("default", NOW_TEXT, None, None, "<192>just words")),
        ("<30>", ("default", NOW_TEXT, None, None, "<30>")),
        ("", ("default", NOW_TEXT, None, None, "")),
    ],
)
def test_forms(line: str, expected: tuple[object, ...]) -> None:
    assert parsed(line) == expected


@pytest.mark.parametrize("pri", range(192))
def test_severity_is_the_lower_three_bits(pri: int) -> None:
    event = parse_line(f"<{pri}>Oct  1 02:14:15 h p: x", NOW, "default")
    assert event["syslog_severity"] == SEVERITIES[pri % 8]
    assert event["source_type"] == "syslog"


def test_without_a_pri_there_is_no_severity() -> None:
    assert "syslog_severity" not in parse_line("Oct  1 02:14:15 h p: x", NOW, "default")


@pytest.mark.parametrize(
    ("message", "severity"),
    [
        ("%LINK-3-UPDOWN: x", "Error"),
        ("%ASA-6-302013: x", "Info"),
        ("%DAEMON-SYS-2-X: x", "Critical"),
        ("%%01IFNET/4/IF_STATE(l): x", "Warning"),
        ("100%-3-X", None),
        ("%LINK-8-UPDOWN: x", None),
        ("%d-3-items", None),
    ],
)
def test_without_a_pri_a_mnemonic_tells_the_severity(message: str, severity: str | None) -> None:
    assert severity_within(message) == severity
    assert parse_line(f"Oct  1 02:14:15 h {message}", NOW, "default").get("syslog_severity") == severity


def test_a_mnemonic_does_not_override_the_pri() -> None:
    assert parse_line("<190>Oct  1 02:14:15 h %LINK-3-UPDOWN: x", NOW, "default")["syslog_severity"] == "Info"


@pytest.mark.parametrize(
    ("line", "timestamp", "notes"),
    [
        ("Jul  1 02:00:00 h p: x", "2026-07-01T00:00:00Z", {NO_YEAR, NO_ZONE}),
        ("Jul  1 2025 02:00:00 h p: x", "2025-07-01T00:00:00Z", {NO_ZONE}),
        ("7: r1: Jul  1 02:00:00 UTC: %L-5-C: x", "2026-07-01T02:00:00Z", {NO_YEAR}),
        ("2026-07-01T02:00:00 h p: x", "2026-07-01T00:00:00Z", {NO_ZONE}),
        ("2026-07-01T02:00:00Z h p: x", "2026-07-01T02:00:00Z", set()),
        ("<13>1 2026-07-01T02:00:00+02:00 h p - - - x", "2026-07-01T00:00:00Z", set()),
        ("<13>1 - h p - - - x", NOW_TEXT, {Note.TIMESTAMP_MISSING}),
        ("<13>1 2026-07-32T02:00:00Z h p - - - x", NOW_TEXT, {Note.TIMESTAMP_UNREADABLE}),
        ("Jul 32 02:00:00 h p: x", NOW_TEXT, {Note.TIMESTAMP_UNREADABLE}),
        ("Jul  1 02:00:00 p: x", "2026-07-01T00:00:00Z", {NO_YEAR, NO_ZONE, Note.HOSTNAME_FROM_SENDER}),
        ("<13>1 2026-07-01T02:00:00Z - p - - - x", "2026-07-01T02:00:00Z", {Note.HOSTNAME_FROM_SENDER}),
        ("words", NOW_TEXT, {Note.TIMESTAMP_MISSING, Note.HOSTNAME_FROM_SENDER}),
    ],
)
def test_what_was_assumed_is_noted(line: str, timestamp: str, notes: set[Note]) -> None:
    event, said = read_line(line, NOW, "default", ZoneInfo("Europe/Berlin"))
    assert (event["timestamp"], set(said)) == (timestamp, notes)


def test_message_id_and_structured_data_are_kept() -> None:
    event = parse_line('<13>1 - h p - ID47 [a@1 b="c"] x', NOW, "default")
    assert (event["msgid"], event["structured_data"]) == ("ID47", '[a@1 b="c"]')


@pytest.mark.parametrize(
    ("date", "now", "expected"),
    [
        ("Nov 24 11:00:00", NOW, "2026-11-24T11:00:00Z"),
        ("Nov 24 13:00:00", NOW, "2025-11-24T13:00:00Z"),
        ("Dec 31 23:00:00", datetime(2027, 1, 1, 1, tzinfo=UTC), "2026-12-31T23:00:00Z"),
        ("Jan  1 00:00:05", datetime(2026, 12, 31, 23, 59, tzinfo=UTC), "2027-01-01T00:00:05Z"),
        ("Feb 29 10:00:00", datetime(2028, 3, 1, tzinfo=UTC), "2028-02-29T10:00:00Z"),
        ("Feb 29 10:00:00", datetime(2029, 1, 9, tzinfo=UTC), "2028-02-29T10:00:00Z"),
        (
            "Nov 23 12:00:00",
            datetime(2026, 11, 23, 23, tzinfo=timezone(timedelta(hours=9))),
            "2026-11-23T12:00:00Z",
        ),
    ],
)
def test_a_date_more_than_a_day_ahead_is_last_year_s(date: str, now: datetime, expected: str) -> None:
    assert parsed(f"{date} h p: x", now)[1] == expected


@pytest.mark.parametrize(
    "time",
    [
        "Feb 30 10:00:00",
        "Feb 29 10:00:00",
        "Nov 00 10:00:00",
        "Nov  1 25:00:00",
        "Nov  1 10:60:00",
        "Feb 30 2024 10:00:00",
        "Nov  1 0000 10:00:00",
        "2026-02-30T10:00:00Z",
        "2026-02-03T10:00:00+99:00",
        "0001-01-01T00:00:00+10:00",
        "9999-12-31T23:59:59-10:00",
    ],
)
def test_a_time_that_does_not_exist_is_now_and_the_host_stays(time: str) -> None:
    assert parsed(f"{time} h p: x") == ("h", NOW_TEXT, "p", None, "x")


@settings(deadline=None)
@given(
    st.text(),
    st.sampled_from(["", "<13>", "<13>1 ", "Nov  1 10:00:00 ", "2026-11-01T10:00:00.1Z ", "1: r: "]),
)
def test_no_text_raises(text: str, start: str) -> None:
    event = parse_line(start + text, NOW, "default")
    assert event["hostname"]
    assert TIMESTAMP.fullmatch(str(event["timestamp"]))


@pytest.mark.timeout(20)
@pytest.mark.parametrize("evil", ["a.", "[a]", 'a="', "A/", "1", "- ", "Jan 1 ", ": ", "%A-", 'devname="', "1: "])
@pytest.mark.parametrize(
    "start", ["", "<13>1 - h p 1 m [", "Nov  1 10:00:00 ", "x A", "date=2026-11-14 time=08:30:56 "]
)
def test_long_lines_take_no_long_time(start: str, evil: str) -> None:
    assert parse_line(start + evil * 50_000, NOW, "default")["hostname"]


def real_events(shared_data: Path) -> list[dict[str, object]]:
    lines = [
        decode_leniently(line)
        for file in sorted((shared_data / "syslog").glob("*.log"))
        for line in file.read_bytes().split(b"\n")
        if line.strip()
    ]
    return [parse_line(line, NOW, "default") for line in lines]


def test_real_lines_have_a_host_and_a_time(shared_data: Path) -> None:
    events = real_events(shared_data)
    assert all(TIMESTAMP.fullmatch(str(event["timestamp"])) for event in events)
    assert all(event["hostname"] and event["message"] for event in events)
    assert sum(event["hostname"] == "default" for event in events) < 0.05 * len(events)
    assert sum(event["timestamp"] == NOW_TEXT for event in events) < 0.02 * len(events)


def test_real_lines_have_the_hosts_which_rsyslog_saw(shared_data: Path) -> None:
    theirs: Counter[str] = Counter()
    for line in (shared_data / "events" / "rsyslog_8.2302_omfile_events.jsonl").read_bytes().splitlines():
        try:
            theirs[json.loads(decode_leniently(line))["hostname"]] += 1
        except ValueError:
            continue
    events = real_events(shared_data)
    ours = Counter(str(event["hostname"]) for event in events)
    assert (theirs & ours).total() > 0.95 * len(events)
