"""What is refused when a rule, a host or a team is saved, and beside which field."""

import contextlib
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from rules.event import Event, Severity
from rules.matching import matches
from rules.models import DevelopmentHost, DeviceTeam, Rule, RuleSetVersion
from rules.ruleset import load_rule_set

pytestmark = pytest.mark.django_db


def draft(**fields: Any) -> Rule:
    values = {"name": "n", "match_string": "x", "prod_handling": "Ignore", "dev_handling": "Ignore"}
    return Rule(**{**values, **fields})


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"match_string": ""}, "match_string"),
        ({"match_string": None}, "match_string"),
        ({"match_type": "regex", "match_string": ""}, "match_string"),
        ({"match_type": "regex", "match_string": "(?<=a)b"}, "match_string"),
        ({"match_type": "oid_prefix"}, "trap_oid"),
        ({"trap_oid": "1.3.x"}, "trap_oid"),
        ({"match_type": "oid_prefix", "trap_oid": "1..3"}, "trap_oid"),
        ({"priority": 0}, "priority"),
        ({"priority": 1001}, "priority"),
        ({"prod_handling": "Shout"}, "prod_handling"),
        ({"syslog_severity": "catastrophic"}, "syslog_severity"),
        ({"match_type": "startswith"}, "match_type"),
        ({"name": "x" * 201}, "name"),
    ],
)
def test_a_rule_that_could_not_work_is_refused_beside_the_field(fields: dict[str, Any], field: str):
    with pytest.raises(ValidationError) as refused:
        draft(**fields).full_clean()
    assert list(refused.value.message_dict) == [field]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"match_type": "regex", "match_string": "(?<=a)b"},
            "cannot be taken: look-around, (?=…)",
        ),
        ({"match_type": "regex", "match_string": r"(a)\1"}, "a back-reference such as \\1"),
        ({"match_type": "regex", "match_string": ""}, "needs an expression, e.g."),
        ({"match_type": "oid_prefix"}, "needs the OID to compare with, e.g. 1.3.6"),
        ({"trap_oid": "1.3.x"}, "numbers joined by dots"),
        ({"match_string": ""}, "this rule would match nothing"),
    ],
)
def test_what_is_refused_says_how_to_mend_it(fields: dict[str, Any], words: str):
    with pytest.raises(ValidationError) as refused:
        draft(**fields).full_clean()
    assert words in " ".join(refused.value.messages)


def test_every_mistake_is_told_at_once():
    with pytest.raises(ValidationError) as refused:
        draft(match_type="regex", match_string="(", trap_oid="x", priority=0, name="x" * 201).full_clean()
    assert set(refused.value.message_dict) == {"match_string", "trap_oid", "priority", "name"}


@pytest.mark.parametrize(
    "fields",
    [
        {"match_string": "x"},
        {"match_type": "regex", "match_string": r"^%LINK-\d-UPDOWN"},
        {"match_type": "oid_prefix", "match_string": None, "trap_oid": "1.3"},
        {"match_string": None, "trap_oid": "1.3"},
        {"match_string": "", "syslog_severity": "Error"},
        {"priority": 1},
        {"priority": 1000},
        {"match_string": "x" * 1000},
    ],
)
def test_a_rule_with_one_condition_is_enough_and_matches_what_it_says(fields: dict[str, Any]):
    rule = draft(**fields)
    rule.full_clean()
    rule.save()
    (loaded,) = load_rule_set().rules
    event = Event("h", f"%LINK-3-UPDOWN {'x' * 1000}", Severity.ERROR, "1.3.6")
    assert matches(loaded, event)


def test_a_good_rule_is_brought_into_canonical_form():
    rule = draft(match_type="oid_prefix", match_string="", trap_oid=" .1.3.6.1", syslog_severity="")
    rule.full_clean()
    assert (rule.match_string, rule.trap_oid, rule.syslog_severity) == (None, "1.3.6.1", None)


@pytest.mark.parametrize("model", [DevelopmentHost, DeviceTeam])
def test_a_host_that_is_listed_already_is_refused_beside_the_field(model: Any):
    extra = {"team": "T"} if model is DeviceTeam else {}
    entry = model(hostname=" Core-1. ", **extra)
    entry.full_clean()
    entry.save()
    assert entry.hostname == "Core-1"
    entry.full_clean()  # itself it may be
    with pytest.raises(ValidationError) as refused:
        model(hostname="CORE-1", **extra).full_clean()
    assert "hostname" in refused.value.message_dict


def renamed(rule: Rule) -> Rule:
    rule.name = "another"
    return rule


def version() -> int:
    return RuleSetVersion.objects.get().version


@pytest.mark.parametrize(
    "change",
    [
        lambda: draft().save(),
        lambda: Rule.objects.bulk_create([draft(), draft()]),
        lambda: DevelopmentHost.objects.create(hostname="h"),
        lambda: DeviceTeam.objects.create(hostname="h", team="T"),
        lambda: Rule.objects.update(priority=5),
        lambda: Rule.objects.all().delete(),
        lambda: Rule.objects.bulk_update([renamed(rule) for rule in Rule.objects.all()], ["name"]),
        lambda: connection.cursor().execute("UPDATE rules_rule SET priority = 7"),
        lambda: connection.cursor().execute("TRUNCATE rules_deviceteam"),
        lambda: connection.cursor().execute("TRUNCATE rules_rule, rules_developmenthost"),
        lambda: connection.cursor().execute("INSERT INTO rules_deviceteam (hostname, team) VALUES ('h', 'T')"),
    ],
)
def test_every_way_of_changing_what_decides_raises_the_version(change: Any):
    draft().save()
    before = version()
    change()
    assert version() > before


def test_looking_raises_nothing():
    draft().save()
    before = version()
    list(Rule.objects.all())
    assert version() == before


def test_a_change_that_is_taken_back_leaves_the_version_as_it_was():
    before = version()
    with contextlib.suppress(ZeroDivisionError), transaction.atomic():
        draft().save()
        assert version() == before + 1
        _ = 1 / 0
    assert version() == before


@pytest.mark.parametrize("model", [DevelopmentHost, DeviceTeam])
def test_the_database_itself_keeps_a_host_from_being_listed_twice(model: Any):
    model.objects.create(hostname="Core-1")
    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.create(hostname="CORE-1")


@pytest.mark.parametrize(
    ("text", "kept"), [("[2001:DB8:0::1]", "2001:db8::1"), ("core-1.example.net.", "core-1.example.net")]
)
def test_a_host_is_listed_by_the_name_that_events_are_looked_up_by(text: str, kept: str):
    entry = DevelopmentHost(hostname=text)
    entry.full_clean()
    entry.save()
    assert (entry.hostname, load_rule_set().development_hosts) == (kept, frozenset({kept}))
