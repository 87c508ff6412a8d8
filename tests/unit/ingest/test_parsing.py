"""From bytes to events: objects, arrays and NDJSON told apart, and bad elements kept away from their neighbours."""

import json
import re

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ingest.parsing import MAX_DEPTH, Body, BodyError, TooManyError, Unreadable, parse_body

# What JSON can spell and we keep as it is: no lone surrogates, no NUL.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(
    SCALARS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
EVENTS = st.dictionaries(TEXTS, VALUES, max_size=5)


def nested(levels: int, innermost: str = "1") -> str:
    """An object of so many levels."""
    return '{"a":' * levels + innermost + "}" * levels


def test_an_object_is_one_lone_event():
    assert parse_body(b'{"a": 1}') == Body([{"a": 1}], lone=True)


def test_an_array_is_a_batch_even_with_one_element():
    assert parse_body(b'[{"a": 1}]') == Body([{"a": 1}], lone=False)


def test_an_empty_array_is_a_batch_of_nothing():
    assert parse_body(b" [ ] ") == Body([], lone=False)


def test_lines_of_objects_are_a_batch():
    assert parse_body(b'{"a": 1}\n{"a": 2}') == Body([{"a": 1}, {"a": 2}], lone=False)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1}\n{"a":2}\n',
        b'{"a":1}\r\n{"a":2}\r\n',
        b'\n\n{"a":1}\n   \r\n\t{"a":2}  \n\n',
        b'\xef\xbb\xbf{"a":1}\n{"a":2}',
        b'\xef\xbb\xbf \r\n[{"a":1},{"a":2}]',
        b'\t[\n{"a":1}\r\n,\n{"a":2}\n]\r\n',
    ],
)
def test_blanks_line_ends_and_a_byte_order_mark_do_not_matter(body):
    assert parse_body(body) == Body([{"a": 1}, {"a": 2}], lone=False)


def test_a_pretty_printed_object_is_one_lone_event_though_it_has_many_lines():
    event = {"hostname": "h", "nested": {"list": [1, 2]}}
    assert parse_body(json.dumps(event, indent=2).encode()) == Body([event], lone=True)


def test_a_line_feed_escaped_in_a_text_does_not_end_a_line():
    assert parse_body(b'{"a":"one\\ntwo"}\n{"a":3}').items == [{"a": "one\ntwo"}, {"a": 3}]


@pytest.mark.parametrize("body", [b"", b"\n", b" \r\n\t ", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_an_empty_body_says_what_to_send(body):
    with pytest.raises(BodyError, match=r"empty\. Send a JSON object, a JSON array of objects, or NDJSON"):
        parse_body(body)


@pytest.mark.parametrize(
    "body", [b"hello\nworld", b"<a>\n</a>", b"hostname=h\nmessage=m\n", '{"a":1}\n'.encode("utf-16")]
)
def test_lines_of_which_none_is_json_are_refused_as_a_whole(body):
    with pytest.raises(BodyError, match="neither JSON nor NDJSON"):
        parse_body(body)


@pytest.mark.parametrize("body", [b"hello", b'{"a":1', b"{'a':1}", b'{"a":1}{"a":2}', b'{"a":NaN}', b'{"a":Infinity}'])
def test_one_line_that_is_no_json_is_one_lone_unreadable_element(body):
    parsed = parse_body(body)
    assert parsed.lone
    assert [type(item) for item in parsed.items] == [Unreadable]
    assert parsed.items[0].why


@pytest.mark.parametrize(
    "bad", [b"nonsense", b'{"a":', b'{"a":NaN}', b'{"a":-Infinity}', b'{"a":1} x', b'{"a":"\x01"}']
)
def test_a_bad_line_stands_alone_among_good_ones(bad):
    items = parse_body(b"\n".join([b'{"a":1}', bad, b'{"a":3}'])).items
    assert [items[0], items[2]] == [{"a": 1}, {"a": 3}]
    assert isinstance(items[1], Unreadable)


@pytest.mark.parametrize(
    "bad",
    [
        *(b'{"a":1} {"a":2}', nested(33, '"\\u0000"').encode(), nested(500).encode(), nested(5000).encode(), b""),
        *(b"[" * 5000 + b"]" * 5000, b"tru", b"'", b'{"a" 1}'),
        b"NaN",
        b'{"a":NaN}',
        b'{"a":[-Infinity]}',
        b'{"a":1e999}',
        b'{"a":' + b"9" * 5000 + b"}",
        nested(33).encode(),
    ],
)
def test_a_bad_element_of_an_array_stands_alone_among_good_ones(bad):
    items = parse_body(b'[{"a":1},' + bad + b',{"a":3}]').items
    assert [items[0], items[2]] == [{"a": 1}, {"a": 3}]
    assert isinstance(items[1], Unreadable)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b'[{"a":1},{"a":2},{"a":]', "broken at its element 2 (from 0)"),
        (b'[{"a":1},{"a":2}', "broken at its element 1 (from 0)"),
        (b'[{"a":1},', "broken at its element 1 (from 0)"),
        (b"[", "broken at its element 0 (from 0)"),
        (b"[" * 5000, "broken at its element 0 (from 0): it does not end"),
        (b'[{"a":1}] {"a":2}', "something behind the array's end"),
        (b'[{"a":1}]\n[{"a":2}]', "neither JSON nor NDJSON"),
    ],
)
def test_a_broken_array_is_refused_and_the_place_is_named(body, where):
    with pytest.raises(BodyError, match=re.escape(where)):
        parse_body(body)


def test_a_line_that_is_an_array_does_not_spoil_the_lines_behind_it():
    assert parse_body(b'[1]\n{"a":2}\n{"a":3}').items == [[1], {"a": 2}, {"a": 3}]


def test_bytes_that_are_not_utf8_become_visible_and_touch_no_neighbour():
    latin_1 = '{"m":"Türe","n":1.5}'.encode("latin-1")
    mended = {"m": "T\ufffdre", "n": 1.5}
    good = '{"m":"Tür"}'.encode()
    assert parse_body(latin_1) == Body([mended], lone=True)
    assert parse_body(b"\n".join([good, latin_1, good])).items == [{"m": "Tür"}, mended, {"m": "Tür"}]
    assert parse_body(b"[" + b",".join([good, latin_1, good]) + b"]").items == [{"m": "Tür"}, mended, {"m": "Tür"}]


@pytest.mark.parametrize("escape", ["\\ud800", "\\udfff", "\\udc00\\ud800"])
def test_lone_surrogates_become_visible_and_pairs_are_kept(escape):
    body = f'{{"m":"a{escape}b \\ud83d\\ude00","\\ud800k":[["{escape}"]]}}'
    (event,) = parse_body(body.encode()).items
    count = escape.count("\\u")
    assert event == {"m": "a" + "\ufffd" * count + "b 😀", "\ufffdk": [["\ufffd" * count]]}


def test_nul_characters_become_visible_wherever_they_are():
    assert parse_body(b'{"a\\u0000":["x\\u0000y",{"b":"\\u0000"}]}').items == [{"a␀": ["x␀y", {"b": "␀"}]}]
    assert parse_body(b'[{"a":"\\u0000"},{"a":"\\u0000\\ud800"}]').items == [{"a": "␀"}, {"a": "␀\ufffd"}]


def test_an_escaped_backslash_before_u0000_is_no_nul():
    assert parse_body(b'{"a":"\\\\u0000"}').items == [{"a": "\\u0000"}]


def test_events_may_be_nested_to_the_limit_and_no_deeper():
    assert parse_body(nested(MAX_DEPTH).encode()).items == [json.loads(nested(MAX_DEPTH))]
    (refused,) = parse_body(nested(MAX_DEPTH + 1).encode()).items
    assert (refused.code, refused.why) == ("too_deep", f"It is nested more than {MAX_DEPTH} levels deep.")


@pytest.mark.parametrize("levels", [100, 600, 1000, 2000, 100_000])
@pytest.mark.parametrize("innermost", ["1", '"\\u0000"', '"\\ud800"', '"ÿ"'])
def test_an_event_nested_without_end_is_refused_alone(levels, innermost):
    deep = nested(levels, innermost).encode("latin-1")
    assert isinstance(parse_body(deep).items[0], Unreadable)
    items = parse_body(b'{"a":1}\n' + deep + b'\n{"a":3}').items
    assert isinstance(items[1], Unreadable)
    assert [items[0], items[2]] == [{"a": 1}, {"a": 3}]


@pytest.mark.parametrize(("body", "items"), [(b"5", [5]), (b'"x"', ["x"]), (b"null", [None])])
def test_json_that_is_no_object_is_left_to_validation(body, items):
    assert parse_body(body).items == items


@pytest.mark.parametrize("body", [b"1\n2", b'{\n "a": [\n 1\n ],,\n}'])
def test_lines_without_any_object_are_no_ndjson(body):
    with pytest.raises(BodyError, match="neither JSON nor NDJSON"):
        parse_body(body)


def test_more_lines_than_there_may_be_events_are_refused_before_they_are_read():
    with pytest.raises(TooManyError):
        parse_body(b"x\n" * 22, most=10)


def test_numbers_can_be_written_again_after_bytes_that_are_not_utf8():
    (event,) = parse_body(b'{"m":"\xff","n":123456789012345678901234567890,"f":1e3}').items
    assert orjson.loads(orjson.dumps(event)) == event
    assert event["f"] == 1000.0


@settings(deadline=None)
@given(st.lists(EVENTS, max_size=6), st.booleans(), st.sampled_from([None, 1]))
def test_any_events_come_back_from_an_array(events, ascii_only, indent):
    body = json.dumps(events, ensure_ascii=ascii_only, indent=indent).encode()
    assert parse_body(body) == Body(events, lone=False)


@settings(deadline=None)
@given(st.lists(EVENTS, min_size=1, max_size=6), st.booleans(), st.sampled_from(["\n", "\r\n", "\n\n \n"]))
def test_any_events_come_back_from_ndjson(events, ascii_only, line_end):
    body = "".join(json.dumps(event, ensure_ascii=ascii_only) + line_end for event in events).encode()
    assert parse_body(body) == Body(events, lone=len(events) == 1)


PIECES = [
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b":",
    b",",
    b"\n",
    b"1",
    b"NaN",
    b"\\u0000",
    b"\\ud800",
    b"\xff",
    b'{"a":1}',
    b"\\",
]


@settings(deadline=None, max_examples=500, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=200) | st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join))
@example(b'{"a":' * 1022 + b'"\\u0000"' + b"}" * 1022)
@example(b"[" + b'{"a":' * 1020 + b'"\\u0000"' + b"}" * 1020 + b"]")
def test_no_bytes_whatever_raise_anything_but_a_body_error(body):
    try:
        items = parse_body(body).items
    except BodyError:
        items = []
    readable = [item for item in items if not isinstance(item, Unreadable)]
    assert b"\\u0000" not in orjson.dumps(readable)  # it can be written, as UTF-8, and PostgreSQL keeps it
