"""The events of a benchmark become what they are made for."""

import json
from collections import Counter
from pathlib import Path

import pytest

from mutt_project.muttctl.rule_files import read_rules
from ops.bench.mix import Expected, Mix, Profile, shared_out
from rules.event import Event, Handling, Severity
from rules.matching import RuleSet, decide


def test_shares_are_exact_and_what_is_left_over_goes_to_the_largest():
    assert shared_out(Profile.MIX.shares, 1000) == {
        Expected.FORWARDED: 100,
        Expected.IGNORED: 200,
        Expected.UNMATCHED: 700,
    }
    assert shared_out(Profile.MIX.shares, 7) == {Expected.FORWARDED: 0, Expected.IGNORED: 1, Expected.UNMATCHED: 6}


@pytest.mark.parametrize("profile", Profile)
def test_the_plain_reference_decides_the_events_as_is_expected(tmp_path: Path, profile: Profile):
    mix = Mix(60)
    corpus = mix.write(tmp_path / "corpus", profile, 300, 10)
    rules = RuleSet(1, tuple(mix.rules))
    found = Counter(_outcome(fields, rules) for line in _lines(corpus.path) for fields in line)
    assert {outcome: count for outcome, count in corpus.expected.items() if count} == found
    assert (corpus.bodies, corpus.events) == (30, 300)


def test_the_same_seed_makes_the_same_events(tmp_path: Path):
    one, other = (Mix(20, seed=7).write(tmp_path / name, Profile.MIX, 20, 1).path for name in ("one", "other"))
    assert [_untimed(line) for line in _lines(one)] == [_untimed(line) for line in _lines(other)]


def test_single_events_come_as_objects_and_there_is_one_at_least(tmp_path: Path):
    corpus = Mix(20).write(tmp_path / "corpus", Profile.MIX, 0, 1)
    assert [type(line) for line in _lines(corpus.path)] == [dict]


def test_the_rules_are_a_file_that_muttctl_reads():
    found = read_rules(Mix(50).rule_file().encode(), "rules.yaml")
    assert (len(found.entries), found.faults) == (50, [])


def _lines(path: Path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def _untimed(fields):
    return {name: value for name, value in fields.items() if name != "timestamp"}


def _outcome(fields, rules: RuleSet) -> Expected:
    severity = Severity(fields["syslog_severity"]) if "syslog_severity" in fields else None
    event = Event(fields["hostname"], fields["message"], severity, fields.get("trap_oid"))
    handling = decide(event, rules).handling
    if handling is None:
        return Expected.UNMATCHED
    return Expected.IGNORED if handling is Handling.IGNORE else Expected.FORWARDED
