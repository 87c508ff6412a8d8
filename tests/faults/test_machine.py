"""What happens to the machine itself: its clock is put, its disk is full, it dies in the middle of a write."""

import time
from pathlib import Path

import pytest

from ops.drills import clock
from tests.faults.conftest import MANY, Cable
from tests.faults.harness import Faults, hold
from tests.faults.test_kills import lose_a_message
from tests.mutt import eventually

pytestmark = [pytest.mark.stack, pytest.mark.timeout(3600)]

HOUR = 3600


@pytest.fixture
def faults(cable: Cable, seed: int) -> Faults:
    return Faults(cable.mutt, seed)


def put(cable: Cable, by_s: int) -> None:
    cable.clock.put(by_s)
    eventually(lambda: abs(cable.redis.client().time()[0] - time.time() - by_s) < 60)


@pytest.mark.parametrize("steps", [(HOUR, 0), (-HOUR,)])
def test_a_clock_that_is_put_while_all_runs_loses_nothing_and_stops_nothing(
    cable: Cable, faults: Faults, steps: tuple[int, ...], tmp_path: Path
):
    """Redis' clock, by which the journal goes. A message is lost just before, so that a sweeper is needed."""
    if clock.library() is None:
        pytest.skip("no libfaketime: it is in Debian's package libfaketime")
    load = faults.load(6_000 if MANY else 600, rate=60)
    try:
        for by_s in steps * (5 if MANY else 1):
            lost = lose_a_message(faults, "forward", tmp_path)
            put(cable, by_s)
            for identifier in lost:
                assert faults.mutt.outcome(identifier, "delivered", patience_s=30)
        load.finish()
        faults.drained()
    finally:
        cable.clock.put(0)
    account = faults.account(load)
    account.strangers = account.not_delivered = 0  # what was lost on purpose is none of the load's
    hold(account, load, doubles=100)


def test_a_full_disk_under_redis_closes_the_door_and_loses_nothing(cable: Cable, faults: Faults):
    load = faults.load(6_000 if MANY else 600, rate=60)
    for _ in range(5 if MANY else 1):
        time.sleep(2)
        cable.redis.fill_disk(left=faults.chance.randrange(20_000))
        try:
            time.sleep(5)
            refused = load.refusals[503]
            assert faults.broker().info("persistence")["aof_last_write_status"] == "err"
        finally:
            cable.redis.clear_disk()
        assert refused > 0
        time.sleep(2)
    load.finish()
    faults.drained()
    hold(faults.account(load), load, doubles=100)


def test_a_redis_that_dies_in_the_middle_of_a_write_starts_again_with_all_that_was_accepted(
    cable: Cable, faults: Faults
):
    load = faults.load(6_000 if MANY else 600, rate=60)
    for _ in range(10 if MANY else 1):
        time.sleep(3)
        cable.redis.die_in_the_middle_of_a_write()
        assert "truncated" in cable.redis.log.lower()
    load.finish()
    faults.drained()
    hold(faults.account(load), load, doubles=100)
