"""From a claimed batch to its records."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from audit.canary import NAME, canary_event
from audit.connections import redis_client
from audit.ids import event_id, new_batch_id
from audit.journal import OPEN, Claim
from audit.outcomes import Outcome, Stage
from audit.record import RecordRow
from rules.compiled import Matcher
from rules.deciding import decide_batches, type_of_counter
from rules.event import Handling
from rules.matching import MatchType, Rule, RuleSet
from rules.unmatched import Unmatched
from tests.unit.audit.batches import NOW, journal

PAGE = Rule(
    id=7,
    priority=1,
    name="Down",
    match_type=MatchType.CONTAINS,
    match_string="down",
    prod_handling=Handling.PAGE_ONLY,
    dev_handling=Handling.IGNORE,
    team="ROUTING",
)
RULES = Matcher(RuleSet(version=9, rules=(PAGE,), development_hosts=frozenset({"lab"}), teams={"edge": "FIELD"}))


def claim_of(*events: tuple[str, str], **canonical: Any) -> Claim:
    batch = new_batch_id(NOW)
    items = [
        {
            "id": str(event_id(batch, number)),
            "event": {"hostname": host, "message": message, "extra": 1},
            "canonical": {
                "hostname": host,
                "message": message,
                "syslog_severity": "Error",
                "trap_oid": None,
                "source_type": "syslog",
                "event_time": NOW.isoformat(),
                **canonical,
            },
        }
        for number, (host, message) in enumerate(events)
    ]
    fields = {"batch": batch, "events": items, "size": len(items), "seq": 40, "api_key": "k", "address": "a"}
    return Claim(journal=journal(), token="t", attempt=1, lease_s=1, grace_s=1, **fields)  # type: ignore[arg-type]


def nothing_reached(unmatched: Mapping[UUID, Sequence[Unmatched]]) -> set[UUID]:
    return set()


def decide_batch(claim: Claim, rules: Matcher, count: type_of_counter, now: datetime) -> list[RecordRow]:
    return decide_batches([claim], rules, count, now)[claim.batch]


def test_each_event_gets_the_outcome_that_rule_and_environment_say():
    claim = claim_of(("edge", "link down"), ("LAB", "link down"), ("edge", "quiet"))
    paged, ignored, unmatched = decide_batch(claim, RULES, nothing_reached, NOW)
    assert [row.outcome.value for row in (paged, ignored, unmatched)] == ["pending", "ignored", "unmatched"]
    assert (paged.handling, paged.environment, paged.team, paged.rule_id) == ("Page_only", "prod", "ROUTING", 7)
    assert (ignored.handling, ignored.environment, ignored.outcome_at) == ("Ignore", "dev", NOW)
    assert (unmatched.handling, unmatched.team, unmatched.rule_id, unmatched.rule_name) == ("", "FIELD", None, "")
    assert {row.rule_set_version for row in (paged, ignored, unmatched)} == {9}
    assert (paged.outcome_at, paged.event_time, paged.journal_seq) == (None, NOW, 40)
    assert paged.event == {"hostname": "edge", "message": "link down", "extra": 1}
    assert paged.deduplication_key.startswith("mutt:7:edge:")


def test_a_trap_without_severity_and_time_leaves_those_fields_empty():
    claim = claim_of(("edge", "link down"), syslog_severity=None, event_time=None, trap_oid="1.3.6", source_type="trap")
    (row,) = decide_batch(claim, RULES, nothing_reached, NOW)
    assert (row.syslog_severity, row.event_time, row.trap_oid, row.source_type) == ("", None, "1.3.6", "trap")
    assert (row.event_id, row.received_at, row.api_key, row.address) == (event_id(claim.batch, 0), NOW, "k", "a")
    assert (row.hostname, row.message, row.rule_name) == ("edge", "link down", "Down")


def test_alerts_are_one_problem_by_rule_host_and_object():
    def key(host: str, message: str, rules: Matcher = RULES, **canonical: Any) -> str:
        (row,) = decide_batch(claim_of((host, message), **canonical), rules, nothing_reached, NOW)
        return row.deduplication_key

    other_rule = Matcher(RuleSet(version=9, rules=(replace(PAGE, id=8),)))
    assert key("edge", "Gi0/1 down") == key("EDGE.", "gi0/1  DOWN") != ""
    assert key("edge", "quiet") == ""
    different = {
        key("edge", "Gi0/1 down"),
        key("edge", "Gi0/2 down"),
        key("core", "Gi0/1 down"),
        key("edge", "Gi0/1 down", trap_oid="1.3.6"),
        key("edge", "Gi0/1 down", other_rule),
    }
    assert len(different) == 5


def test_only_the_unmatched_are_counted_under_host_and_signature():
    counted: list[Unmatched] = []

    def count(unmatched: Mapping[UUID, Sequence[Unmatched]]) -> set[UUID]:
        counted.extend(unmatched[claim.batch])
        return set()

    claim = claim_of(("edge", "link down"), ("edge", "retry 1"), ("edge", "retry 2"), ("core", "retry 3"))
    decide_batch(claim, RULES, count, NOW)
    assert [event.hostname for event in counted] == ["edge", "edge", "core"]
    assert len({event.signature for event in counted}) == 1


def test_the_event_at_the_threshold_becomes_the_meta_alert():
    claim = claim_of(("edge", "retry 1"), ("edge", "retry 2"))
    second = event_id(claim.batch, 1)
    plain, meta = decide_batch(claim, RULES, lambda unmatched: {second}, NOW)
    assert (plain.outcome, meta.outcome) == (Outcome.UNMATCHED, Outcome.PENDING)
    assert (meta.reason, meta.handling, meta.team, meta.outcome_at) == (
        "unmatched_threshold",
        "Ticket_only",
        "FIELD",
        None,
    )
    assert meta.deduplication_key.startswith("mutt:unmatched:edge:")


def test_what_a_rule_has_won_meanwhile_is_no_meta_alert_though_the_counter_remembers_it():
    claim = claim_of(("edge", "link down"), ("edge", "retry 1"))
    first = event_id(claim.batch, 0)
    paged, unmatched = decide_batch(claim, RULES, lambda unmatched: {first}, NOW)
    assert (paged.handling, paged.reason, paged.rule_id) == ("Page_only", "", 7)
    assert unmatched.outcome is Outcome.UNMATCHED


def test_meta_alerts_are_one_problem_by_host_and_signature():
    def key(host: str, message: str, **canonical: Any) -> str:
        claim = claim_of((host, message), **canonical)
        (meta,) = decide_batch(claim, RULES, lambda unmatched: {event_id(claim.batch, 0)}, NOW)
        return meta.deduplication_key

    assert key("edge", "retry 1") == key("Edge.", "retry 2")
    assert (
        len({key("edge", "retry 1"), key("core", "retry 1"), key("edge", "x"), key("edge", "x", trap_oid="1.3")}) == 4
    )


@pytest.mark.usefixtures("redis_server")
def test_a_long_batch_renews_its_lease_while_it_is_decided():
    books = journal(lease_s=0.02)  # so that a quarter of it is over soon
    batch = new_batch_id(NOW)
    prototype = claim_of(("edge", "quiet")).events[0]
    items = [{**prototype, "id": str(event_id(batch, number))} for number in range(3000)]
    books.open(batch, items, api_key="k", address="a")
    with books.claimed(batch, Stage.VALIDATE) as claim:
        redis_client().zadd(OPEN, {str(batch): 1})
        assert len(decide_batch(claim, RULES, nothing_reached, NOW)) == 3000
        assert (redis_client().zscore(OPEN, str(batch)) or 0) > 1


def canary_claim(**sent: Any) -> Claim:
    claim = claim_of((NAME, "link down"), source_type=NAME)
    claim.events[0]["event"] = {**canary_event("2026-11-23T08:30:00Z", deliver=False), **sent}
    return claim


def nothing_counted(unmatched: Mapping[UUID, Sequence[Unmatched]]) -> set[UUID]:
    assert unmatched == {}
    return set()


def test_a_canary_is_suppressed_whatever_the_rules_say_and_counted_nowhere():
    (row,) = decide_batch(canary_claim(), RULES, nothing_counted, NOW)
    assert (row.outcome, row.reason, row.outcome_at) == (Outcome.SUPPRESSED, "canary", NOW)
    assert (row.rule_id, row.handling, row.deduplication_key, row.rule_set_version) == (None, "", "", 9)


def test_a_canary_that_asks_for_delivery_is_one_clear_alert():
    (row,) = decide_batch(canary_claim(deliver=True), RULES, nothing_counted, NOW)
    assert (row.outcome, row.reason, row.outcome_at) == (Outcome.PENDING, "canary", None)
    assert (row.clears, row.deduplication_key, row.rule_id) == (True, "mutt:canary", None)
    (asked_wrongly,) = decide_batch(canary_claim(deliver="yes"), RULES, nothing_counted, NOW)
    assert asked_wrongly.outcome is Outcome.SUPPRESSED


def test_a_host_that_is_merely_called_so_is_no_canary():
    (row,) = decide_batch(claim_of((NAME, "link down")), RULES, nothing_reached, NOW)
    assert (row.outcome, row.rule_id) == (Outcome.PENDING, 7)
