"""Backtests on real workers: one whose worker or message was lost goes on by itself."""

import json
import uuid

import psycopg2
import pytest

from tests.mutt import Mutt, event, eventually

pytestmark = pytest.mark.stack

TEXT = "a text for backtests only"
DRAFT = {"name": "Tried", "match_string": TEXT, "priority": 1, "prod_handling": "Ticket_only", "dev_handling": "Ignore"}


def test_a_backtest_tells_what_a_draft_would_have_changed(mutt: Mutt):
    mutt.send(*(event(message=TEXT) for _ in range(7)))
    mutt.settled()
    started = mutt.api("rules/backtests", "POST", {"draft": DRAFT, "days": 1})
    done = eventually(lambda: _finished(mutt, started["id"]))
    assert done["changed"] == 7
    assert done["transitions"][0]["to"]["handling"] == "Ticket_only"


def _finished(mutt: Mutt, identifier: str) -> object:
    backtest = mutt.api(f"rules/backtests/{identifier}")
    return backtest if backtest["status"] != "running" else None


def test_a_backtest_that_was_lost_is_taken_up_again(mutt: Mutt):
    """As after a kill of the worker that had it: beat finds it, and any worker goes on."""
    mutt.send(event(message=TEXT))
    mutt.settled()
    identifier = str(uuid.uuid4())
    with psycopg2.connect(mutt.stack.database_url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO rules_backtest (id, requested_by, draft, most_events, started_at, updated_at, status, problem,"
            " examined, changed, progress, transitions)"
            " VALUES (%s, 'a test', %s, 100000, now(), now() - interval '1 minute', 'running', '', 0, 0, 0, '[]')",
            (identifier, json.dumps({**DRAFT, "is_active": True})),
        )
    connection.close()
    done = eventually(lambda: _finished(mutt, identifier), patience_s=60)
    assert done["status"] == "done"
    assert done["examined"] > 0
    assert done["changed"] >= 1
