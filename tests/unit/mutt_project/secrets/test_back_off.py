"""When there is another login after a refused one: Vault must never lock the role out."""

import random

import pytest

from mutt_project.secrets.back_off import Refusals, may_log_in, refused

START = 1_000_000.0
LOCK_OUT_AFTER, FORGETS_AFTER_S = 5, 15 * 60  # Vault's and OpenBao's defaults


@pytest.mark.parametrize(("count", "wait_s"), [(0, 60), (1, 240), (2, 960), (3, 960), (50, 960)])
def test_the_waits_grow(count, wait_s):
    found = refused(Refusals(count), "these", START, 0)
    assert found.count == count + 1
    assert not may_log_in(found, "these", START + wait_s - 1)
    assert may_log_in(found, "these", START + wait_s)
    assert not may_log_in(refused(Refusals(count), "these", START, 0.9), "these", START + wait_s * 1.2)


def test_other_credentials_are_tried_at_once():
    assert may_log_in(refused(Refusals(), "these", START, 0), "those", START)
    assert may_log_in(Refusals(), "these", START)


def test_a_clock_that_was_put_back_does_not_stop_logins_for_years():
    assert may_log_in(refused(Refusals(), "these", START + 1e8, 0.5), "these", START)


@pytest.mark.parametrize("jitter", [0, 0.5, 1])
def test_bad_credentials_never_lock_the_role_out_however_often_processes_are_started_again(jitter):
    refusals, bad, last, tried = Refusals(), 0, 0.0, 0
    now = START
    while now < START + 7 * 24 * 3600:
        now += random.uniform(0.5, 20)  # a crash loop: each start asks whether it may
        if may_log_in(refusals, "these", now):
            bad = bad + 1 if now - last < FORGETS_AFTER_S else 1
            assert bad < LOCK_OUT_AFTER
            last, tried = now, tried + 1
            refusals = refused(refusals, "these", now, jitter)
    assert tried > 100
