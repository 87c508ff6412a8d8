"""Every rule set that ever decided can be had again, also when many change the rules at once."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from rules.event import Event, Severity
from rules.matching import RuleSet
from rules.models import DevelopmentHost, DeviceTeam, Rule, RuleSetChange
from rules.past import UnknownVersionError, rules_of
from rules.ruleset import load_rule_set

pytestmark = pytest.mark.django_db


def save(**fields: Any) -> Rule:
    values = {"name": "n", "match_string": "x", "prod_handling": "Ignore", "dev_handling": "Ticket_only"}
    return Rule.objects.create(**{**values, **fields})


def in_order(rule_set: RuleSet) -> RuleSet:
    """The same, whatever order it was read in."""
    return RuleSet(rule_set.version, rule_set.by_precedence, rule_set.development_hosts, dict(rule_set.teams))


def test_each_version_is_had_again_as_it_was_loaded():
    rule = save(match_type="regex", match_string="a+", syslog_severity="Error", trap_oid=None)
    seen = [load_rule_set()]
    steps = [
        lambda: save(name="second", priority=7, trap_oid="1.3.6", match_type="oid_prefix"),
        lambda: Rule.objects.filter(pk=rule.pk).update(priority=3, team_assignment="T", match_string="b"),
        lambda: DevelopmentHost.objects.create(hostname="LAB"),
        lambda: DeviceTeam.objects.create(hostname="Edge", team="FIELD"),
        lambda: Rule.objects.filter(pk=rule.pk).update(is_active=False),
        lambda: DeviceTeam.objects.update(team="CORE"),
        lambda: Rule.objects.filter(name="second").delete(),
        lambda: DevelopmentHost.objects.all().delete(),
        lambda: Rule.objects.filter(pk=rule.pk).update(is_active=True),
    ]
    with connection.cursor() as cursor:
        for step in steps:
            # A test is one transaction; each of these changes shall be one of its own.
            cursor.execute("SELECT set_config('mutt.change_number', '', true)")
            step()
            seen.append(load_rule_set())
    assert [in_order(rules_of(one.version).rules.rule_set) for one in seen] == [in_order(one) for one in seen]
    assert len({one.version for one in seen}) == len(steps) + 1


def test_a_rule_that_was_switched_off_then_is_known_too():
    rule = save(is_active=False)
    past = rules_of(load_rule_set().version)
    assert [one.id for one in past.inactive] == [rule.pk]
    assert past.explain(Event("h", "x")).near_misses[0].why == "It would match, but it is not active."


@pytest.mark.parametrize("beside", [-1, 1])
def test_a_version_from_before_or_after_what_is_known_is_said_to_be_unknown(beside: int):
    save()
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(version), max(version) FROM rules_rulesetchange")
        first, last = cursor.fetchone()
    with pytest.raises(UnknownVersionError, match="not known any more"):
        rules_of(first - 1 if beside < 0 else last + 1)


def test_what_was_rolled_back_to_a_savepoint_is_in_no_version():
    save(name="kept")
    with transaction.atomic():
        save(name="undone")
        transaction.set_rollback(True)
    save(name="after")
    assert {rule.name for rule in rules_of(load_rule_set().version).rules.rule_set.rules} == {"kept", "after"}


def test_what_was_truncated_is_gone_from_then_on():
    save()
    before = load_rule_set().version
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('mutt.change_number', '', true)")
        cursor.execute("TRUNCATE rules_rule")
    assert len(rules_of(before).rules.rule_set.rules) == 1
    assert rules_of(load_rule_set().version).rules.rule_set.rules == ()


def test_what_was_there_before_this_was_kept_is_known_from_the_version_of_that_moment_on():
    call_command("migrate", "rules", "0003", verbosity=0)
    rule, changed = save(name="old"), save(name="before")
    Rule.objects.filter(pk=changed.pk).update(name="changed")
    save(name="gone").delete()
    version = load_rule_set().version
    call_command("migrate", "rules", verbosity=0)
    assert names(version) == {"old", "changed"}
    Rule.objects.filter(pk=rule.pk).delete()
    assert (names(version), names(load_rule_set().version)) == ({"old", "changed"}, {"changed"})
    with pytest.raises(UnknownVersionError):
        rules_of(version - 1)


class Another:
    """A connection of its own, whose transaction stays open until it is told to end."""

    def __init__(self) -> None:
        self.changed, self.commit = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            with transaction.atomic():
                # The row is changed, and the history written; only the version has to wait for its turn.
                save(name="the other's")
                self.changed.set()
                assert self.commit.wait(30)
        finally:
            connection.close()


@pytest.fixture
def another() -> Iterator[Another]:
    one = Another()
    yield one
    one.commit.set()
    one.thread.join()


@pytest.mark.usefixtures("committed_rules")
def test_a_change_that_is_not_committed_yet_is_in_no_version_and_comes_with_the_next(another: Another):
    save(name="ours")
    before = load_rule_set_version()
    another.thread.start()
    assert another.changed.wait(30)
    assert names(before) == {"ours"}
    another.commit.set()
    another.thread.join()
    after = load_rule_set_version()
    assert (names(before), names(after)) == ({"ours"}, {"ours", "the other's"})


def load_rule_set_version() -> int:
    return load_rule_set().version


def names(version: int) -> set[str]:
    return {rule.name for rule in rules_of(version).rules.rule_set.rules}


@pytest.mark.usefixtures("committed_rules")
def test_one_that_began_first_and_raises_the_version_last_is_in_the_later_version_alone():
    """Numbers are given in the order in which transactions begin to change; versions in that of their commits."""
    rule = save(name="0")
    began, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT rules_change_number()")
                began.set()
                assert go_on.wait(30)
                Rule.objects.filter(pk=rule.pk).update(name="slow")
        finally:
            connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    assert began.wait(30)
    Rule.objects.filter(pk=rule.pk).update(name="quick")
    between = load_rule_set()
    go_on.set()
    thread.join()
    last = load_rule_set()
    assert (
        RuleSetChange.objects.get(version=last.version).number
        < RuleSetChange.objects.get(version=between.version).number
    )
    assert [names(between.version), names(last.version)] == [{"quick"}, {"slow"}]


@pytest.mark.usefixtures("committed_rules")
def test_whatever_others_change_meanwhile_each_version_that_was_loaded_is_had_again():
    rules = [save(name="0") for _ in range(3)]
    stop = threading.Event()

    def change(worker: int) -> None:
        try:
            turn = 0
            while not stop.is_set():
                turn += 1
                with transaction.atomic():
                    Rule.objects.filter(pk=rules[turn % 3].pk).update(name=f"{worker}.{turn}")
                    DevelopmentHost.objects.create(hostname=f"lab-{worker}-{turn}")
                    DevelopmentHost.objects.filter(hostname=f"lab-{worker}-{turn - 3}").delete()
        finally:
            connection.close()

    writers = [threading.Thread(target=change, args=(worker,)) for worker in range(2)]
    for writer in writers:
        writer.start()
    try:
        seen = [load_rule_set() for _ in range(60)]
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert len({one.version for one in seen}) > 5
    for one in seen:
        assert in_order(rules_of(one.version).rules.rule_set) == in_order(one)


def test_a_severity_alone_is_no_near_miss():
    save(match_string=None, syslog_severity="Error")
    explanation = rules_of(load_rule_set().version).explain(Event("h", "x", Severity.INFO))
    assert (explanation.candidates, explanation.near_misses) == ([], [])
