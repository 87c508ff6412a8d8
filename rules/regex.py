r"""Regular expressions with the meaning of Python's `re` and the linear time of RE2.

Engineers know an expression as Python, Perl or their editor reads it; RE2 reads some of it in another way: its `\d`,
`\w`, `\s` and `\b` are about ASCII, its `$` minds a newline at the end, POSIX classes mean something else. So Python's
own parser reads the expression, and RE2 gets it spelled out, each single-character part as the set of what it matches.
What cannot be had in linear time (back-references, look-around) is refused by name.

A text of ASCII alone is matched as it is. Any other is encoded first, for an expression tells few characters apart
beyond ASCII: those that it mentions, and of the others only whether they are letters, digits, blanks or neither.
"""

import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from re import _compiler, _constants, _parser  # type: ignore[attr-defined] # as mypy's stubs know nothing of them
from threading import Lock
from typing import Any

import re2

from rules.alphabet import FOLDING_TO_ASCII, Alphabet, ascii_alphabet, same_in_any_case, spelled_out

MAX_REPEAT = 1000  # RE2's
_MAX_MEMORY = 8 << 20
_MOST_MENTIONED = 2000
_POSIX_CLASS = re.compile(r"\[[:.=]\^?[a-z]+[:.=]\]")
_PARSING = Lock()


class BadRegexError(ValueError):
    """The expression cannot be taken; the message says what it stumbles over and how to mend it."""


_REFUSED = {
    _constants.ASSERT: "look-around, (?=…) or (?<=…), cannot be had in linear time: write out what stands there",
    _constants.ASSERT_NOT: "negative look-around, (?!…) or (?<!…), cannot be had in linear time:"
    " let a rule of a lower priority number take what you want to leave out",
    _constants.GROUPREF: "a back-reference such as \\1 or (?P=name) cannot be had in linear time: write the part again",
    _constants.GROUPREF_EXISTS: "a conditional, (?(1)…), cannot be had in linear time: write both cases with |",
    _constants.ATOMIC_GROUP: "an atomic group, (?>…), is not supported: write (?:…)",
    _constants.POSSESSIVE_REPEAT: "a possessive quantifier such as a*+ is not supported: leave out its +",
}
_ZERO_WIDTH = {
    _constants.AT_BEGINNING_STRING: r"\A",
    _constants.AT_END_STRING: r"\z",
    _constants.AT_BOUNDARY: r"\b",
    _constants.AT_NON_BOUNDARY: r"\B",
}
_SINGLE = {_constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY, _constants.IN}


class Translation:
    """An expression that Python's parser has read. Raises BadRegexError."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self._tree = _parsed(pattern)
        self._flags = self._tree.state.flags
        self.mentioned = frozenset(_mentioned(self._tree, self._flags))
        if len(self.mentioned) > _MOST_MENTIONED:
            raise BadRegexError(
                f"it mentions {len(self.mentioned):,} characters beyond ASCII: for all of them write [^\\x00-\\x7F]"
            )
        self.ascii = self._written(ascii_alphabet())

    @classmethod
    def of_text(cls, text: str) -> "Translation":
        """An expression for a text as it stands."""
        return cls(re.escape(text))

    @cached_property
    def on_empty(self) -> bool:
        """Whether the empty text matches, in which Python has rules of its own."""
        return _compiler.compile(self._tree).search("") is not None

    def encoded(self, alphabet: Alphabet) -> str:
        """The expression for texts which this alphabet has encoded; its first group is what is looked for."""
        return rf"\A(?:{alphabet.any_symbol})*?({self._written(alphabet)})"

    def _written(self, alphabet: Alphabet) -> str:
        return _Writer(alphabet).sequence(self._tree, self._flags, at_end=True)

    def literals(self) -> list[str]:
        """Texts each of which is in whatever matches, in whatever case."""
        return [run for run in "".join(_fixed(self._tree)).split("\0") if run]

    @cached_property
    def matches_all(self) -> bool:
        """Whether every text matches, since the expression can match nothing anywhere."""
        return self._tree.getwidth()[0] == 0 and self.on_empty and not any(_positions(self._tree))


def _parsed(pattern: str) -> Any:
    if found := _POSIX_CLASS.search(pattern):
        raise BadRegexError(
            f"at character {found.start() + 1}: {found[0]} is a POSIX class, which Python's expressions do not know:"
            " write 0-9, A-Za-z, A-Za-z0-9 or \\s instead"
        )
    try:
        # Python warns of sets such as [[a]: we read them as it does.
        with _PARSING, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = _parser.parse(pattern)
    except re.error as error:
        where = f"at character {error.pos + 1}: " if error.pos is not None else ""
        raise BadRegexError(f"{where}{error.msg}") from error
    except (RecursionError, OverflowError) as error:
        raise BadRegexError("it is nested too deeply, or a number in it is too large") from error
    if tree.state.flags & re.ASCII:
        raise BadRegexError("the flag (?a) is not supported: leave it out")
    if re.search("[\ufffe\uffff\ud800-\udfff]", pattern):
        raise BadRegexError("it holds a code point that is no character")
    return tree


def _parts(node: Any, flags: int) -> Iterator[tuple[Any, int]]:
    """The sequences of nodes within a node, each with its flags."""
    operation, argument = node
    if operation is _constants.SUBPATTERN:
        _, added, taken, tree = argument
        yield tree, (flags | added) & ~taken
    elif operation is _constants.BRANCH:
        yield from ((tree, flags) for tree in argument[1])
    elif operation in {_constants.MAX_REPEAT, _constants.MIN_REPEAT}:
        yield argument[2], flags


def _mentioned(tree: Any, flags: int) -> Iterator[int]:
    for node in tree:
        for number in _numbers_in(node):
            if number >= 128:  # noqa: PLR2004 - ASCII
                yield from same_in_any_case(number) if flags & re.IGNORECASE else (number,)
        for part, its_flags in _parts(node, flags):
            yield from _mentioned(part, its_flags)


def _numbers_in(node: Any) -> Iterator[int]:
    operation, argument = node
    if operation in {_constants.LITERAL, _constants.NOT_LITERAL}:
        yield argument
    elif operation is _constants.RANGE:
        lowest, highest = max(argument[0], 128), argument[1]
        if highest - lowest > _MOST_MENTIONED:
            raise BadRegexError(
                f"the range {chr(argument[0])!a}-{chr(highest)!a} mentions too many characters beyond ASCII:"
                " for all of them write [^\\x00-\\x7F]"
            )
        yield from range(lowest, highest + 1)
    elif operation is _constants.IN:
        for part in argument:
            yield from _numbers_in(part)


def _positions(tree: Any) -> Iterator[Any]:
    for node in tree:
        if node[0] is _constants.AT:
            yield node
        for part, _ in _parts(node, 0):
            yield from _positions(part)


def _fixed(tree: Any) -> Iterator[str]:
    """The literal characters that every match holds, with a NUL wherever something else may stand between."""
    for operation, argument in tree:
        if operation is _constants.LITERAL:
            yield chr(argument)
        elif operation is _constants.SUBPATTERN:
            yield from _fixed(argument[3])
        elif operation in {_constants.MAX_REPEAT, _constants.MIN_REPEAT} and argument[0]:
            yield "\0"
            yield from _fixed(argument[2])
            yield "\0"
        elif operation is not _constants.AT:
            yield "\0"


@dataclass(frozen=True)
class _Writer:
    """Writes what Python's parser has read in RE2's words."""

    alphabet: Alphabet

    def sequence(self, tree: Any, flags: int, *, at_end: bool) -> str:
        last = len(tree) - 1
        return "".join(self._node(node, flags, at_end and place == last) for place, node in enumerate(tree))

    def _node(self, node: Any, flags: int, at_end: bool) -> str:  # noqa: FBT001 - a private recursion
        operation, argument = node
        if operation in _REFUSED:
            raise BadRegexError(_REFUSED[operation])
        if operation in _SINGLE:
            return _single(self.alphabet, operation, _hashable(argument), flags)
        if operation is _constants.AT:
            return _position(argument, flags, at_end)
        if operation is _constants.SUBPATTERN:
            ((tree, its_flags),) = _parts(node, flags)
            if its_flags & re.ASCII:
                raise BadRegexError("the flag (?a) is not supported: leave it out")
            return f"(?:{self.sequence(tree, its_flags, at_end=at_end)})"
        if operation is _constants.BRANCH:
            return f"(?:{'|'.join(self.sequence(tree, flags, at_end=at_end) for tree in argument[1])})"
        if operation in {_constants.MAX_REPEAT, _constants.MIN_REPEAT}:
            return self._repeat(node, flags, at_end)
        raise BadRegexError(f"{operation} is not supported")

    def _repeat(self, node: Any, flags: int, at_end: bool) -> str:  # noqa: FBT001 - as above
        operation, (least, most, tree) = node
        bounds = [bound for bound in (least, most) if bound is not _constants.MAXREPEAT]
        if max(bounds) > MAX_REPEAT:
            raise BadRegexError(f"the repetition {{{max(bounds)}}} is too large: RE2 takes at most {MAX_REPEAT}")
        once = most is not _constants.MAXREPEAT and most <= 1
        inner = self.sequence(tree, flags, at_end=at_end and once)
        how_often = f"{{{least},{'' if most is _constants.MAXREPEAT else most}}}"
        return f"(?:{inner}){how_often}{'?' if operation is _constants.MIN_REPEAT else ''}"


def _position(where: Any, flags: int, at_end: bool) -> str:  # noqa: FBT001 - a private recursion
    if where in _ZERO_WIDTH:
        return _ZERO_WIDTH[where]
    if where is _constants.AT_BEGINNING:
        return "(?m:^)" if flags & re.MULTILINE else r"\A"
    if flags & re.MULTILINE:
        return "(?m:$)"
    if not at_end:
        raise BadRegexError(
            r"a $ with something after it can hardly match: move it to the end, or write \$ for the sign"
        )
    return r"(?:\n?\z)"


def _hashable(argument: Any) -> Any:
    return tuple(argument) if isinstance(argument, list) else argument


@lru_cache(maxsize=5_000)
def _single(alphabet: Alphabet, operation: Any, argument: Any, flags: int) -> str:
    """What one single-character node matches, in RE2's words."""
    return spelled_out(_members(alphabet, operation, argument, flags))


def _members(alphabet: Alphabet, operation: Any, argument: Any, flags: int) -> frozenset[str]:
    """The symbols that one node matches. Where case or categories are concerned, Python itself is asked."""
    spelling = alphabet.spelling
    if operation is _constants.LITERAL and not flags & re.IGNORECASE:
        return frozenset({spelling[argument]} if argument in spelling else ())
    if operation is _constants.ANY:
        return frozenset(text for number, text in spelling.items() if flags & re.DOTALL or number != ord("\n"))
    tree = _parser.SubPattern(
        _parser.State(), [(operation, list(argument) if operation is _constants.IN else argument)]
    )
    tree.state.flags = re.UNICODE
    tree.state.str = ""
    asked = _compiler.compile(tree, flags & re.IGNORECASE)
    return frozenset(text for number, text in spelling.items() if asked.fullmatch(chr(number)))


def re2_options(max_memory: int = _MAX_MEMORY) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = max_memory
    return options


def _compiled(source: str) -> Any:
    try:
        return re2.compile(source, re2_options())
    except re2.error as error:
        text = error.args[0] if error.args else error
        reason = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        if "too large" in reason or "repetition" in reason:
            reason = "spelled out for RE2 it is too large: shorten its repetitions"
        raise BadRegexError(reason) from error


class Regex:
    """One expression, which is looked for in texts as Python's `re.search` would."""

    def __init__(self, translation: Translation) -> None:
        self.translation = translation
        self.alphabet = Alphabet(translation.mentioned | FOLDING_TO_ASCII)

    @cached_property
    def _ascii(self) -> Any:
        return _compiled(self.translation.ascii)

    @cached_property
    def _encoded(self) -> Any:
        return _compiled(self.translation.encoded(self.alphabet))

    def check(self) -> None:
        """Compile it for all texts. Raises BadRegexError."""
        _ = self._ascii, self._encoded

    def search(self, text: str) -> bool:
        """Whether it is found in the text, in time linear in its length."""
        if not text:
            return self.translation.on_empty
        if text.isascii():
            return self._ascii.search(text) is not None
        return self._encoded.search(self.alphabet.encode(text)) is not None

    def span(self, text: str) -> tuple[int, int] | None:
        """Where it is found: the numbers of the first character and of the one after the last."""
        if text.isascii():
            found = self._ascii.search(text)
            return found.span() if found else None
        found = self._encoded.search(self.alphabet.encode(text))
        if not found:
            return None
        begin, end = found.span(1)
        return self._place(text, begin), self._place(text, end)

    def _place(self, text: str, encoded_place: int) -> int:
        length = 0
        for place, character in enumerate(text):
            if length >= encoded_place:
                return place
            length += len(self.alphabet.encode(character))
        return len(text)


@lru_cache(maxsize=20_000)
def translate(pattern: str) -> Translation:
    """Read an expression. Raises BadRegexError."""
    return Translation(pattern)


@lru_cache(maxsize=2_000)
def regex(pattern: str) -> Regex:
    """One expression by itself. Raises BadRegexError."""
    return Regex(translate(pattern))


def compile_regex(pattern: str) -> Regex:
    """One expression, checked and compiled for all texts. Raises BadRegexError."""
    found = regex(pattern)
    found.check()
    return found


def alphabet_for(translations: Sequence[Translation]) -> Alphabet:
    """One that serves several expressions."""
    return Alphabet(frozenset().union(FOLDING_TO_ASCII, *(translation.mentioned for translation in translations)))
