"""The characters that expressions tell apart, and how a text beyond ASCII is encoded by them; see `regex.py`."""

import re
from dataclasses import dataclass
from functools import cache, cached_property

# What matches an ASCII letter under (?i): I with a dot and i without one, the long s, the Kelvin sign.
FOLDING_TO_ASCII = frozenset(map(ord, "\u0130\u0131\u017f\u212a"))
_BLANK, _OTHER = 0xFFFE, 0xFFFF  # noncharacters, which stand for all blanks and all other non-letters
_BY_KIND = {"letter": "_w", "digit": "_d", "blank": chr(_BLANK), "other": chr(_OTHER)}
_OF_KIND = {"letter": r"[^\W\d]", "digit": r"\d", "blank": r"\s", "other": r"[^\w\s]"}


def _kind(character: str) -> str:
    """What Python's categories tell apart."""
    if character.isspace():
        return "blank"
    if character.isdecimal():
        return "digit"
    return "letter" if character.isalnum() else "other"


@dataclass(frozen=True)
class Alphabet:
    r"""How texts beyond ASCII are encoded; `mentioned` are the characters that stay themselves.

    RE2's `\b` takes ASCII letters, digits and `_` for words. So a letter é is written `_é_` if it is mentioned, `_w`
    if not, a digit `_d`, and the underscore itself `__`.
    """

    mentioned: frozenset[int]

    @cached_property
    def spelling(self) -> dict[int, str]:
        """Each symbol, named by a character that it stands for, as it is encoded."""
        symbols = {number: chr(number) for number in range(128)}
        symbols[ord("_")] = "__"
        symbols |= {number: self._encoded(chr(number)) for number in sorted(self.mentioned)}
        for kind, encoded in _BY_KIND.items():
            if (number := _first_of(kind, self.mentioned)) is not None:
                symbols[number] = encoded
        return symbols

    @cached_property
    def _table(self) -> "_Encoding":
        return _Encoding({number: self.spelling[number] for number in (*self.mentioned, ord("_"))})

    @staticmethod
    def _encoded(character: str) -> str:
        return f"_{character}_" if character.isalnum() else character

    def encode(self, text: str) -> str:
        return text.translate(self._table)

    @cached_property
    def any_symbol(self) -> str:
        """An expression for one encoded character; what is to be found must begin at the beginning of one."""
        return spelled_out(frozenset(self.spelling.values()))


class _Encoding(dict[int, str]):
    """For str.translate: the characters that are not mentioned, without remembering any."""

    def __missing__(self, number: int) -> str | int:
        return number if number < 128 else _BY_KIND[_kind(chr(number))]  # noqa: PLR2004 - ASCII


def _first_of(kind: str, but: frozenset[int]) -> int | None:
    """A character of a kind beyond ASCII that stands for all others of it."""
    found = (ord(one[0]) for one in re.finditer(_OF_KIND[kind], _every_character()))
    return next((number for number in found if number >= 128 and number not in but), None)  # noqa: PLR2004 - ASCII


@cache
def same_in_any_case(number: int) -> frozenset[int]:
    """The characters that Python takes for this one under (?i)."""
    return frozenset(map(ord, re.findall(re.escape(chr(number)), _every_character(), re.IGNORECASE)))


@cache
def _every_character() -> str:
    return "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))


def spelled_out(symbols: frozenset[str]) -> str:
    """An expression for exactly one of these symbols: characters, and sequences such as `_w` and `_é_`."""
    single = sorted(symbol for symbol in symbols if len(symbol) == 1)
    after = sorted(symbol[1] for symbol in symbols if len(symbol) == 2)  # noqa: PLR2004 - an underscore and a character
    between = sorted(symbol[1] for symbol in symbols if len(symbol) == 3)  # noqa: PLR2004 - … and an underscore
    parts = [_class(single)] if single or not symbols else []
    parts += [f"_{_class(after)}"] if after else []
    parts += [f"_{_class(between)}_"] if between else []
    return parts[0] if len(parts) == 1 and single else f"(?:{'|'.join(parts)})"


def _class(characters: list[str]) -> str:
    if not characters:
        return r"[^\x00-\x{10FFFF}]"
    if len(characters) == 1:
        return _literal(characters[0])
    ranges: list[list[int]] = []
    for number in map(ord, characters):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    inside = "".join(f"\\x{{{a:x}}}" if a == b else f"\\x{{{a:x}}}-\\x{{{b:x}}}" for a, b in ranges)
    return f"[{inside}]"


def _literal(character: str) -> str:
    return character if character.isascii() and character.isalnum() else f"\\x{{{ord(character):x}}}"


@cache
def ascii_alphabet() -> "Alphabet":
    return _Ascii(frozenset())


class _Ascii(Alphabet):
    """Texts of ASCII alone, which need no encoding."""

    @cached_property
    def spelling(self) -> dict[int, str]:
        return {number: chr(number) for number in range(128)}
