"""Real events, as Debian's rsyslog emits them, through the whole stack: every one is accounted for."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tests.mutt import Mutt, pieces

pytestmark = pytest.mark.stack

SINGLY = 600


@pytest.fixture(scope="module")
def lines(shared_data: Path) -> list[bytes]:
    return (shared_data / "events" / "rsyslog_8.2302_omfile_events.jsonl").read_bytes().splitlines()


@pytest.fixture
def account(mutt: Mutt) -> Iterator[list[Any]]:
    """Collects the answers of a test, then holds them against ledger and records."""
    before = mutt.settled()
    answers: list[Any] = []
    yield answers
    after = mutt.settled(patience_s=120)
    identifiers = [result["id"] for answer in answers for result in answer["events"] if "id" in result]
    refused = sum(answer["rejected"] for answer in answers)
    assert after["accepted"] - before["accepted"] == len(identifiers) == len(set(identifiers))
    assert after["rejected"] - before["rejected"] == refused
    assert _recorded(mutt, identifiers) == len(identifiers)
    assert mutt.stats()["distinct"] == after["delivered"]


@pytest.mark.parametrize("form", ["array", "ndjson"])
def test_all_real_events_in_batches_are_accounted_for(mutt: Mutt, lines: list[bytes], account: list[Any], form: str):
    for piece in pieces(lines, 100):
        body = b"[" + b",".join(piece) + b"]" if form == "array" else b"\n".join(piece)
        answer = mutt.post(body, "text/plain")
        assert answer.status == 202, answer.data
        account.append(answer.json())
        assert len(account[-1]["events"]) == len(piece)
    refused = sum(answer["rejected"] for answer in account)
    assert refused <= 11  # so many are broken; see the data's own notes


def test_real_events_sent_one_by_one_are_accounted_for(mutt: Mutt, lines: list[bytes], account: list[Any]):
    for line in lines[:: len(lines) // SINGLY]:
        answer = mutt.post(line)
        assert answer.status in (202, 400), answer.data
        if answer.status == 202:
            account.append(answer.json())
        else:
            assert answer.json()["errors"][0]["pointer"] == "/timestamp"
            account.append({"rejected": 1, "events": []})


def test_other_products_webhooks_are_answered_clearly(mutt: Mutt, shared_data: Path):
    for file in sorted((shared_data / "webhooks").glob("*.json")):
        answer = mutt.post(file.read_bytes())
        assert answer.status in (202, 400), (file.name, answer.status)
        results = answer.json()["events"] if answer.status == 202 else answer.json()["errors"]
        assert results, file.name


def test_real_traps_are_decided_by_their_oid(mutt: Mutt, shared_data: Path, account: list[Any]):
    traps = [json.loads(line) for line in (shared_data / "traps" / "librenms_traps.jsonl").read_text().splitlines()]
    events = [
        {
            "hostname": trap["hostname"],
            "timestamp": "2026-11-23T08:00:00Z",
            "message": trap["trap_name"],
            "trap_oid": trap["trap_oid"],
            "varbinds": trap["varbinds"],
        }
        for trap in traps
        if trap.get("trap_oid")
    ]
    answer = mutt.post(json.dumps(events))
    assert answer.status == 202
    account.append(answer.json())
    assert account[-1]["rejected"] == 0


def _recorded(mutt: Mutt, identifiers: list[str]) -> int:
    connection = psycopg2.connect(mutt.stack.database_url)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM audit_record WHERE event_id = ANY(%s::uuid[])", [identifiers])
            (found,) = cursor.fetchone() or (0,)
            return int(found)
    finally:
        connection.close()
