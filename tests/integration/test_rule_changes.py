"""A change of rules reaches every worker within two seconds, whole, and each record names the version that decided."""

import json
import time
from collections import defaultdict
from collections.abc import Iterator

import pytest

from tests.mutt import Mutt, event

pytestmark = pytest.mark.stack

TEXT = "a text that only these two rules know"


@pytest.fixture
def pair(mutt: Mutt) -> Iterator[tuple[int, int]]:
    """Two rules of the same condition; the one that is before the other wins."""
    rules = [
        mutt.api("rules", "POST", {"name": name, "match_string": TEXT, "priority": priority, **handling})["id"]
        for name, priority, handling in (
            ("one of the pair", 1, {"prod_handling": "Ticket_only", "dev_handling": "Ignore"}),
            ("the other", 2, {"prod_handling": "Page_only", "dev_handling": "Ignore"}),
        )
    ]
    yield rules[0], rules[1]
    mutt.api("rules/bulk", "POST", {"delete": rules})


def swap(mutt: Mutt, first: int, second: int) -> int:
    """Give the two each other's priority in one change; returns the version that it made."""
    entries = [{"id": first, "priority": 1}, {"id": second, "priority": 2}]
    version: int = mutt.api("rules/bulk", "POST", {"entries": entries})["rule_set_version"]
    return version


def test_two_seconds_after_a_change_every_worker_decides_by_it(mutt: Mutt, pair: tuple[int, int]):
    first, second = pair
    for _ in range(3):
        first, second = second, first
        version = swap(mutt, first, second)
        time.sleep(2)
        # Many batches at once, so that each of the workers gets some.
        identifiers = [mutt.send(event(message=TEXT))[0] for _ in range(40)]
        stories = [mutt.outcome(identifier, "delivered") for identifier in identifiers]
        assert {story["rule_id"] for story in stories} == {first}
        assert {story["rule_set_version"] for story in stories} == {version}


def test_no_event_sees_half_a_change(mutt: Mutt, pair: tuple[int, int]):
    first, second = pair
    winners = {}
    identifiers: list[str] = []
    for _ in range(12):
        first, second = second, first
        winners[swap(mutt, first, second)] = first
        identifiers += [mutt.send(*(event(message=TEXT) for _ in range(5)))[0] for _ in range(12)]
        time.sleep(0.3)  # so that some of the versions are seen
    decided = defaultdict(set)
    for identifier in identifiers:
        story = mutt.outcome(identifier, "delivered")
        decided[story["rule_set_version"]].add(story["rule_id"])
    known = {version: rules for version, rules in decided.items() if version in winners}
    assert len(known) >= 2
    assert known == {version: {winners[version]} for version in known}


def test_what_a_bad_rule_has_ignored_is_decided_anew_by_the_rules_of_now(mutt: Mutt, pair: tuple[int, int]):
    """As docs/disaster-recovery.md has it; the alert is the one that it would have been."""
    rule = pair[0]
    mutt.api(f"rules/{rule}", "PATCH", {"prod_handling": "Ignore"})
    time.sleep(2)
    ignored = mutt.send(event(message=TEXT, alert_key="door 7", hostname="bad-rule-1"))[0]
    assert mutt.outcome(ignored, "ignored")["rule_id"] == rule
    mutt.api(f"rules/{rule}", "PATCH", {"prod_handling": "Ticket_only"})
    time.sleep(2)
    exported = mutt.export(f"form=events&rule_id={rule}&outcome=ignored")
    assert json.loads(exported)["sent_before_as"] == ignored
    answer = mutt.post(exported, "application/x-ndjson")
    story = mutt.outcome(answer.json()["events"][0]["id"], "delivered")
    assert story["deduplication_key"] == f"mutt:{rule}:bad-rule-1:door 7"
    assert mutt.event(ignored)["outcome"] == "ignored"
