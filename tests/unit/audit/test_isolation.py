"""A bad event is found and dies alone: one that an error is raised for, and one that kills whoever looks at it."""

import time
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from audit.connections import redis_client
from audit.entry import Entry
from audit.ids import event_id
from audit.isolation import each_by_itself
from audit.journal import CAREFUL_AFTER, MOST_ABANDONED, MOST_KILLS, Abandoned, Journal
from audit.outcomes import DeadStage, Stage
from tests.unit.audit.batches import claim, journal, opened

pytestmark = pytest.mark.usefixtures("redis_server")


class Killed(BaseException):
    """Stands for kill -9: nothing behind it runs."""


def dying() -> Journal:
    """A journal whose leases end at once."""
    return Journal(redis_client(), lease_s=0.001, grace_s=15)


def run(books: Journal, batch: UUID, work: Any) -> list[Any] | None:
    """One worker's turn; None if it was killed."""
    time.sleep(0.002)
    held = claim(books, batch, Stage.VALIDATE)
    try:
        return each_by_itself(held, work, "validate")
    except Killed:
        return None


def test_an_event_that_cannot_be_worked_on_dies_and_the_others_are_worked_on():
    books = journal()
    batch = opened(books, size=4)

    def work(entry: Entry) -> str:
        if entry["event"]["hostname"] == "h2":
            raise KeyError("canonical")
        return str(entry["event"]["hostname"])

    assert run(books, batch, work) == ["h0", "h1", None, "h3"]
    why = books.dead(batch)[event_id(batch, 2)]
    assert (why.stage, why.reason, why.detail) == (DeadStage.ALERTER, "internal_error", "validate: KeyError")


def test_an_event_that_is_dead_is_not_looked_at_again():
    books = journal()
    batch = opened(books, size=2)
    run(books, batch, lambda entry: 1 // (entry["event"]["hostname"] != "h0"))
    seen: list[str] = []
    redis_client().hdel(f"mutt:batch:{batch}", "token", "lease_until")

    def work(entry: Entry) -> str:
        seen.append(str(entry["event"]["hostname"]))
        return "ok"

    assert run(books, batch, work) == [None, "ok"]
    assert seen == ["h1"]


@pytest.mark.parametrize("killers", [{"h3"}, {"h0"}, {"h1", "h2"}, {"h0", "h1", "h2", "h3", "h4"}])
def test_events_that_kill_their_workers_are_found_and_die_alone(killers):
    books = dying()
    batch = opened(books, size=5)

    def work(entry: Entry) -> str:
        if entry["event"]["hostname"] in killers:
            raise Killed
        return str(entry["event"]["hostname"])

    made, turns = None, 0
    while made is None:
        made = run(books, batch, work)
        turns += 1
    assert [host for host in made if host] == sorted({"h0", "h1", "h2", "h3", "h4"} - killers)
    dead = books.dead(batch)
    assert {why.reason for why in dead.values()} == {"killed_workers"}
    assert len(dead) == len(killers)
    assert turns == CAREFUL_AFTER + MOST_KILLS * len(killers) + 1


def test_a_worker_that_is_killed_by_chance_condemns_nobody():
    books = dying()
    batch = opened(books, size=3)

    def work_in(turn: int, entry: Entry) -> str:
        if turn < CAREFUL_AFTER or (turn == CAREFUL_AFTER and entry["event"]["hostname"] == "h1"):
            raise Killed
        return "ok"

    made = [run(books, batch, partial(work_in, turn)) for turn in range(CAREFUL_AFTER + 2)]
    assert made == [None] * (CAREFUL_AFTER + 1) + [["ok"] * 3]
    assert books.dead(batch) == {}


def test_a_batch_whose_workers_die_before_they_look_at_any_event_is_given_up_in_the_end():
    books = dying()
    batch = opened(books)
    for _ in range(MOST_ABANDONED + 1):
        time.sleep(0.002)
        claim(books, batch, Stage.VALIDATE)
    time.sleep(0.002)
    with pytest.raises(Abandoned):
        claim(books, batch, Stage.VALIDATE)


def test_a_careful_worker_that_gives_the_batch_back_blames_nobody():
    books = dying()
    batch = opened(books)
    for _ in range(CAREFUL_AFTER + 1):
        time.sleep(0.002)
        held = claim(books, batch, Stage.VALIDATE)
    assert held.careful
    held.suspect(event_id(batch, 0))
    held.release()
    time.sleep(0.002)
    assert claim(books, batch, Stage.VALIDATE).killer is None
