"""Large files are read as they are sent, not before."""

import io
import json
from datetime import UTC, datetime

import pytest

from mutt_project.muttctl.errors import MuttctlError
from mutt_project.muttctl.sources import HEAD_BYTES, Source, decode_leniently, open_source

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
EVENT = json.dumps({"message": "x" * 1000}).encode()


def opened(content: bytes) -> tuple[Source, io.BytesIO]:
    stream = io.BytesIO(content)
    return open_source(stream, "host", lambda: NOW), stream


@pytest.mark.parametrize(("line", "form"), [(EVENT, "ndjson"), (b"<13>Nov 23 08:00:00 h p: " + b"x" * 1000, "syslog")])
def test_lines_are_streamed(line: bytes, form: str) -> None:
    count = 4 * HEAD_BYTES // len(line)
    source, stream = opened(b"\n".join([line] * count))
    assert source.form == form
    assert stream.tell() <= HEAD_BYTES + len(line) + 1
    records = list(source.records)
    assert [record.position for record in records] == list(range(1, count + 1))
    assert sum(record.size for record in records) == len(line) * count + count - 1


def test_a_large_array_is_one_document() -> None:
    count = 2 * HEAD_BYTES // len(EVENT)
    source, _ = opened(b"[" + b",\n".join([EVENT] * count) + b"]")
    assert source.form == "json"
    assert len(list(source.records)) == count


def test_ndjson_with_a_large_first_line() -> None:
    large = json.dumps({"message": "x" * 2 * HEAD_BYTES}).encode()
    source, _ = opened(large + b"\n" + EVENT)
    assert source.form == "ndjson"
    assert [record.body for record in source.records] == [large, EVENT]


def test_a_large_file_that_only_begins_like_json() -> None:
    with pytest.raises(MuttctlError, match="not valid JSON"):
        opened(b"{broken\n" * HEAD_BYTES)


def test_a_lone_surrogate_in_an_array_survives() -> None:
    source, _ = opened(b'[{"message": "\\ud800 \\u00fc"}]')
    assert json.loads(next(source.records).body) == {"message": "\ud800 ü"}


def test_each_byte_that_is_not_utf_8_is_read_as_latin_1() -> None:
    assert decode_leniently("ü€".encode() + b"\xfc\x80\xff") == "ü€ü\x80ÿ"
