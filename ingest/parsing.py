"""From the bytes of a request to JSON values: one object, an array or NDJSON, told apart by the bytes.

One bad element never takes its neighbours along. What JSON allows and PostgreSQL cannot keep (NUL, lone
surrogates) and bytes that are not UTF-8 are replaced by visible characters.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from audit.storable import storable

MAX_DEPTH = 32
MAX_STRING = 65_535
TOO_DEEP = f"It is nested more than {MAX_DEPTH} levels deep."
_BOM = b"\xef\xbb\xbf"
_BLANKS = b" \t\r\n"
_REPLACEMENT = "\ufffd"


class BodyError(ValueError):
    """The body as a whole cannot be read; the message says why."""


class TooManyError(ValueError):
    """The body has more events than it may have."""

    def __init__(self, events: int) -> None:
        super().__init__(f"{events} events")
        self.events = events


@dataclass(frozen=True, slots=True)
class Unreadable:
    """One element of a body that is not JSON, or too deep, or too long; `why` is for people, `raw` what was sent."""

    code: str
    why: str
    raw: bytes
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Body:
    """The elements of a body in order. `lone`: it was a single value, not a batch of one."""

    items: list[Any]
    lone: bool


def parse_body(body: bytes, most: int = 10_000) -> Body:
    """Read a body of at most `most` events. Raises BodyError if no event can be told from another, TooManyError."""
    body = body.removeprefix(_BOM).strip(_BLANKS)
    if not body:
        raise BodyError("The body is empty. Send a JSON object, a JSON array of objects, or NDJSON.")
    whole = _value(body)
    if isinstance(whole, list):
        _check_number(len(whole), most)
        if not any(map(too_deep, whole)):
            return Body(whole, lone=False)
    elif not isinstance(whole, Unreadable):
        return Body([_checked(whole, body)], lone=True)
    if body.startswith(b"[") and not _is_line_of_array(body):
        return Body([_single(element) for element in _elements(body, most)], lone=False)
    return _lines(body, whole, most)


def _is_line_of_array(body: bytes) -> bool:
    """Whether an array ends with its line and more lines follow: NDJSON, if with an odd first line."""
    first, more, _ = body.partition(b"\n")
    return bool(more) and isinstance(_value(first.strip(_BLANKS)), list)


def _check_number(events: int, most: int) -> None:
    if events > most:
        raise TooManyError(events)


def _lines(body: bytes, whole: Unreadable, most: int) -> Body:
    _check_number(body.count(b"\n") // 2, most)  # before any of it is read; half of the lines may be blank
    lines = [line for line in (line.strip(_BLANKS) for line in body.split(b"\n")) if line]
    _check_number(len(lines), most)
    if len(lines) == 1:
        return Body([whole], lone=True)
    items = [_single(line) for line in lines]
    if not any(isinstance(item, dict) for item in items):
        raise BodyError(f"The body is neither JSON nor NDJSON: {whole.why}")
    return Body(items, lone=False)


_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["\[\]{},]', re.DOTALL)
_SIGN = re.compile(rb"[\[\]{},]")


def _tokens(body: bytes) -> Iterator[re.Match[bytes]]:
    """Texts and signs; only signs behind the quote of a text that does not end, for no other quote would end it."""
    for token in _TOKEN.finditer(body):
        if token.group() == b'"':
            yield from _SIGN.finditer(body, token.end())
            return
        yield token


def _elements(body: bytes, most: int) -> Iterator[bytes]:
    """The texts between the commas of an array that cannot be read as a whole, however deep they are nested."""
    depth, number, start = 0, 0, 1
    for token in _tokens(body):
        sign = token.group()
        if sign in b"[{":
            depth += 1
        elif sign in b"]}":
            depth -= 1
        if depth == 0:
            if body[token.end() :].strip(_BLANKS):
                raise BodyError("There is something behind the array's end.")
            last = body[start : token.start()].strip(_BLANKS)
            if last:  # nothing stands behind a comma too many
                yield last
            return
        if depth == 1 and sign == b",":
            yield body[start : token.start()].strip(_BLANKS)
            start, number = token.end(), number + 1
            _check_number(number, most)
    raise BodyError(f"The array is broken at its element {number} (from 0): it does not end.")


def _single(raw: bytes) -> Any:
    """One element of a body, checked; or why it is none."""
    value = _value(raw)
    return value if isinstance(value, Unreadable) else _checked(value, raw)


def _value(raw: bytes) -> Any:
    """One JSON value, or why it is none. Its depth is not checked yet, except where that would harm."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return _lenient(raw, error)
    # `storable` calls itself once a level; what is too deep is refused anyway.
    return storable(value) if b"\\u0000" in raw and not _deeper_than(value, MAX_DEPTH + 1) else value


def _lenient(raw: bytes, strict: ValueError) -> Any:
    """Another try for bytes that are not UTF-8 and for lone surrogates; else the strict parser's reason."""
    try:
        text = raw.decode("utf-8", "replace")
        if _REPLACEMENT not in text and "\\u" not in text:
            return _not_json(raw, strict)
        # Numbers by orjson in both looks: what it gives can be written again.
        return storable(
            json.loads(text, parse_constant=_refuse_constant, parse_int=orjson.loads, parse_float=orjson.loads)
        )
    except RecursionError:
        return _deep(raw)
    except ValueError:
        return _not_json(raw, strict)


def _not_json(raw: bytes, error: ValueError) -> Unreadable:
    if "depth limit" in str(error):
        return _deep(raw)
    return Unreadable("not_json", f"It is not JSON: {error}.", raw)


def _deep(raw: bytes) -> Unreadable:
    return Unreadable("too_deep", TOO_DEEP, raw)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _checked(value: Any, raw: bytes) -> Any:
    return _deep(raw) if too_deep(value) else value


def too_deep(value: Any) -> bool:
    """Whether a value is nested more than MAX_DEPTH levels deep."""
    return _deeper_than(value, MAX_DEPTH)


_CONTAINERS = frozenset((dict, list))  # parsers make no others


def _deeper_than(value: Any, levels: int) -> bool:
    if type(value) not in _CONTAINERS:
        return False
    children = value.values() if type(value) is dict else value
    if _CONTAINERS.isdisjoint(map(type, children)):  # most events are flat
        return False
    return levels <= 1 or any(_deeper_than(child, levels - 1) for child in children)


def too_long(value: Any, most: int = MAX_STRING, pointer: str = "") -> str | None:
    """The JSON Pointer (RFC 6901) of the first text or name in a value that is longer than `most`; else None."""
    if isinstance(value, str):
        return pointer if len(value) > most else None
    if isinstance(value, dict):
        for name, item in value.items():
            if len(name) > most:
                return pointer or "/"
            found = too_long(item, most, f"{pointer}/{escaped(name)}")
            if found is not None:
                return found
    elif isinstance(value, list):
        for number, item in enumerate(value):
            found = too_long(item, most, f"{pointer}/{number}")
            if found is not None:
                return found
    return None


def escaped(name: str) -> str:
    """A name as a part of a JSON Pointer."""
    return name.replace("~", "~0").replace("/", "~1")
