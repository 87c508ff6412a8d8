"""Expressions mean what Python's `re` means, or are refused by name, and take linear time."""

import json
import re
import time
import warnings
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from rules.alphabet import FOLDING_TO_ASCII
from rules.regex import BadRegexError, Regex, compile_regex, translate

ODD = "aZ0_ .-\n\t\x0b\x1c\xa0éÉßſıİKσς٣–漢\U0001f600"


def python_finds(pattern: str, text: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return re.search(pattern, text) is not None


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(?<=a)b", "look-around"),
        ("(?=b)", "look-around"),
        ("(?!b)", "negative look-around"),
        ("(?<!b)c", "negative look-around"),
        (r"(a)\1", r"back-reference such as \1"),
        ("(?P<x>a)(?P=x)", "back-reference"),
        ("(a)?(?(1)b|c)", "conditional"),
        ("(?>ab)c", "atomic group"),
        ("a*+b", "possessive quantifier"),
        ("(", "at character 1: missing ), unterminated subpattern"),
        ("a)", "at character 2: unbalanced parenthesis"),
        ("[z-a]", "at character 2: bad character range z-a"),
        ("*", "at character 1: nothing to repeat"),
        (r"\p{L}", r"at character 1: bad escape \p"),
        ("a(?i)b", "global flags not at the start"),
        ("[[:digit:]]+", "at character 2: [:digit:] is a POSIX class"),
        ("a{2000}", "{2000} is too large: RE2 takes at most 1000"),
        ("(?:a{1000}){10}", "too large: shorten its repetitions"),
        ("a$b", "a $ with something after it"),
        ("(?a)x", "the flag (?a)"),
        ("(?a:x)", "the flag (?a)"),
        ("[\x80-\U0010ffff]", "mentions too many characters beyond ASCII"),
        ("a\ud800", "no character"),
        ("(" * 3000 + ")" * 3000, "nested too deeply"),
        ("a{9999999999999}", "too large"),
    ],
)
def test_what_cannot_be_taken_is_refused_by_name(pattern: str, reason: str):
    with pytest.raises(BadRegexError) as refused:
        compile_regex(pattern)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"\bcafé\b", "un café noir"),
        (r"\bcaf\b", "un café noir"),
        (r"\d+", "port ٣"),
        (r"^\w+$", "straße"),
        (r"\s", "a\x0bb"),
        (r"a\sb", "a\xa0b"),
        (r"down$", "down\n"),
        (r"down$", "down\n\n"),
        (r"(?m)^up$", "down\nup\ndown"),
        (r"(?m)$", ""),
        (r"\Adown\Z", "down"),
        (r"\Adown\Z", "down\n"),
        (r"(?i)kelvin", "\u212aelvin"),
        (r"(?i)ist", "\u0130\u017ft"),
        (r"(?i)É", "é"),
        (r"(?i)[à-ü]", "Ü"),
        (r"[^a]", "é"),
        (r"[^\W\d]", "é"),
        (r"_\w", "_é"),
        (r"\w_", "é_"),
        (r"é_", "_é_"),
        (r"^.$", "_"),
        (r"^..$", "é_"),
        (r"w", "é"),
        (r"_", "é"),
        (r"\B", ""),
        (r"\B", "é"),
        (r"(?x) a  b # both", "ab"),
        (r"(?s)a.b", "a\nb"),
        (r"a.b", "a\nb"),
        (r"a{,2}b", "aaab"),
        (r"a{x}", "a{x}"),
        (r"[]a]", "]"),
        (r"[[a]", "["),
        (r"(?i:A)b", "ab"),
        (r"(?i)a(?-i:B)", "aB"),
        (r"\x41\u0042\103", "ABC"),
        (r"a|", "b"),
        (r"[^\x00-\x7F]", "naïve"),
        ("\ud7ff|x", "x"),
        (".", "\ud800"),
    ],
)
def test_what_is_subtle_means_the_same_as_to_python(pattern: str, text: str):
    assert compile_regex(pattern).search(text) is python_finds(pattern, text)


ATOMS = st.sampled_from(
    [
        *"abZ_0é–ſKİß",
        *(rf"\{name}" for name in "dDwWsSbB.n"),
        *".^$",
        r"\A",
        r"\Z",
        "[a-f]",
        "[^_é]",
        r"[\w-]",
        r"[^\W_]",
        r"[\s\d]",
        "(?i:k)",
        "(?i:[h-j])",
        "(?i:é)",
        "(?m:^)",
        "(?m:$)",
        "(?s:.)",
        "(?i:ß)",
        "(?i:σ)",
        "[^a]",
    ]
)
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "*?", "+?"])).map(
            lambda two: f"(?:{two[0]}){two[1]}"
        ),
        inner.map(lambda one: f"({one})"),
    ),
    max_leaves=8,
)


@given(
    st.sampled_from(["", "(?i)", "(?m)", "(?s)", "(?im)"]), EXPRESSIONS, st.lists(st.text(ODD, max_size=12), min_size=1)
)
@example("", r"(?:a|\b)", ["é"])
def test_an_expression_finds_what_python_finds_or_is_refused(flags: str, expression: str, texts: list[str]):
    pattern = flags + expression
    try:
        found = compile_regex(pattern)
    except BadRegexError:
        assume(False)
        raise
    for text in texts:
        assert found.search(text) is python_finds(pattern, text), text


@given(EXPRESSIONS, st.text(ODD, max_size=12))
def test_the_place_of_what_is_found_is_pythons(expression: str, text: str):
    assume(text and "$" not in expression)  # it may take a newline along
    try:
        found = compile_regex(expression)
    except BadRegexError:
        assume(False)
        raise
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = re.search(expression, text)
    begin_and_end = found.span(text)
    assert (begin_and_end is None) is (expected is None)
    if begin_and_end and expected:
        assert begin_and_end[0] == expected.start()


def test_the_letters_that_python_folds_to_ascii_are_these():
    beyond_ascii = "".join(map(chr, [*range(128, 0xD800), *range(0xE000, 0x110000)]))
    assert set(map(ord, re.findall("[a-z]", beyond_ascii, re.IGNORECASE))) == FOLDING_TO_ASCII


@pytest.mark.parametrize("pattern", [r"^(a+)+(a|a)*$", r"(a*)*b", r"(\w+\s?)+:$", r"(?:.*a){12}$", r"\b(\w+)+\b!"])
@pytest.mark.parametrize("letter", ["a", "é"])
def test_an_expression_that_takes_python_for_ever_takes_time_linear_in_the_text(pattern: str, letter: str):
    found = compile_regex(pattern)

    def seconds(length: int) -> float:
        begin = time.perf_counter()
        found.search(letter * length + "?")
        return time.perf_counter() - begin

    seconds(1000)
    assert min(seconds(40_000) for _ in range(3)) < 40 * min(seconds(4000) for _ in range(5)) + 0.05


@pytest.mark.parametrize(
    ("pattern", "literals"),
    [
        ("link (down|up) now", ["link ", " now"]),
        (r"%LINK-\d-UPDOWN", ["%LINK-", "-UPDOWN"]),
        ("(?:abc)+x", ["abc", "x"]),
        ("(?:abc)?x", ["x"]),
        (r"^\bport (\d+)$", ["port "]),
        (".*", []),
    ],
)
def test_the_texts_that_every_match_holds_are_known(pattern: str, literals: list[str]):
    assert translate(pattern).literals() == literals


@pytest.mark.parametrize(
    ("pattern", "all_match"),
    [(".*", True), ("a?", True), ("(?:)", True), ("^", False), ("a", False), (r"\b|", False), ("a*b*", True)],
)
def test_an_expression_that_matches_everything_is_known(pattern: str, all_match: bool):  # noqa: FBT001 - a case
    assert translate(pattern).matches_all is all_match


def real_patterns(shared_data: Path) -> list[str]:
    lines = (shared_data / "regex" / "logcheck_patterns.jsonl").read_text().splitlines()
    patterns = [json.loads(line)["pattern_py"] for line in lines]
    for line in (shared_data / "regex" / "sagan_rules.jsonl").read_text().splitlines():
        for pcre in json.loads(line)["pcre"]:
            body, _, flags = pcre[1:].rpartition("/")
            flags = "".join(flag for flag in flags if flag in "ims")
            patterns.append((f"(?{flags})" if flags else "") + body)
    return patterns


def test_real_expressions_find_what_python_finds_in_real_lines(shared_data: Path):
    taken: list[Regex] = []
    refused = []
    patterns = real_patterns(shared_data)
    for pattern in patterns:
        try:
            taken.append(compile_regex(pattern))
        except BadRegexError as error:
            refused.append(str(error))
    assert len(taken) > 0.97 * len(patterns)
    lines = [
        line
        for path in sorted((shared_data / "syslog").glob("*.log"))
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines()[::40]
    ]
    texts = [*lines, *(f"{line[:9]}é_{line[9:]}–\n" for line in lines[::4])]
    differing = [
        (one.translation.pattern, text)
        for one in taken
        for text in texts
        if one.search(text) is not python_finds(one.translation.pattern, text)
    ]
    assert differing == []
