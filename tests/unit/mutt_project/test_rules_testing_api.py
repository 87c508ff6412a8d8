"""Trying rules out over the API: what they say of an event and why, with an unsaved draft, and on the past."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from audit.ids import event_id, new_batch_id
from audit.models import Record
from rules import backtesting
from rules.backtest_models import Backtest
from rules.models import DevelopmentHost, DeviceTeam, Rule
from rules.ruleset import CurrentRuleSet
from tests.unit.forwarder.records import alert
from tests.unit.mutt_project.calls import RULE, faults, get, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_rule_set", "redis_server")]


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    current = CurrentRuleSet(max_age_s=0)
    for module in ("rules.api.testing", "rules.backtesting", "rules.warnings"):
        monkeypatch.setattr(f"{module}.current_rule_set", current)


def make(name: str, **fields: Any) -> Rule:
    return Rule.objects.create(**{**RULE, "name": name, **fields})


def tried(client: Client, event: Any, draft: Any = None, status: int = 200) -> Any:
    body = {"event": event} if draft is None else {"event": event, "draft": draft}
    return send(client, "POST", "rules/test", body, status)


def test_the_decision_is_told_with_all_that_matched_and_why(reader):
    make("weak", priority=500)
    strong = make("strong", priority=5, match_type="regex", match_string="(?i)link d..n", team_assignment="CORE")
    make("elsewhere", match_string="power")
    DevelopmentHost.objects.create(hostname="lab-1")
    answer = tried(
        reader, {"hostname": "LAB-1", "message": "The link down on Gi0/1", "timestamp": "2026-11-23T08:30:00Z"}
    )
    assert answer["winner"]["id"] == strong.pk
    assert (answer["handling"], answer["environment"], answer["team"]) == ("Ignore", "dev", "CORE")
    assert answer["outcome"] == "ignored"
    assert [one["name"] for one in answer["candidates"]] == ["strong", "weak"]
    assert [one["wins"] for one in answer["candidates"]] == [True, False]
    assert "its priority 500 comes after 5 of “strong”" in answer["candidates"][1]["why"]
    assert answer["candidates"][0]["highlights"] == [{"field": "message", "begin": 4, "end": 13}]
    assert "“LAB-1” is on the list of development hosts" in answer["environment_why"]
    assert "the team of the rule “strong”" in answer["team_why"]


def test_an_event_that_no_rule_matches_has_no_winner_and_its_near_misses_are_told(reader):
    make("severe", syslog_severity="Error")
    make("off", is_active=False)
    DeviceTeam.objects.create(hostname="edge", team="FIELD")
    answer = tried(reader, {"hostname": "edge", "message": "link down", "severity": "info"})
    assert (answer["winner"], answer["handling"], answer["candidates"]) == (None, None, [])
    assert (answer["environment"], answer["team"], answer["outcome"]) == ("prod", "FIELD", "unmatched")
    why = {one["name"]: one["why"] for one in answer["near_misses"]}
    assert "it wants Error, the event is Info" in why["severe"]
    assert "not active" in why["off"]


def test_a_draft_is_tried_beside_the_saved_rules_and_not_saved(reader):
    make("saved", priority=50)
    draft = {"match_string": "down", "priority": 10, "prod_handling": "Ticket_only", "dev_handling": "Ignore"}
    answer = tried(reader, {"message": "down"}, draft)
    assert (answer["winner"]["id"], answer["handling"]) == (None, "Ticket_only")
    assert [one["name"] for one in answer["candidates"]] == ["message contains “down”", "saved"]
    assert tried(reader, {"message": "down"}, {**draft, "priority": 50})["winner"]["name"] == "saved"
    assert Rule.objects.count() == 1


def test_a_draft_with_an_id_stands_in_for_that_rule(reader):
    rule = make("saved")
    assert tried(reader, {"message": "down"}, {"id": rule.pk, "match_string": "up"})["winner"] is None
    assert tried(reader, {"message": "UP"}, {"id": rule.pk, "match_string": "up"})["winner"]["id"] == rule.pk
    off = tried(reader, {"message": "down"}, {"id": rule.pk, "is_active": False})
    assert (off["winner"], off["candidates"]) == (None, [])


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/event"),
        ({"event": {"message": "x", "hostname": "two words"}}, "/event/hostname"),
        ({"event": {"message": "x", "trap_oid": "linkDown!"}}, "/event/trap_oid"),
        ({"event": []}, "/event"),
        ({"event": [{"message": "x", "hostname": "a"}, {"message": "x", "hostname": "a"}]}, "/event"),
        ({"event": 7}, "/event"),
        (
            {"event": {"message": "x"}, "draft": {**RULE, "match_type": "regex", "match_string": "("}},
            "/draft/match_string",
        ),
        ({"event": {"message": "x"}, "draft": {"id": 10**30}}, "/draft/id"),
        ({"event": {"message": "x"}, "draft": {"id": 5}}, "/draft/id"),
        ({"event": {"message": "x"}, "draft": {"id": "5"}}, "/draft/id"),
        ({"event": {"message": "x"}, "draft": []}, "/draft"),
    ],
)
def test_what_cannot_be_tried_is_refused_beside_its_field(reader, body, pointer):
    problem = send(reader, "POST", "rules/test", body, 400)
    assert pointer in faults(problem), problem


@pytest.mark.parametrize(
    "event",
    [
        "<187>Nov 23 08:30:00 core-1 %LINK-3-UPDOWN: Interface Gi0/1, changed state to down",
        {"host": "core-1", "msg": "changed state to down", "severity": "err"},
        {"trap_oid": "1.3.6.1.6.3.1.1.5.3", "message": "down"},
    ],
)
def test_an_event_is_read_as_the_webhook_would_read_it(reader, event):
    make("Down")
    assert tried(reader, event)["winner"]["name"] == "Down"


def test_an_oid_rule_ends_at_a_dot(reader):
    make("cisco", match_type="oid_prefix", match_string=None, trap_oid="1.3.6.1.4.1.9")
    assert tried(reader, {"hostname": "a", "trap_oid": "1.3.6.1.4.1.9.9.41"})["winner"]["name"] == "cisco"
    assert tried(reader, {"hostname": "a", "trap_oid": "1.3.6.1.4.1.94"})["winner"] is None


def test_a_key_needs_no_more_than_the_scope_read_to_try_rules(make_key):
    client = Client(headers={"X-API-KEY": make_key("ingest", name="a sensor")})
    tried(client, {"message": "x"}, status=403)


def record(number: int, message: str, **fields: Any) -> Record:
    batch = new_batch_id(datetime.now(UTC) - timedelta(minutes=number))
    one = alert(message=message, **fields)
    one.event_id = event_id(batch, 0)
    one.save(force_insert=True)
    return one


def test_a_backtest_counts_what_a_draft_would_change_by_from_and_to(writer):
    make("Down", priority=100)
    events = [record(number, "link down") for number in range(3)] + [record(9, "quiet", hostname="q")]
    draft = {
        "name": "Narrow",
        "match_string": "link down",
        "priority": 1,
        "prod_handling": "Ignore",
        "dev_handling": "Ignore",
    }
    done = send(writer, "POST", "rules/backtests", {"draft": draft, "events": 100}, 202)
    assert (done["status"], done["examined"], done["changed"], done["progress"]) == ("done", 4, 3, 1.0)
    (transition,) = done["transitions"]
    assert transition["from"] == {"outcome": "forwarded", "handling": "Page_only", "rule": "Down", "team": "NETO"}
    assert transition["to"] == {"outcome": "ignored", "handling": "Ignore", "rule": "Narrow", "team": "NETO"}
    assert transition["count"] == 3
    assert {one["id"] for one in transition["examples"]} == {str(one.event_id) for one in events[:3]}
    assert get(writer, f"rules/backtests/{done['id']}")["changed"] == 3
    assert send(writer, "POST", "rules/backtests", {"draft": draft, "events": 2}, 202)["changed"] == 2
    assert send(writer, "POST", "rules/backtests", {"draft": draft, "days": 1}, 202)["examined"] == 4


def test_a_long_backtest_goes_on_slice_by_slice_and_survives_a_change_of_the_rules(writer, monkeypatch):
    monkeypatch.setattr(backtesting, "PAGE", 2)
    monkeypatch.setattr(backtesting, "SLICE_S", 0.0)
    queued: list[UUID] = []
    monkeypatch.setattr("rules.api.testing.queue_backtest", queued.append)
    rule = make("Down")
    for number in range(7):
        record(number, "link down")
    started = send(writer, "POST", "rules/backtests", {"draft": {"id": rule.pk, "is_active": False}, "events": 6}, 202)
    assert (started["status"], started["examined"]) == ("running", 2)
    (identifier,) = queued
    make("Other", priority=900)
    now = datetime.now(UTC)
    while backtesting.do_slice(identifier, now):
        pass
    done = get(writer, f"rules/backtests/{identifier}")
    assert (done["status"], done["examined"], done["changed"]) == ("done", 6, 6)
    assert done["transitions"][0]["to"]["rule"] == "Other"
    assert not backtesting.do_slice(identifier, now)


def test_backtests_that_nobody_works_on_are_found(writer):
    now = datetime.now(UTC)
    make("Down")
    draft = Rule.objects.get()
    one = backtesting.start(draft, "me", now, most_events=5, since=None)
    assert backtesting.unfinished(now + timedelta(minutes=1)) == []
    Backtest.objects.update(status="running")
    assert backtesting.unfinished(now + timedelta(minutes=1)) == [one.pk]
    assert backtesting.unfinished(now - timedelta(minutes=1)) == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"draft": {"match_string": "x"}}, "/draft/prod_handling"),
        ({"draft": RULE, "events": 1, "days": 1}, "/days"),
        ({"draft": RULE, "events": 0}, "/events"),
        ({"draft": RULE, "days": 10**9}, "/days"),
        ({}, "/draft"),
    ],
)
def test_a_backtest_that_cannot_be_run_is_refused(writer, body, pointer):
    assert pointer in faults(send(writer, "POST", "rules/backtests", body, 400))


def test_a_backtest_that_is_not_there_is_404(reader):
    assert "kept for 7 days" in get(reader, f"rules/backtests/{UUID(int=1)}", 404)["detail"]
