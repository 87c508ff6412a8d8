"""What became of an event and why, asked of a running MUTT: while it waits, and after the rules were changed."""

import json
import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.mutt import Mutt, event, eventually

pytestmark = pytest.mark.stack

TEXT = "a text that only these rules of why know"


@pytest.fixture
def rule(mutt: Mutt) -> Iterator[int]:
    handling = {"prod_handling": "Ticket_only", "dev_handling": "Ignore"}
    made = [
        mutt.api("rules", "POST", {"name": name, "match_string": TEXT, "priority": priority, **handling})["id"]
        for name, priority in (("The first of why", 1), ("The second of why", 2))
    ]
    time.sleep(2)  # so long after a change every worker decides by it
    yield made[0]
    mutt.api("rules/bulk", "POST", {"delete": made})


def test_why_is_told_by_the_rules_of_that_time_after_they_were_changed(mutt: Mutt, rule: int):
    answer = mutt.post(json.dumps(event(hostname="why-1.", message=TEXT, severity="err")), source="native")
    identifier = answer.json()["events"][0]["id"]
    before = mutt.outcome(identifier, "delivered")
    assert before["received"]["source"] == "native"
    assert {one["field"] for one in before["validated"]["fields"] if one["changed"]} >= {"hostname", "syslog_severity"}
    assert [(one["name"], one["wins"]) for one in before["decision"]["candidates"]] == [
        ("The first of why", True),
        ("The second of why", False),
    ]
    assert [one["status"] for one in before["attempts"]] == [200]
    mutt.api(f"rules/{rule}", "PATCH", {"match_string": "something else", "name": "Renamed"})
    mutt.api("dev-hosts", "POST", {"hostname": "why-1"})
    try:
        assert mutt.event(identifier) == before
        assert before["decision"]["caveat"] is None
    finally:
        mutt.api("dev-hosts/bulk", "POST", {"delete": ["why-1"]})


def why_not(mutt: Mutt, query: str) -> object:
    return mutt.api(f"events/why-not?q={quote(query)}")["verdict"]


@pytest.mark.usefixtures("rule")
def test_what_is_parked_says_until_when_and_is_delivered_afterwards(mutt: Mutt):
    mutt.api("breaker", "PUT", {"state": "open", "reason": "to see it", "for_s": 600})
    try:
        (identifier,) = mutt.send(event(hostname="why-parked", message=TEXT))
        parked = eventually(lambda: (told := mutt.event(identifier))["verdict"] == "parked" and told)
        until = mutt.api("breaker")["forced"]["until"]
        assert (parked["waiting"]["why"], parked["waiting"]["next_try_at"]) == ("forced_open", until)
        assert why_not(mutt, "why-parked") == "parked"
    finally:
        mutt.api("breaker", "PUT", {"state": "automatic", "reason": "seen"})
    assert mutt.outcome(identifier, "delivered")["waiting"] is None
    assert why_not(mutt, identifier) == "delivered"


def test_what_was_refused_and_what_never_came_are_told_apart(mutt: Mutt):
    mutt.post('{"message": "the event without a host that why looks for"}')
    assert eventually(lambda: why_not(mutt, "without a host that why looks for") == "quarantined")
    assert why_not(mutt, "a host that nobody has") == "never_arrived"
