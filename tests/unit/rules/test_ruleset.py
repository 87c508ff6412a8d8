"""The rule set of a process."""

import logging
from typing import Any

import pytest
from django.db import OperationalError, connection, connections

from rules.event import Event
from rules.matching import decide
from rules.models import DevelopmentHost, DeviceTeam, Rule
from rules.ruleset import CurrentRuleSet, load_rule_set

pytestmark = pytest.mark.django_db


def save(**fields: Any) -> Rule:
    values = {"name": "n", "match_string": "x", "prod_handling": "Ignore", "dev_handling": "Ticket_only"}
    return Rule.objects.create(**{**values, **fields})


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_active_rules_hosts_and_teams_are_loaded_with_their_version():
    active = save(match_type="regex", match_string="a+", team_assignment="T", syslog_severity="Error")
    save(is_active=False)
    DevelopmentHost.objects.create(hostname="LAB")
    DeviceTeam.objects.create(hostname="Edge", team="FIELD")
    loaded = load_rule_set()
    assert [rule.id for rule in loaded.rules] == [active.pk]
    assert loaded.development_hosts == frozenset({"lab"})
    assert dict(loaded.teams) == {"edge": "FIELD"}
    save()
    assert load_rule_set().version == loaded.version + 1


def test_a_broken_rule_that_got_past_all_checks_does_not_stop_the_others(caplog: pytest.LogCaptureFixture):
    save(match_type="regex", match_string="(")
    save(prod_handling="Shout")
    good = save()
    with caplog.at_level(logging.ERROR):
        loaded = load_rule_set()
    assert [rule.id for rule in loaded.rules] == [good.pk]
    assert caplog.text.count("is left out") == 2


def test_a_change_is_seen_when_the_known_version_is_old_enough_and_not_before():
    clock = Clock()
    current = CurrentRuleSet(max_age_s=1, clock=clock)
    first = current.get()
    rule = save()
    clock.now = 0.9
    assert current.get() is first
    clock.now = 1.0
    assert [one.id for one in current.get().rules] == [rule.pk]


def test_an_unchanged_rule_set_is_not_loaded_again():
    clock = Clock()
    current = CurrentRuleSet(max_age_s=1, clock=clock)
    first = current.get()
    clock.now = 5
    assert current.get() is first


def test_while_postgresql_is_away_the_last_rule_set_decides_and_without_one_the_error_is_told():
    save()
    clock = Clock()
    current = CurrentRuleSet(max_age_s=1, clock=clock)
    known = current.get()
    ours = connections["default"]
    lost = connection.copy()
    lost.settings_dict = {**lost.settings_dict, "PORT": "1"}
    connections["default"] = lost
    try:
        clock.now = 2
        assert current.get() is known
        assert decide(Event("h", "x"), current.get()).rule is not None
        with pytest.raises(OperationalError):
            CurrentRuleSet(max_age_s=1, clock=clock).get()
    finally:
        connections["default"] = ours
