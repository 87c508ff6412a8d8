"""What settings may be, and what is wrong between them."""

import math

import pytest
from django.conf import settings

from audit.tuning.tunables import TOPICS, TUNABLES, Tunable, as_text, faults_between
from ops.local.stack import ROOT

DEFAULTS = {name: getattr(settings, name) for name in TUNABLES}


@pytest.mark.parametrize("name", sorted(set(TUNABLES) - {"MUTT_LOGIN_RATE", "MUTT_ANONYMOUS_RATES"}))
def test_each_default_is_within_the_bounds_and_reads_as_it_is_written(name):
    assert TUNABLES[name].read(as_text(DEFAULTS[name])) == DEFAULTS[name]
    assert TUNABLES[name].read(DEFAULTS[name]) == DEFAULTS[name]


def test_the_defaults_are_right_between_themselves():
    assert faults_between(DEFAULTS, TUNABLES) == {}


def test_each_is_of_one_topic_and_has_a_type_for_those_who_ask():
    assert sorted(name for names in TOPICS.values() for name in names) == sorted(TUNABLES)
    source = (ROOT / "audit" / "tuning" / "present.py").read_text()
    assert {name for name in TUNABLES if f"        {name}: " in source} == set(TUNABLES) - {"MUTT_LOG_LEVEL"}


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("MOOGSOFT_BATCH_SIZE", " 50 ", 50),
        ("MOOGSOFT_BATCH_SIZE", 50, 50),
        ("MOOGSOFT_DRAIN_SHARE", "0.25", 0.25),
        ("MOOGSOFT_DRAIN_SHARE", 1, 1.0),
        ("MUTT_RETENTION_DAYS", "0", 0),
        ("MUTT_GLOBAL_RATE", "", ""),
        ("MUTT_GLOBAL_RATE", "None", ""),
        ("MUTT_GLOBAL_RATE", "100/second", "100/second"),
        ("MUTT_ANONYMOUS_RATES", "5/hour, 7/day", ["5/hour", "7/day"]),
        ("MUTT_ANONYMOUS_RATES", ["5/hour"], ["5/hour"]),
        ("MUTT_LOG_LEVEL", "debug", "DEBUG"),
    ],
)
def test_a_value_is_read_from_text_and_from_json(name, given, value):
    assert TUNABLES[name].read(given) == value


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("MOOGSOFT_BATCH_SIZE", "0", "1 to 10,000"),
        ("MOOGSOFT_BATCH_SIZE", "10001", "1 to 10,000"),
        ("MOOGSOFT_BATCH_SIZE", "1.5", "whole number"),
        ("MOOGSOFT_BATCH_SIZE", "1_0", "whole number"),
        ("MOOGSOFT_BATCH_SIZE", True, "number or a text"),
        ("MOOGSOFT_BATCH_SIZE", {"a": 1}, "number or a text"),
        ("MOOGSOFT_BATCH_SIZE", "9" * 500, "200 characters"),
        ("MOOGSOFT_DRAIN_SHARE", "0", "above 0 to 1"),
        ("MOOGSOFT_DRAIN_SHARE", 1.01, "above 0 to 1"),
        ("MOOGSOFT_DRAIN_SHARE", math.nan, "out of bounds"),
        ("MOOGSOFT_DRAIN_SHARE", "half", "no number"),
        ("MOOGSOFT_RATE", "", "no rate"),
        ("MOOGSOFT_RATE", "none", "no rate"),
        ("MOOGSOFT_RATE", "0/second", "100/second"),
        ("MUTT_ANONYMOUS_RATES", ",", "at least one"),
        ("MUTT_LOG_LEVEL", "LOUD", "WARNING"),
    ],
)
def test_what_is_out_of_bounds_is_refused_with_the_bounds(name, given, said):
    with pytest.raises(ValueError, match=said):
        TUNABLES[name].read(given)


def test_the_low_mark_stays_below_the_high_one_and_the_fault_is_beside_what_was_changed():
    low, high = "MUTT_OPEN_BATCHES_LOW", "MUTT_OPEN_BATCHES_HIGH"
    assert faults_between(DEFAULTS | {low: 500_000}, [low]) == {low: f"It must be below {high}, which is 500000."}
    assert list(faults_between(DEFAULTS | {high: 10}, [high])) == [high]
    assert faults_between(DEFAULTS | {low: 5, high: 10}, [low, high]) == {}
    assert faults_between(DEFAULTS | {high: 10}, ["MOOGSOFT_RATE"]) == {}


@pytest.mark.parametrize(
    ("name", "before", "after", "risky"),
    [
        ("MUTT_GLOBAL_RATE", "100/second", "", True),
        ("MUTT_GLOBAL_RATE", "", "100/second", False),
        ("MOOGSOFT_RATE", "50/second", "3001/minute", True),
        ("MOOGSOFT_RATE", "50/second", "2999/minute", False),
        ("MUTT_RETENTION_DAYS", 400, 30, True),
        ("MUTT_RETENTION_DAYS", 0, 400, True),
        ("MUTT_RETENTION_DAYS", 400, 0, False),
        ("MUTT_ANONYMOUS_RATES", ["50/hour", "200/day"], ["50/hour"], True),
        ("MOOGSOFT_BATCH_SIZE", 100, 200, False),
    ],
)
def test_a_change_that_loosens_a_guard_says_what_may_come_of_it(name, before, after, risky):
    assert bool(TUNABLES[name].risk_of(before, after)) == risky


def test_marks_of_markdown_are_for_the_docs():
    tunable = Tunable("X", TUNABLES["MUTT_LOG_LEVEL"].kind, "level", "see [this](a.md), such as `1`")
    assert tunable.in_plain_words == "see docs/a.md, such as 1"
