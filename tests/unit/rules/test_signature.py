"""Signatures: what two occurrences of one thing have in common."""

import contextlib
import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules.signature import _VARYING, _VOLATILE, object_of, signature, signature_text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("port 7 flapped", "port 4711 flapped"),
        ("peer 192.0.2.1 lost", "peer 198.51.100.77 lost"),
        ("peer 2001:db8::1 lost", "peer fe80::9 lost"),
        ("mac 00:1b:44:11:3a:b7", "mac 0c:1b:44:ff:3a:b7"),
        ("id 550e8400-e29b-41d4-a716-446655440000", "id 01a207b1-002d-7221-9a12-1860a9000001"),
        ("at 2026-11-23T08:30:00Z failed", "at 2025-01-01T00:00:00.5+01:00 failed"),
        ("Slow  query", "slow query"),
    ],
)
def test_what_differs_in_numbers_and_addresses_has_one_signature(one: str, other: str):
    assert signature(one, None) == signature(other, None)


def test_other_words_and_other_traps_have_other_signatures():
    assert len({signature("a", None), signature("b", None), signature("a", "1.3"), signature("a", "1.4")}) == 4


# Also long runs of what the patterns look for.
ANY_TEXT = st.text() | st.text("0aF:.-[] %\n", min_size=200, max_size=4000)


@given(ANY_TEXT, st.none() | st.just("1.3.6"))
@example("half a pair: \ud800", None)
def test_any_message_has_a_signature_and_an_object(message: str, trap_oid: str | None):
    assert re.fullmatch("[0-9a-f]{16}", signature(message, trap_oid))
    assert re.fullmatch("[0-9a-f]{16}", object_of(message, trap_oid))
    assert len(signature_text(message)) <= 400


PLAIN = re.compile(
    r"""
      \b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b          # UUID
    | \b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*                    # ISO time
    | \b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b                     # MAC address
    | \b(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}\b                       # MAC address, Cisco's way
    | (?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])   # IPv6 address
    | \b\d{1,3}(?:\.\d{1,3}){3}\b                               # IPv4 address
    | \b0x[0-9a-f]+\b                                           # hexadecimal number
    | \b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b         # hash, session id
    | \d+                                                       # number
    """,
    re.IGNORECASE | re.VERBOSE | re.ASCII,
)
PLAIN_VOLATILE = re.compile(
    r"""
      \d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*
    | \b\d{1,2}:\d\d:\d\d(?:\.\d+)?\b
    | \[\d+(?:\.\d+)?\]
    | \b\d+(?:\.\d+)?\s?(?:%|(?:percent|ms|secs?|seconds?|minutes?|[kmgt]?b|[kmgt]?bytes|[kmg]?bps|rpm|dbm)\b)
    | \b\d{5,}\b
    """,
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
LIKE_WHAT_VARIES = st.lists(
    st.sampled_from(
        [*"07afAg_xX:-.Tté٣[]% \n", "12", "255", "0x", "::", "ms", "kB", "dead", "beef", "abcdef12", "10.0.0.1"]
    )
    | st.sampled_from(["550e8400-e29b-41d4-a716-446655440000", "2026-11-23T08:30:00Z", "0011.2233.4455", "08:30:00"])
    | st.sampled_from(["00:1b:44:11:3a:b7", "2001:db8:1:2:3:4:5:6", "fe80::1", "\N{LATIN SMALL LETTER LONG S}"]),
    max_size=14,
).map("".join)


@given(LIKE_WHAT_VARIES | st.text("0aF:.- ", max_size=40))
@settings(max_examples=1000)
def test_what_varies_is_what_the_plain_expressions_find(message: str):
    assert _VARYING.split(message) == PLAIN.split(message)
    assert _VOLATILE.split(message) == PLAIN_VOLATILE.split(message)


WORDS = st.text("abcXYZ_äß%()", min_size=1, max_size=6)
VARYING = (
    st.integers(0, 10**12).map(str)
    | st.ip_addresses(v=4).map(str)
    | st.ip_addresses(v=6).map(lambda address: address.exploded)
    | st.uuids().map(str)
    | st.datetimes().map(lambda moment: moment.isoformat(timespec="seconds") + "Z")
    | st.integers(0, 2**32).map(hex)
)


@given(st.lists(st.tuples(WORDS, VARYING, VARYING), max_size=6))
def test_whatever_varies_between_the_words_the_signature_is_one(parts: list[tuple[str, str, str]]):
    one = " ".join(f"{word} {varying}" for word, varying, _ in parts)
    other = "\t".join(f"{word.swapcase()}  {varying}" for word, _, varying in parts)
    assert signature(one, "1.3") == signature(other, "1.3")
    assert signature_text(signature_text(one)) == signature_text(one)


def test_a_message_of_megabytes_takes_no_time():
    begin = time.perf_counter()
    for part in ("a", "1", "0a", "[1", "1:", "1.", " ", "1 k"):
        signature(part * 500_000, None)
        object_of(part * 100_000, None)
    assert time.perf_counter() - begin < 5


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("CPU high: 83 %", "CPU high: 99 %", True),
        ("rtt 12.5 ms", "rtt 7 ms", True),
        ("sshd[123]: refused", "sshd[9]: refused", True),
        ("at 08:30:01 lost", "at 09:00:00.5 lost", True),
        ("Gi0/7 down", "Gi0/8 down", False),
        ("peer 192.0.2.1 lost", "peer 192.0.2.2 lost", False),
    ],
)
def test_the_object_of_an_alert_is_the_port_not_the_measurement(one: str, other: str, same: bool):  # noqa: FBT001 - a case
    assert (object_of(one, None) == object_of(other, None)) is same


def test_real_messages_have_far_fewer_signatures_than_texts(shared_data: Path):
    lines = [line for path in (shared_data / "events").glob("*.jsonl") for line in path.read_bytes().splitlines()]
    messages = set()
    for line in lines:
        with contextlib.suppress(ValueError):  # some are broken on purpose
            messages.add(json.loads(line)["message"])
    signatures = {signature(message, None) for message in messages}
    assert len(messages) > 100
    assert len(signatures) < len(messages) / 2
    assert all(object_of(message, None) for message in messages)
