"""What is refused when a rule, a host or a team is saved, and beside which field."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from rules.models import DevelopmentHost, DeviceTeam, Rule, RuleSetVersion

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
        ({"name": ""}, "name"),
    ],
)
def test_a_rule_that_could_not_work_is_refused_beside_the_field(fields: dict[str, Any], field: str):
    with pytest.raises(ValidationError) as refused:
        draft(**fields).full_clean()
    assert list(refused.value.message_dict) == [field]


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
        lambda: connection.cursor().execute("UPDATE rules_rule SET priority = 7"),
        lambda: connection.cursor().execute("TRUNCATE rules_deviceteam"),
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
