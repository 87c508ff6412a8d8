"""The rule set of a process."""

import contextlib
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import Error, OperationalError, connection, connections, transaction

from rules.event import Event, Handling, Severity
from rules.matching import MatchType, decide
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


def test_a_rule_is_loaded_with_all_that_it_says():
    row = save(
        name="Down",
        match_type="oid_prefix",
        match_string="Link",
        trap_oid="1.3.6",
        syslog_severity="Error",
        priority=7,
        prod_handling="Page_only",
        dev_handling="Ticket_only",
        team_assignment="ROUTING",
    )
    (rule,) = load_rule_set().rules
    assert (rule.id, rule.name, rule.priority, rule.team) == (row.pk, "Down", 7, "ROUTING")
    assert (rule.match_type, rule.match_string, rule.trap_oid) == (MatchType.OID_PREFIX, "Link", "1.3.6")
    assert (rule.prod_handling, rule.dev_handling) == (Handling.PAGE_ONLY, Handling.TICKET_ONLY)
    assert rule.syslog_severity is Severity.ERROR


def test_what_the_table_holds_decides_as_it_says():
    save(priority=2)
    winner = save(priority=1, prod_handling="Page_only")
    save(priority=1)
    save(priority=1, is_active=False)
    decision = decide(Event("h", "X"), load_rule_set())
    assert decision.rule is not None
    assert (decision.rule.id, decision.handling) == (winner.pk, Handling.PAGE_ONLY)


def test_a_broken_rule_that_got_past_all_checks_does_not_stop_the_others(caplog: pytest.LogCaptureFixture):
    save(match_type="regex", match_string="(")
    save(prod_handling="Shout")
    save(dev_handling="")
    save(match_type="startswith")
    save(syslog_severity="Loud")
    good = save()
    with caplog.at_level(logging.ERROR):
        loaded = load_rule_set()
    assert [rule.id for rule in loaded.rules] == [good.pk]
    assert caplog.text.count("is left out") == 5


def test_a_change_is_seen_when_the_known_version_is_old_enough_and_not_before():
    clock = Clock()
    current = CurrentRuleSet(max_age_s=1, clock=clock)
    first = current.get()
    rule = save()
    clock.now = 0.9
    assert current.get() is first
    clock.now = 1.0
    assert [one.id for one in current.get().rule_set.rules] == [rule.pk]


def test_an_unchanged_rule_set_is_not_loaded_again():
    clock = Clock()
    current = CurrentRuleSet(max_age_s=1, clock=clock)
    first = current.get()
    clock.now = 5
    assert current.get() is first


@contextlib.contextmanager
def postgresql_away() -> Iterator[None]:
    """New connections go to a port where nobody listens."""
    ours = connections["default"]
    lost = connection.copy()
    lost.settings_dict = {**lost.settings_dict, "PORT": "1"}
    connections["default"] = lost
    try:
        yield
    finally:
        connections["default"] = ours


def test_while_postgresql_is_away_the_last_rule_set_decides_and_its_changes_are_seen_afterwards(
    caplog: pytest.LogCaptureFixture,
):
    save()
    clock = Clock()
    current = CurrentRuleSet(max_age_s=1, clock=clock)
    known = current.get()
    rule = save()
    with postgresql_away():
        for clock.now in (2.0, 2.5, 2.9, 3.0):
            assert current.get() is known
        assert caplog.text.count(f"deciding by version {known.version}") == 2  # asked once a second
        assert current.get().decide(Event("h", "x")).rule is not None
    clock.now = 4.0
    assert rule.pk in {one.id for one in current.get().rule_set.rules}


def test_while_postgresql_is_away_and_no_rule_set_is_known_the_error_is_told():
    current = CurrentRuleSet(max_age_s=1, clock=Clock())
    with postgresql_away(), pytest.raises(OperationalError):
        current.get()
    assert current.get().rule_set.rules == ()


@pytest.mark.usefixtures("committed_rules")
def test_a_connection_that_was_lost_does_not_stop_what_the_last_rule_set_can_decide():
    clock = Clock()
    current = CurrentRuleSet(max_age_s=1, clock=clock)
    known = current.get()
    connection.connection.close()
    try:
        for clock.now in (2.0, 4.0):
            assert current.get() is known
        with pytest.raises(Error):
            load_rule_set()
    finally:
        connection.close()
    assert load_rule_set().version == known.version


@pytest.mark.usefixtures("committed_rules")
def test_a_rule_set_is_read_as_of_one_moment_while_others_change_it():
    first, second = save(name="0"), save(name="0")
    host = DevelopmentHost.objects.create(hostname="0")
    stop = threading.Event()

    def change() -> None:
        try:
            turn = 0
            while not stop.is_set():
                turn += 1
                with transaction.atomic():
                    DevelopmentHost.objects.filter(pk=host.pk).update(hostname=str(turn))
                    Rule.objects.filter(pk=first.pk).update(name=str(turn))
                    Rule.objects.filter(pk=second.pk).update(name=str(turn))
        finally:
            connection.close()

    writer = threading.Thread(target=change)
    writer.start()
    try:
        seen = [load_rule_set() for _ in range(150)]
    finally:
        stop.set()
        writer.join()
    versions: dict[int, set[str]] = {}
    for loaded in seen:
        names = {rule.name for rule in loaded.rules} | loaded.development_hosts
        assert len(names) == 1
        versions.setdefault(loaded.version, set()).update(names)
    assert all(len(names) == 1 for names in versions.values())
    assert len(versions) > 5
