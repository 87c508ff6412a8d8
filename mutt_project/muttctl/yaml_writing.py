"""YAML as people write it, whose texts survive exactly: what could be taken for anything else stands in quotes."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./()%+-]*(?: [A-Za-z0-9_./()%+-]+)*")
# YAML 1.1, which other programs read, takes these for booleans and null.
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


def write_yaml(value: Any, indent: int = 0) -> Iterator[str]:
    """The lines of a mapping or a list that is not empty."""
    margin = " " * indent
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield f"{margin}{_quoted(str(key))}:{_after_key(item, indent)}"
        return
    for item in value:
        if _has_items(item):
            first, *others = write_yaml(item, indent + 2)
            yield f"{margin}- {first.removeprefix(margin + '  ')}"
            yield from others
        else:
            yield f"{margin}- {_scalar(item, indent)}"


def _after_key(value: Any, indent: int) -> str:
    if _has_items(value):
        return "\n" + "\n".join(write_yaml(value, indent + 2))
    return f" {_scalar(value, indent)}"


def _has_items(value: Any) -> bool:
    return isinstance(value, Mapping | list) and bool(value)


def _scalar(value: Any, indent: int) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _block(value, indent + 2) or _quoted(value)
    return str(value)  # a number, [] or {}


def _block(text: str, indent: int) -> str:
    """A text of several lines as such, where no blank or control character could be lost or seem lost."""
    end = "" if text.endswith("\n") else "-"
    lines = text.removesuffix("\n").split("\n")
    if "\n" not in text or not lines[0] or not lines[-1] or lines[0].startswith(" "):
        return ""
    if not all(line.isprintable() and line == line.rstrip() for line in lines):
        return ""
    return "\n".join([f"|{end}", *(" " * indent + line if line else "" for line in lines)])


def _quoted(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    if text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(_ESCAPES.get(letter) or _escaped(letter) for letter in text) + '"'


def _escaped(letter: str) -> str:
    if letter.isprintable():
        return letter
    code = ord(letter)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - what four digits hold
