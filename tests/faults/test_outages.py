"""Moogsoft away, slow or in a bad mood; Redis full; the way to Redis cut."""

import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from ops.moogsoft_stub import MODES
from tests.faults.conftest import MANY, Cable
from tests.faults.harness import DOWN, WORKERS, Faults, hold
from tests.faults.proxy import Proxy
from tests.mutt import event, eventually

pytestmark = [pytest.mark.stack, pytest.mark.timeout(3600)]

OPEN_S = 3.0  # of the stack that the tests share
RATE = 50


def memory_kb(faults: Faults) -> dict[str, int]:
    """What each worker keeps in memory (resident set)."""
    found = {}
    for name in WORKERS:
        status = Path(f"/proc/{faults.pid(name)}/status").read_text()
        found[name] = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))
    return found


def attempts_since(faults: Faults, moment: Any) -> list[tuple[float, str]]:
    """When each POST to Moogsoft began, and why it failed ('' where it was taken)."""
    connection = psycopg2.connect(faults.mutt.stack.database_url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT extract(epoch FROM started_at)::float8, max(reason) FROM audit_attempt WHERE started_at > %s"
                " GROUP BY started_at ORDER BY started_at",  # one request may have events of several batches
                [moment],
            )
            return cursor.fetchall()
    finally:
        connection.close()


def database_time(faults: Faults) -> Any:
    connection = psycopg2.connect(faults.mutt.stack.database_url)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            (now,) = cursor.fetchone() or (None,)
            return now
    finally:
        connection.close()


def test_a_long_outage_parks_everything_and_the_recovery_keeps_the_rate(faults: Faults):
    """An hour with an open period of 300 s, scaled: twelve open periods of 3 s (four with make test)."""
    periods = 12 if MANY else 4
    begin = database_time(faults)
    faults.mutt.misbehave("503")
    faults.mutt.send(event(message=DOWN))
    load = faults.load(200_000 if MANY else 2_000, most=100 if MANY else 20, alerts=1.0)
    eventually(lambda: faults.mutt.api("breaker")["state"] == "open")
    load.finish()
    eventually(lambda: faults.broker().llen("forward") == 0 and faults.broker().llen("pipeline") == 0, 600)
    opened = database_time(faults)
    before = memory_kb(faults)
    time.sleep(periods * OPEN_S)
    after = memory_kb(faults)
    probes = [at for at, _ in attempts_since(faults, opened)]
    assert 1 < len(probes) <= periods + 1
    assert all(later - earlier > OPEN_S * 0.9 for earlier, later in pairwise(probes))
    assert faults.broker().llen("forward") == 0
    faults.mutt.misbehave("ok")
    recovered = database_time(faults)
    faults.drained(patience_s=1800)
    hold_memory(before, after)
    taken = [at for at, reason in attempts_since(faults, recovered) if not reason]
    # The window is Redis' own; what begins at its end is noted by PostgreSQL a moment later.
    busiest = max(sum(at <= later < at + 0.95 for later in taken) for at in taken)
    print(
        f"{len(probes)} probes, {len(taken)} requests, {busiest} within the busiest 0.95 s; memory {before} → {after}"
    )
    assert busiest <= RATE
    assert sum(at < taken[0] + 1 for at in taken) <= 10  # it begins slowly
    account = faults.account(load)
    account.not_delivered = account.strangers = 0  # the one event of before the load
    hold(account, load)
    assert begin


def hold_memory(before: dict[str, int], after: dict[str, int]) -> None:
    for name, kb in before.items():
        assert after[name] < kb * 1.1, (name, before, after)


def test_what_has_waited_in_many_small_batches_goes_out_in_few_requests(faults: Faults):
    """A sender that posts one event at a time, as most do, through an outage."""
    faults.mutt.misbehave("503")
    load = faults.load(50_000 if MANY else 1_200, most=1, alerts=1.0)
    load.finish(patience_s=1200)
    eventually(lambda: faults.broker().llen("forward") == 0 and faults.broker().llen("pipeline") == 0, 600)
    waiting = faults.broker().zcard("mutt:parked")
    print(f"Redis uses {faults.broker().info('memory')['used_memory_human']} for {waiting} parked batches")
    faults.mutt.misbehave("ok")
    recovered, begin = database_time(faults), time.monotonic()
    faults.drained(patience_s=1800)
    taken = [at for at, reason in attempts_since(faults, recovered) if not reason]
    print(f"{waiting} batches were parked; {len(taken)} requests in {time.monotonic() - begin:.0f} s took all")
    assert waiting > load.events * 0.5
    assert len(taken) < waiting / 4
    hold(faults.account(load), load, doubles=0)


def test_a_moogsoft_that_has_every_mood_there_is_gets_everything_in_the_end(faults: Faults):
    """What it refuses for good (400) is dead until somebody replays it; a refused key (401) waits to be resumed."""
    begin = database_time(faults)
    moods = [mood for mood in MODES if mood != "ok"]
    load = faults.load(20_000 if MANY else 1_200, rate=60)
    while load.is_on:
        for mood in faults.chance.sample(moods, len(moods)):
            faults.mutt.misbehave(mood)
            time.sleep(faults.chance.uniform(0.2, 1.5))
            faults.mutt.misbehave("ok")
            if faults.mutt.api("breaker")["paused"]:
                faults.mutt.api("breaker/resume", "POST", {"reason": "it answers again"})
            time.sleep(faults.chance.uniform(0, 0.5))
    faults.drained(patience_s=300)
    ours = {"reason": "refused", "since": begin.isoformat()}
    replayed = faults.mutt.api("dead-letters/replay", "POST", {"filter": ours, "reason": "it takes them again"})
    eventually(lambda: faults.account(load).by_outcome["dead"] == 0, 120)
    faults.drained(patience_s=120)
    print(f"{replayed['count']} events were refused, and replayed")
    hold(faults.account(load), load, doubles=load.events // 2)


def test_a_broker_that_refuses_every_message_for_a_while_costs_nothing(faults: Faults):
    """The next step of a chain, a retry, a release: what cannot be published is found by a sweeper."""
    load = faults.load(6_000 if MANY else 500, rate=60)
    for _ in range(10 if MANY else 1):
        time.sleep(1)
        with faults.publishing_refused():
            time.sleep(faults.chance.uniform(2, 5))
    load.finish()
    faults.drained()
    hold(faults.account(load), load, doubles=100)


def test_without_the_sweeper_what_could_not_be_published_is_lost_so_this_harness_is_not_blind(faults: Faults):
    """The other negative control."""
    with faults.sweepers_held_off():
        with faults.publishing_refused():
            (identifier,) = faults.mutt.send(event(message=DOWN))
        time.sleep(8)
        assert faults.mutt.event(identifier)["outcome"] == "pending"
        assert faults.mutt.ledger()["pending"] == 1
    assert faults.mutt.outcome(identifier, "delivered", patience_s=60)


def test_alerts_of_one_key_arrive_in_the_order_of_their_receipt_through_an_outage(faults: Faults):
    faults.mutt.misbehave("503")
    sent = []
    for number in range(60):
        word = "up" if number % 2 else "down"
        sent += faults.mutt.send(event(hostname="order-1", message=f"Interface Gi0/1, changed state to {word}"))
        if number == 30:
            faults.mutt.misbehave("ok")
    faults.drained()
    ours = [one["tags"]["event_id"] for one in faults.mutt.moogsoft_events() if one["source"] == "order-1"][::-1]
    delivered = [one for one in sent if faults.mutt.event(one)["outcome"] == "delivered"]
    assert len(delivered) >= 30
    assert list(dict.fromkeys(ours)) == delivered


def test_a_full_redis_closes_the_door_and_drains_by_itself(faults: Faults):
    broker = faults.broker()
    used = int(broker.info("memory")["used_memory"])
    most = str(broker.config_get("maxmemory")["maxmemory"])
    load = faults.load(3_000 if MANY else 1_000, rate=100)
    try:
        time.sleep(2)
        broker.config_set("maxmemory", int(used * 0.9))
        time.sleep(8)
    finally:
        broker.config_set("maxmemory", most)
    load.finish()
    faults.drained()
    assert load.refusals[503] > 0
    hold(faults.account(load), load, doubles=100)


@pytest.mark.skipif(not MANY, reason="a lock is waited for as long as a lock_timeout lasts: make faults")
def test_a_table_that_somebody_locks_for_a_while_costs_nothing(faults: Faults):
    load = faults.load(6_000, rate=60)
    connection = psycopg2.connect(faults.mutt.stack.database_url)
    try:
        for _ in range(3):
            time.sleep(3)
            with connection, connection.cursor() as cursor:
                cursor.execute("LOCK TABLE audit_record IN ACCESS EXCLUSIVE MODE")
                time.sleep(15)
    finally:
        connection.close()
    load.finish()
    faults.drained()
    hold(faults.account(load), load, doubles=100)


def test_postgresql_killed_under_load_records_everything_once(faults: Faults):
    load = faults.load(10_000 if MANY else 1_000, rate=100)
    for _ in range(10 if MANY else 1):
        time.sleep(2)
        faults.kill("postgresql")
        time.sleep(6)
    load.finish()
    faults.drained()
    hold(faults.account(load), load, doubles=500)


def test_redis_killed_again_and_again_under_load_keeps_what_was_accepted(faults: Faults):
    load = faults.load(10_000 if MANY else 600, rate=60)
    for _ in range(20 if MANY else 2):
        time.sleep(2)
        faults.kill("redis")
        time.sleep(faults.chance.uniform(1, 4))
    load.finish()
    faults.drained()
    hold(faults.account(load), load, doubles=500)


@pytest.fixture
def wire(cable: Cable, seed: int) -> tuple[Faults, Proxy]:
    return Faults(cable.mutt, seed), cable.proxy


def test_connections_to_redis_that_are_cut_in_the_middle_of_anything_lose_nothing(wire: tuple[Faults, Proxy]):
    faults, between = wire
    load = faults.load(20_000 if MANY else 1_500, rate=100)
    while load.is_on:
        between.cut_after = faults.chance.randrange(200, 60_000)
        time.sleep(faults.chance.uniform(0.1, 0.5))
    between.cut_after = None
    faults.drained()
    print(f"{between.cuts} connections cut")
    assert between.cuts > 10
    hold(faults.account(load), load, doubles=between.cuts * 100)


@pytest.mark.parametrize("how", ["refused", "swallowed", "reset"])
def test_a_redis_that_cannot_be_reached_for_a_while_costs_nothing_that_was_accepted(
    wire: tuple[Faults, Proxy], how: str
):
    faults, between = wire
    load = faults.load(3_000 if MANY else 600, rate=60)
    time.sleep(2)
    if how == "refused":
        between.refuses = True
        between.reset_all()
    elif how == "swallowed":
        between.swallows = True
    else:
        between.reset_all()
    time.sleep(30 if MANY else 6)
    between.refuses = between.swallows = False
    between.reset_all()
    load.finish()
    faults.drained()
    hold(faults.account(load), load, doubles=100)
