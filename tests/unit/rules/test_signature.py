"""Signatures: what two occurrences of one thing have in common."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.signature import object_of, signature, signature_text


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


@given(st.text())
def test_any_message_has_a_signature_which_is_its_own(message: str):
    assert signature_text(signature_text(message)) == signature_text(message)
    assert len(signature(message, None)) == len(object_of(message, None)) == 16


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


def test_real_messages_have_less_than_half_as_many_signatures_as_texts(shared_data: Path):
    lines = (shared_data / "events" / "rsyslog_8.2302_omfile_events.jsonl").read_text(errors="replace").splitlines()
    messages = {json.loads(line)["message"] for line in lines}
    signatures = {signature(message, None) for message in messages}
    assert len(signatures) < len(messages) / 2
