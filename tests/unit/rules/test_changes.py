"""The database keeps the history, whoever makes a change, and nobody can rewrite it."""

import pytest
from django.db import InternalError, connection, transaction

from rules.changes import bring_back, changing, etag_of, history_of
from rules.models import DevelopmentHost, DeviceTeam, Rule, RuleChange

pytestmark = pytest.mark.django_db


def make(**fields: object) -> Rule:
    values = {"name": "n", "match_string": "x", "prod_handling": "Ignore", "dev_handling": "Ignore"}
    return Rule.objects.create(**{**values, **fields})


def test_each_way_of_changing_a_rule_is_kept():
    rule = make()
    rule.priority = 7
    rule.save()
    Rule.objects.update(priority=8)
    Rule.objects.bulk_update([Rule(pk=rule.pk, priority=9)], ["priority"])
    with connection.cursor() as cursor:
        cursor.execute("UPDATE rules_rule SET priority = 10")
    Rule.objects.all().delete()
    changes = history_of(Rule, rule.pk)[::-1]
    assert [change.what for change in changes] == ["added", *["changed"] * 4, "deleted"]
    assert [change.values["priority"] for change in changes] == [100, 7, 8, 9, 10, 10]


def test_saving_without_a_change_is_no_change():
    rule = make()
    rule.save()
    assert len(history_of(Rule, rule.pk)) == 1


@pytest.mark.usefixtures("committed_rules")
def test_author_and_reason_hold_within_the_block_and_not_after_it():
    with changing("ada", "admin", "Grund: é"):
        rule = make()
    Rule.objects.update(priority=7)
    later, first = history_of(Rule, rule.pk)
    assert (first.author, first.via, first.reason) == ("ada", "admin", "Grund: é")
    assert (later.author, later.via, later.reason) == ("", "", "")


@pytest.mark.parametrize("statement", ["UPDATE rules_rulechange SET name = 'forged'", "DELETE FROM rules_rulechange"])
def test_the_history_cannot_be_rewritten(statement: str):
    make()
    refused = pytest.raises(InternalError, match="Cannot update or delete")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert RuleChange.objects.get().name == "n"


def test_an_entry_is_brought_back_with_all_its_fields():
    rule = make(notes="kept", examples={"match": ["x"], "no_match": []}, trap_oid=None)
    before = {field: value for field, value in Rule.objects.values().get().items() if not field.endswith("_at")}
    (added,) = history_of(Rule, rule.pk)
    rule.delete()
    bring_back(Rule, added.id)
    after = {field: value for field, value in Rule.objects.values().get().items() if not field.endswith("_at")}
    assert after == before


@pytest.mark.parametrize(("model", "fields"), [(DevelopmentHost, {}), (DeviceTeam, {"team": "CORE"})])
def test_hosts_and_teams_have_a_history_too(model, fields):
    entry = model.objects.create(hostname="a", **fields)
    entry.delete()
    (pk,) = {
        change.entry_id for change in history_of(model, 0) + history_of(model, model.pgh_event_model.objects.first().id)
    }
    assert [change.what for change in history_of(model, pk)] == ["deleted", "added"]


def test_an_etag_changes_with_every_field_that_is_stored():
    rule = make()
    seen = {etag_of(rule)}
    for name, value in {"notes": "é", "priority": 5, "examples": {"match": ["x"], "no_match": []}}.items():
        setattr(rule, name, value)
        seen.add(etag_of(rule))
    assert len(seen) == 4
    assert all(tag.startswith('"') and tag.isascii() for tag in seen)
