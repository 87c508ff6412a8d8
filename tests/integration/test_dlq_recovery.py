"""What Moogsoft refuses for good becomes a dead letter, and nothing else does."""

from typing import Any

import psycopg2
import pytest

from tests.mutt import Mutt, event

pytestmark = pytest.mark.stack

DOWN = "Interface Gi0/9, changed state to down"


def test_events_that_moogsoft_refuses_become_dead_letters_through_the_queue(mutt: Mutt):
    before = mutt.settled()
    mutt.misbehave("400")
    try:
        identifiers = mutt.send(*(event(hostname=f"refused-{number}", message=DOWN) for number in range(3)))
        stories = [mutt.outcome(identifier, "dead") for identifier in identifiers]
    finally:
        mutt.misbehave("ok")
    assert {story["reason"] for story in stories} == {"refused"}
    after = mutt.settled()
    assert after["dead"] - before["dead"] == 3
    assert [_letter(mutt, identifier) for identifier in identifiers] == [("moog", "refused", 1)] * 3


def _letter(mutt: Mutt, identifier: str) -> tuple[Any, ...] | None:
    connection = psycopg2.connect(mutt.stack.database_url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT stage, reason, count(*) OVER () FROM audit_deadletter WHERE event_id = %s", [identifier]
            )
            return cursor.fetchone()
    finally:
        connection.close()
