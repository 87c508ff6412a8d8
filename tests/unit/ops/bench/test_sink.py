"""What stands for Moogsoft in a benchmark takes what the stub takes."""

import json

import pytest

from ops.bench.sink import Received

EVENT = {
    "source": "a-host",
    "check": "a rule",
    "severity": "major",
    "description": "a text",
    "tags": {"event_id": "0199"},
}


def test_it_keeps_which_event_came_when_and_how_many_are_different():
    received = Received()
    assert received.take(json.dumps([EVENT, {**EVENT, "tags": {"event_id": "019a"}}]).encode(), 1.5)
    assert received.take(json.dumps(EVENT).encode(), 2.5)
    assert received.events == [("0199", 1.5), ("019a", 1.5), ("0199", 2.5)]
    assert received.stats == {"requests": 2, "invalid": 0, "events": 3, "distinct": 2}


@pytest.mark.parametrize("body", [b"{", b"[]", b"[1]", b'[{"tags": {}}]', json.dumps([{**EVENT, "x": 1}]).encode()])
def test_what_breaks_the_contract_is_counted_and_not_kept(body: bytes):
    received = Received()
    assert not received.take(body, 1)
    assert received.stats == {"requests": 1, "invalid": 1, "events": 0, "distinct": 0}
