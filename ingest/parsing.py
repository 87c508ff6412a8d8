"""From the bytes of a request to events: one JSON object, a JSON array or NDJSON, told apart by the bytes.

One bad element never takes its neighbours along. What JSON allows and PostgreSQL cannot keep (NUL, lone
surrogates) and bytes that are not UTF-8 are replaced by visible characters.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

MAX_DEPTH = 32
_BOM = b"\xef\xbb\xbf"
_BLANKS = b" \t\r\n"
_SYMBOL_FOR_NULL = "\u2400"
_REPLACEMENT = "\ufffd"


class BodyError(ValueError):
    """The body as a whole cannot be read; the message says why."""


class TooManyError(ValueError):
    """The body has more lines than it may have events."""

    def __init__(self, lines: int) -> None:
        super().__init__(f"{lines} lines")
        self.lines = lines


@dataclass(frozen=True, slots=True)
class Unreadable:
    """One element of a body that is not JSON, or nested too deeply; `why` is for people."""

    why: str


@dataclass(frozen=True, slots=True)
class Body:
    """The elements of a body in order. `lone`: it was a single object, not a batch of one."""

    items: list[Any]
    lone: bool


def parse_body(body: bytes, most: int = 10_000) -> Body:
    """Read a body of at most `most` events. Raises BodyError if no event can be told from another, TooManyError."""
    body = body.removeprefix(_BOM).strip(_BLANKS)
    if not body:
        raise BodyError("The body is empty. Send a JSON object, a JSON array of objects, or NDJSON.")
    whole = _element(body)
    if isinstance(whole, list):
        return Body(whole, lone=False)
    if not isinstance(whole, Unreadable):
        return Body([whole], lone=True)
    if body.startswith(b"["):
        return Body(list(_array(body)), lone=False)
    return _lines(body, whole, most)


def _lines(body: bytes, whole: Unreadable, most: int) -> Body:
    if body.count(b"\n") > 2 * most:  # before any of it is read; half of the lines may be blank
        raise TooManyError(body.count(b"\n"))
    lines = [line for line in (line.strip(_BLANKS) for line in body.split(b"\n")) if line]
    if len(lines) == 1:
        return Body([whole], lone=True)
    items = [_single(line) for line in lines]
    if not any(isinstance(item, dict) for item in items):
        raise BodyError(f"The body is neither JSON nor NDJSON: {whole.why}")
    return Body(items, lone=False)


def _array(body: bytes) -> Iterator[Any]:
    """The elements of an array that cannot be read as a whole, each on its own."""
    text = body.decode("utf-8", "replace")
    decoder = json.JSONDecoder(parse_int=str)  # it only looks for ends; int() refuses numbers of many digits
    position, number = _skip(text, 1), 0
    while text[position : position + 1] != "]":
        try:
            _, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            raise BodyError(f"The array is broken at its element {number} (from 0): {_reason(error)}") from error
        yield _single(text[position:end].encode("utf-8", "replace"))
        position, number = _skip(text, end), number + 1
        if text[position : position + 1] == ",":
            position = _skip(text, position + 1)
        elif text[position : position + 1] != "]":
            raise BodyError(f"The array is broken behind its element {number - 1} (from 0): expected “,” or “]”.")
    if text[position + 1 :].strip():
        raise BodyError("There is something behind the array's end.")


def _skip(text: str, position: int) -> int:
    while text[position : position + 1] in {" ", "\t", "\r", "\n"}:
        position += 1
    return position


def _single(raw: bytes) -> Any:
    """One element of a body, be it an array: whose own depth `_element` leaves unchecked, since it may be the body."""
    value = _element(raw)
    return _checked(value) if isinstance(value, list) else value


def _element(raw: bytes) -> Any:
    """One JSON value, or why it is none; in an array that holds for each of its elements."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        value = _lenient(raw, error)
    # Depth comes first: `_clean` calls itself once a level.
    value = [_checked(item) for item in value] if isinstance(value, list) else _checked(value)
    return _clean(value) if b"\\u0000" in raw else value


def _lenient(raw: bytes, strict: ValueError) -> Any:
    """Another try for bytes that are not UTF-8 and for lone surrogates; else the strict parser's reason."""
    try:
        text = raw.decode("utf-8", "replace")
        if _REPLACEMENT not in text and "\\u" not in text:
            return Unreadable(_reason(strict))
        # Numbers by orjson in both looks: what it gives can be written again.
        return _clean(
            json.loads(text, parse_constant=_refuse_constant, parse_int=orjson.loads, parse_float=orjson.loads)
        )
    except (ValueError, RecursionError):
        return Unreadable(_reason(strict))


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        text = value.replace("\x00", _SYMBOL_FOR_NULL)
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return [_clean(item) for item in value] if isinstance(value, list) else value


def _checked(value: Any) -> Any:
    if isinstance(value, dict | list) and _deeper_than(value, MAX_DEPTH):
        return Unreadable(f"It is nested more than {MAX_DEPTH} levels deep.")
    return value


def _deeper_than(value: Any, levels: int) -> bool:
    children = value.values() if isinstance(value, dict) else value
    nested = [child for child in children if isinstance(child, dict | list)]
    return bool(nested) and (levels <= 1 or any(_deeper_than(child, levels - 1) for child in nested))


def _reason(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return str(error)
