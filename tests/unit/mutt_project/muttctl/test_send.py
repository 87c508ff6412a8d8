"""`muttctl send`: what is sent for which file, and what is said about it."""

import json
import re
from pathlib import Path

import pytest

from tests.unit.mutt_project.muttctl.stub_api import Answer, Muttctl, StubApi, problem


def event(message: str = "m") -> dict[str, object]:
    return {"hostname": "h", "timestamp": "2026-11-23T08:00:00Z", "message": message}


def ndjson(count: int) -> bytes:
    return b"".join(json.dumps(event(str(number))).encode() + b"\n" for number in range(1, count + 1))


def send(muttctl: Muttctl, content: bytes, *options: str) -> tuple[int, dict[str, object]]:
    result = muttctl("send", "-", "-o", "json", *options, stdin=content)
    return result.exit_code, json.loads(result.stdout)


@pytest.mark.parametrize(
    ("content", "form", "count"),
    [
        (json.dumps(event()).encode(), "json", 1),
        (json.dumps(event(), indent=2).encode(), "json", 1),
        (b"\xef\xbb\xbf \n" + json.dumps([event()] * 3).encode(), "json", 3),
        (json.dumps([event()] * 3, indent=2).encode(), "json", 3),
        (b"[]", "json", 0),
        (ndjson(3), "ndjson", 3),
        (b"\xef\xbb\xbf" + ndjson(2).replace(b"\n", b"\r\n\r\n"), "ndjson", 2),
        (ndjson(2).rstrip(), "ndjson", 2),
        (b"<13>Nov 23 08:00:00 h p: one\nsecond {line}\n\n", "syslog", 2),
        (b"[1334609999] EXTERNAL COMMAND\n[1, 2]\n12\n", "syslog", 3),
        (b"", "syslog", 0),
        (b"\n \n", "syslog", 0),
    ],
)
def test_kinds_are_told_from_the_bytes(api: StubApi, muttctl: Muttctl, content: bytes, form: str, count: int) -> None:
    exit_code, summary = send(muttctl, content)
    assert exit_code == 0
    assert summary == {"format": form, "sent": count, "accepted": count, "rejected": 0, "reasons": []}
    assert len(api.received()) == count


def test_batches_are_full_and_in_order(api: StubApi, muttctl: Muttctl) -> None:
    exit_code, _ = send(muttctl, ndjson(25), "--batch-size", "10")
    assert exit_code == 0
    assert [len(batch) for batch in api.batches()] == [10, 10, 5]
    assert [found["message"] for found in api.received()] == [str(number) for number in range(1, 26)]
    assert api.asked[0].headers["Content-Type"] == "application/x-ndjson"


@pytest.mark.parametrize("size", ["0", "1001", "x"])
def test_batch_sizes_that_are_refused(muttctl: Muttctl, size: str) -> None:
    assert muttctl("send", "-", "--batch-size", size, stdin=b"").exit_code == 2


def test_syslog_lines_become_events(api: StubApi, muttctl: Muttctl) -> None:
    content = b"<11>1 2026-11-23T08:00:00+01:00 sw1 app 7 - - caf\xe9 caf\xc3\xa9\nno header\n"
    assert send(muttctl, content, "--hostname", "edge")[0] == 0
    first, second = api.received()
    assert first == {
        "hostname": "sw1",
        "timestamp": "2026-11-23T07:00:00Z",
        "message": "café café",
        "source_type": "syslog",
        "syslog_severity": "Error",
        "program": "app",
        "procid": "7",
    }
    assert (second["hostname"], second["message"]) == ("edge", "no header")


def test_lines_without_a_host_are_from_this_machine(api: StubApi, muttctl: Muttctl) -> None:
    send(muttctl, b"no header\n")
    assert api.received()[0]["hostname"]


def test_a_latin_1_byte_in_ndjson_is_mended(api: StubApi, muttctl: Muttctl) -> None:
    content = ndjson(1) + json.dumps(event("X")).encode().replace(b"X", b"caf\xe9")
    assert send(muttctl, content)[0] == 0
    assert api.received()[1]["message"] == "café"


def test_a_broken_line_is_sent_as_it_is_and_its_reason_shown(api: StubApi, muttctl: Muttctl) -> None:
    content = b"garbage \xe9\n\n" + ndjson(1) + b'{"hostname": "h",\n{"hostname": "h"}\n'
    exit_code, summary = send(muttctl, content)
    assert exit_code == 1
    assert api.batches()[0][0] == "garbage é"
    assert summary == {
        "format": "ndjson",
        "sent": 4,
        "accepted": 1,
        "rejected": 3,
        "reasons": [
            {"line": 1, "reason": "not valid JSON"},
            {"line": 4, "reason": "not valid JSON"},
            {"line": 5, "reason": "/timestamp: is missing"},
        ],
    }


def test_a_lone_bad_event_is_rejected_with_its_reason(muttctl: Muttctl) -> None:
    exit_code, summary = send(muttctl, b'[{"hostname": "h"}]')
    assert exit_code == 1
    assert (summary["sent"], summary["rejected"]) == (1, 1)
    assert summary["reasons"] == [{"item": 1, "reason": "/timestamp: is missing"}]


def test_the_last_batch_may_be_a_lone_bad_event(api: StubApi, muttctl: Muttctl) -> None:
    exit_code, summary = send(muttctl, ndjson(2) + b"{}\n" + ndjson(1), "--batch-size", "1")
    assert exit_code == 1
    assert (summary["sent"], summary["accepted"], summary["rejected"]) == (4, 3, 1)
    assert len(api.asked) == 4


def test_the_table_shows_the_first_ten_reasons(muttctl: Muttctl) -> None:
    result = muttctl("send", "-", stdin=ndjson(1) + b"{}\n" * 12)
    assert result.exit_code == 1
    assert re.search(r"rejected: +12\b", result.stdout)
    assert "Reason (the first 10)" in result.stdout
    assert re.search(r"^ *11  /hostname: is missing", result.stdout, re.MULTILINE)
    assert not re.search(r"^ *12 ", result.stdout, re.MULTILINE)
    assert max(map(len, result.stdout.splitlines())) <= 80


@pytest.mark.parametrize("content", [b'{"hostname": "h",', b'[{"hostname": "h"},\n{"message": ', b"[{]", b"{" * 9999])
def test_broken_json_is_not_sent_as_syslog(api: StubApi, muttctl: Muttctl, content: bytes) -> None:
    result = muttctl("send", "-", stdin=content)
    assert result.exit_code == 1
    assert "not valid JSON" in result.stderr
    assert api.asked == []


def test_a_body_that_is_too_large_goes_in_halves(api: StubApi, muttctl: Muttctl) -> None:
    api.max_body = 300
    exit_code, summary = send(muttctl, ndjson(3) + json.dumps(event("x" * 500)).encode() + b"\n" + ndjson(4))
    assert exit_code == 1
    assert (summary["sent"], summary["accepted"]) == (8, 7)
    assert summary["reasons"] == [{"line": 4, "reason": "The body is too large."}]


def test_a_busy_api_is_tried_again(api: StubApi, muttctl: Muttctl) -> None:
    api.scripted = [Answer(503, None, {"Retry-After": "0"})]
    result = muttctl("send", "-", stdin=ndjson(2))
    assert result.exit_code == 0
    assert "trying again in 1 s (try 2 of 5)" in result.stderr
    assert api.batches() == [api.batches()[0]] * 2


@pytest.mark.parametrize(
    ("answer", "exit_code"),
    [
        (problem(401, "Unauthorized", "The key was revoked."), 4),
        (problem(500, "Internal Server Error", "Oh."), 3),
        (Answer(202, {"ok": True}), 3),
    ],
)
def test_a_failure_in_the_middle_says_how_far_it_came(
    api: StubApi, muttctl: Muttctl, answer: Answer, exit_code: int
) -> None:
    fine = {"batch": "b", "accepted": 10, "rejected": 0, "events": [{"id": "i"}] * 10}
    api.scripted = [Answer(202, fine), answer]
    result = muttctl("send", "-", "--batch-size", "10", "-o", "json", stdin=ndjson(30))
    assert result.exit_code == exit_code
    assert "Stopped after line 10" in result.stderr
    assert json.loads(result.stdout)["accepted"] == 10
    assert len(api.asked) == 2


def test_a_refusal_at_once_has_no_summary(api: StubApi, muttctl: Muttctl) -> None:
    api.scripted = [problem(401, "Unauthorized", "Unknown key.")]
    result = muttctl("send", "-", stdin=ndjson(3))
    assert (result.exit_code, result.stdout) == (4, "")


def test_events_that_the_answer_does_not_count_are_a_failure(api: StubApi, muttctl: Muttctl) -> None:
    api.scripted = [Answer(202, {"batch": "b", "accepted": 2, "rejected": 0, "events": []})]
    assert send(muttctl, ndjson(3))[0] == 1


def test_a_file_that_is_not_there(muttctl: Muttctl) -> None:
    result = muttctl("send", "missing.ndjson")
    assert result.exit_code == 2
    assert "missing.ndjson" in result.stderr


def test_an_empty_file(muttctl: Muttctl) -> None:
    result = muttctl("send", "-", stdin=b"")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "There are no events in it.\n")


def test_line_numbers_hold_beyond_the_first_megabyte(api: StubApi, muttctl: Muttctl, tmp_path: Path) -> None:
    line = json.dumps(event("x" * 1000)).encode() + b"\n"
    count = (1 << 20) // len(line) + 50
    file = tmp_path / "large.ndjson"
    file.write_bytes(line * count + b"{}\n")
    api.max_body = 10_000_000
    result = muttctl("send", str(file), "--batch-size", "1000", "-o", "json")
    assert result.exit_code == 1
    summary = json.loads(result.stdout)
    assert (summary["sent"], summary["accepted"]) == (count + 1, count)
    assert summary["reasons"] == [{"line": count + 1, "reason": "/hostname: is missing"}]
