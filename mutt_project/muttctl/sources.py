"""What a file holds, told from its bytes: a JSON document, NDJSON, or plain syslog lines."""

import codecs
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from itertools import chain
from typing import BinaryIO, Literal

from ingest.syslog_lines import parse_line
from mutt_project.muttctl.errors import MuttctlError
from mutt_project.muttctl.output import one_line

# Enough to tell the kinds apart; only a JSON array is ever read whole.
HEAD_BYTES = 1 << 20

_JSON_START = re.compile(rb"\s*(?:\{|\[\s*[{\]])")
_ARRAY_START = re.compile(rb"\s*\[")
# Python keeps an undecodable byte as a surrogate; here it becomes the Latin-1 character it most likely is.
_LATIN_1 = {0xDC00 + byte: byte for byte in range(0x80, 0x100)}


@dataclass(frozen=True)
class Record:
    """One event as a line of NDJSON; `position` is its line or item in the file, from 1."""

    position: int
    body: bytes
    size: int


@dataclass(frozen=True)
class Source:
    """The events of a file in order; `unit` is what positions count."""

    form: Literal["json", "ndjson", "syslog"]
    unit: Literal["item", "line"]
    records: Iterator[Record]


def open_source(stream: BinaryIO, default_host: str, clock: Callable[[], datetime]) -> Source:
    """Look at the beginning of the stream; the rest is read as the records are taken."""
    head = stream.read(HEAD_BYTES)
    is_whole = len(head) < HEAD_BYTES
    head = head.removeprefix(codecs.BOM_UTF8)
    begins_like_json = bool(_JSON_START.match(head))
    fault = f"no line of its first {HEAD_BYTES:,} bytes is"
    if begins_like_json:
        if _ARRAY_START.match(head):
            head, is_whole = head + stream.read(), True
        if is_whole:
            try:
                return Source("json", "item", _document(head))
            except (ValueError, RecursionError) as error:
                fault = one_line(str(error))
    if not is_whole:
        head += stream.readline()
    lines = _numbered(chain(BytesIO(head), stream))
    if any(_is_json_object(line) for line in BytesIO(head)):
        return Source("ndjson", "line", (Record(number, text.encode(), size) for number, text, size in lines))
    if begins_like_json:
        # As syslog lines, the pieces of a broken document would page people.
        raise MuttctlError(f"The file begins like JSON but is not valid JSON: {fault}.")
    return Source("syslog", "line", _syslog_records(lines, default_host, clock))


def decode_leniently(raw: bytes) -> str:
    """UTF-8, with each byte that is not UTF-8 read as Latin-1."""
    return raw.decode("utf-8", "surrogateescape").translate(_LATIN_1)


def _document(content: bytes) -> Iterator[Record]:
    document = json.loads(decode_leniently(content))
    events = document if isinstance(document, list) else [document]
    share = len(content) // max(len(events), 1)
    # Escaped, for a lone surrogate in the document has no UTF-8 form.
    return (Record(number, json.dumps(event).encode(), share) for number, event in enumerate(events, 1))


def _numbered(lines: Iterable[bytes]) -> Iterator[tuple[int, str, int]]:
    """Number, text and size of every line that is not blank."""
    for number, line in enumerate(lines, 1):
        text = decode_leniently(line).strip()
        if text:
            yield number, text, len(line)


def _syslog_records(
    lines: Iterator[tuple[int, str, int]], default_host: str, clock: Callable[[], datetime]
) -> Iterator[Record]:
    for number, text, size in lines:
        event = parse_line(text, clock(), default_host)
        yield Record(number, json.dumps(event, ensure_ascii=False).encode(), size)


def _is_json_object(line: bytes) -> bool:
    if not line.lstrip().startswith(b"{"):
        return False
    try:
        return isinstance(json.loads(decode_leniently(line)), dict)
    except (ValueError, RecursionError):
        return False
