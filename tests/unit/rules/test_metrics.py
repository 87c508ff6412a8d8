"""What is told of rules: which are in use and which are left out, who decides by which version, and what fails."""

import pytest
from django.db import OperationalError

from rules.loaded import Loaded, loaded_rule_set, tell_loaded
from rules.matching import LeftOut
from rules.models import Rule
from rules.ruleset import CurrentRuleSet
from tests.counting import growth, sample

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]


def save(match_string: str = "x", **fields: str) -> Rule:
    values = {"name": "n", "match_string": match_string, "prod_handling": "Ignore", "dev_handling": "Ignore"}
    return Rule.objects.create(**{**values, **fields})


def test_a_rule_that_cannot_be_used_is_named_to_everybody_with_why():
    save()
    broken = save("(", match_type="regex", name="Broken")
    version = CurrentRuleSet(max_age_s=0).get().version
    told = loaded_rule_set()
    assert told is not None
    assert (told.version, told.rules, told.left_out_count) == (version, 1, 1)
    (left_out,) = told.left_out
    assert (left_out.rule_id, left_out.name) == (broken.pk, "Broken")
    assert left_out.why


def test_before_any_rules_were_loaded_nothing_is_told():
    assert loaded_rule_set() is None


def test_only_the_first_of_very_many_are_named():
    tell_loaded(7, 3, [LeftOut(number, "n", "why") for number in range(1000)])
    told = loaded_rule_set()
    assert isinstance(told, Loaded)
    assert (told.left_out_count, len(told.left_out)) == (1000, 100)


def test_who_loads_rules_while_redis_is_away_decides_all_the_same(redis_away):
    save()
    assert len(CurrentRuleSet(max_age_s=0).get().rule_set.rules) == 1


def test_a_process_tells_its_version_and_that_it_decides():
    save()
    current = CurrentRuleSet(max_age_s=0)
    version = current.get().version
    assert sample("mutt_rule_set_version") == version
    decided = sample("mutt_rule_set_decided_timestamp_seconds")
    current.get()
    assert sample("mutt_rule_set_decided_timestamp_seconds") > decided > 0


def test_a_reload_that_fails_is_counted_and_the_old_rules_decide(monkeypatch):
    current = CurrentRuleSet(max_age_s=0)
    before = current.get().version
    save()

    def away():
        raise OperationalError

    monkeypatch.setattr("rules.ruleset.load_rule_set", away)
    with growth("mutt_rule_set_reload_failures_total") as failures:
        assert current.get().version == before
    assert failures.by == 1
    assert sample("mutt_rule_set_version") == before
