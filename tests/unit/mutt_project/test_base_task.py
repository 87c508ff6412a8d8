"""The one base task: how a task ends, whatever happens in it."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from celery import Task
from celery.exceptions import Retry
from django.db import InterfaceError, OperationalError, connection, connections
from redis.exceptions import ConnectionError as RedisConnectionError

from audit.connections import redis_client
from audit.ids import event_id, new_batch_id
from audit.journal import BATCH, MOST_ABANDONED, Burial, Journal, NotClaimed, StaleClaim, journal
from audit.ledger import read_ledger
from audit.models import DeadLetter, Record
from audit.outcomes import DeadStage, Stage
from audit.tasks import create_partitions, store_dead_letters
from forwarder.tasks import forward_batch
from ingest.sweeper import sweep_open_batches
from ingest.tasks import validate_batch, validate_together
from mutt_project.celery import TRIES, MuttTask, app
from mutt_project.metrics import TASKS
from rules.tasks import match_batch
from tests.unit.audit.batches import bury, claim
from tests.unit.forwarder.records import alert

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]

CHAIN = [{"task": "the next"}]


@pytest.fixture
def as_worker() -> Iterator[None]:
    """Tasks have a connection to PostgreSQL of their own, as in a worker: the base task may close it."""
    ours = connections["default"]
    connections["default"] = connection.copy()
    yield
    for written in (Record, DeadLetter):
        written.objects.all().delete()  # this connection is in no transaction of a test
    connections["default"].close()
    connections["default"] = ours


@pytest.fixture
def make_task() -> Iterator[Callable[..., Any]]:
    """Makes a task of this app that does what is given."""
    made: list[str] = []

    def make(run: Callable[..., Any]) -> Task[Any, Any]:
        run.__name__ = "run"  # Celery wants a name, which a lambda has not
        task = app.task(name=f"tests.task_{len(made)}", shared=False)(run)
        made.append(task.name)
        return task

    yield make
    for name in made:
        app.tasks.unregister(name)


def run_as_worker(task: Any, *args: Any, retries: int = 0) -> tuple[Any, Any]:
    """Run a task as a worker would, on try number `retries` + 1; what it returns, and what is left of its chain."""
    task.push_request(
        id="00000000-test", args=args, kwargs={}, retries=retries, called_directly=False, is_eager=False,
        chain=list(CHAIN), delivery_info={"routing_key": "pipeline", "exchange": ""},
    )  # fmt: skip
    try:
        return task(*args), task.request.chain
    finally:
        task.pop_request()


def raising(error: Exception) -> Callable[..., None]:
    def run(*_: Any) -> None:
        raise error

    return run


def waiting(queue: str) -> list[Any]:
    return [orjson.loads(raw)["headers"] for raw in redis_client().lrange(queue, 0, -1)]


def ended(task: Any, end: str) -> float:
    return TASKS.labels(task.name, end)._value.get()  # noqa: SLF001 - prometheus_client has no other reader


def opened(event: dict[str, Any], stage: Stage = Stage.VALIDATE) -> UUID:
    batch = new_batch_id(datetime.now(UTC))
    journal().open(batch, [{"id": str(event_id(batch, 0)), "event": event}], api_key="k", address="a")
    if stage is not Stage.VALIDATE:
        with journal().claimed(batch, Stage.VALIDATE) as claim:
            claim.advance(stage)
    return batch


def stage_of(batch: UUID) -> Stage | None:
    place = journal().stage_of(batch)
    return place[0] if place else None


def test_every_task_of_ours_is_one():
    stages: list[Any] = [validate_batch, match_batch, forward_batch, store_dead_letters]
    for task in [*stages, create_partitions, sweep_open_batches]:
        assert isinstance(app.tasks[task.name], MuttTask)


def test_a_task_that_goes_well_hands_its_result_to_the_next(as_worker, make_task):
    task = make_task(lambda: "a batch")
    before = ended(task, "done")
    assert run_as_worker(task) == ("a batch", CHAIN)
    assert ended(task, "done") == before + 1


def test_a_task_that_leaves_nothing_to_do_ends_its_chain(as_worker, make_task):
    assert run_as_worker(make_task(lambda: None)) == (None, None)


@pytest.mark.parametrize("nothing", [NotClaimed("held"), StaleClaim("the lease ran out")])
def test_nothing_to_claim_ends_the_chain_quietly(as_worker, make_task, nothing):
    task = make_task(raising(nothing))
    before = ended(task, "nothing_to_do")
    assert run_as_worker(task) == (None, None)
    assert ended(task, "nothing_to_do") == before + 1
    assert waiting("pipeline") == []


@pytest.mark.parametrize("away", [OperationalError("gone"), InterfaceError("closed"), RedisConnectionError("refused")])
@pytest.mark.parametrize("retries", [0, 1000])
def test_a_store_that_is_away_leaves_the_batch_to_the_sweeper(as_worker, make_task, away, retries):
    task = make_task(raising(away))
    before = ended(task, "store_down")
    assert run_as_worker(task, retries=retries) == (None, None)
    assert ended(task, "store_down") == before + 1
    assert waiting("pipeline") == waiting("dlq") == []


def test_a_batch_whose_store_was_away_is_neither_lost_nor_dead(as_worker, postgresql_leaves):
    batch = opened({"hostname": "h", "timestamp": "2026-11-23T08:30:00Z", "message": "m"})
    validate_batch(str(batch))
    postgresql_leaves()
    assert run_as_worker(match_batch, str(batch)) == (None, None)
    with journal().claimed(batch, Stage.MATCH) as claim:  # given back at once
        assert claim.attempt == 2


def test_validate_waits_for_redis_without_a_word(as_worker, redis_away):
    assert run_as_worker(validate_batch, str(new_batch_id(datetime.now(UTC)))) == (None, None)


def test_an_unexpected_error_of_a_task_without_a_batch_is_left_to_its_next_turn(as_worker, make_task):
    assert run_as_worker(make_task(raising(ZeroDivisionError("by chance")))) == (None, None)
    assert waiting("pipeline") == waiting("dlq") == []


def test_a_retry_that_a_task_asks_for_itself_is_let_through(as_worker, make_task):
    with pytest.raises(Retry):
        run_as_worker(make_task(raising(Retry())), retries=TRIES - 1)


@pytest.mark.parametrize(
    ("task", "stage", "dead_stage"),
    [(validate_batch, Stage.VALIDATE, DeadStage.ALERTER), (match_batch, Stage.MATCH, DeadStage.ALERTER)],
)
def test_a_batch_that_no_try_gets_through_a_stage_goes_to_the_dead_letters(as_worker, task, stage, dead_stage):
    batch = opened({}, stage)
    redis_client().hset(BATCH + str(batch), "payload", b'["no entry"]')  # cannot come from the webhook
    for number in range(1, TRIES):
        before = datetime.now(UTC)
        with pytest.raises(Retry):
            run_as_worker(task, str(batch), retries=7)  # whatever else was retried before
        message = waiting("pipeline")[0]
        asked_at = datetime.fromisoformat(message["eta"]) - timedelta(seconds=2**number)
        assert before <= asked_at <= datetime.now(UTC)
        assert stage_of(batch) is stage
    assert run_as_worker(task, str(batch)) == (None, None)
    assert stage_of(batch) is Stage.DLQ
    assert journal().burial(batch) == Burial(dead_stage, "internal_error", f"{task.name}: AttributeError")
    assert [message["task"] for message in waiting("dlq")] == ["audit.store_dead_letters"]


def test_what_failed_while_it_was_forwarded_died_at_moogs_stage(as_worker, settings):
    batch = opened({}, Stage.FORWARD)
    alert(event_id=event_id(batch, 0)).save(force_insert=True)
    settings.MOOGSOFT_BATCH_SIZE = "many"
    for _ in range(TRIES - 1):
        with pytest.raises(Retry):
            run_as_worker(forward_batch, str(batch))
    run_as_worker(forward_batch, str(batch))
    burial = journal().burial(batch)
    assert burial is not None
    assert burial.stage is DeadStage.MOOG


def test_an_event_that_cannot_be_worked_on_dies_alone_and_its_neighbours_go_on(as_worker):
    batch = new_batch_id(datetime.now(UTC))
    good = {"hostname": "h", "timestamp": "2026-11-23T08:30:00Z", "message": "m"}
    events = [good, {"no": "event"}, good]  # the second cannot come from the webhook
    entries = [{"id": str(event_id(batch, place)), "event": event} for place, event in enumerate(events)]
    journal().open(batch, entries, api_key="k", address="a")
    assert run_as_worker(validate_batch, str(batch)) == (str(batch), CHAIN)
    assert read_ledger(journal()).balanced
    assert run_as_worker(match_batch, str(batch)) == (None, None)
    assert read_ledger(journal()).balanced
    store_dead_letters.run(str(batch))
    assert [record.outcome for record in Record.objects.order_by("event_id")] == ["unmatched", "dead", "unmatched"]
    letter = DeadLetter.objects.get()
    assert (letter.event_id, letter.stage, letter.detail) == (event_id(batch, 1), "alerter", "validate: KeyError")
    ledger = read_ledger(journal())
    assert (ledger.unmatched, ledger.dead, ledger.pending, ledger.balanced) == (2, 1, 0, True)
    assert journal().totals().open_batches == 0


def test_a_batch_from_which_too_many_workers_did_not_come_back_is_given_up(as_worker):
    batch = opened({"hostname": "edge-1", "message": "m"})
    books = Journal(redis_client(), lease_s=0.001, grace_s=15)
    for _ in range(MOST_ABANDONED + 1):
        claim(books, batch, Stage.VALIDATE)  # and never heard of again
        time.sleep(0.002)
    assert run_as_worker(validate_batch, str(batch)) == (None, None)
    burial = journal().burial(batch)
    assert burial is not None
    assert (burial.stage, burial.reason) == (DeadStage.ALERTER, "abandoned")


def test_a_batch_that_was_given_up_ends_as_dead_letters_with_records():
    batch = opened({"hostname": "edge-1", "message": "m"})
    bury(journal(), batch, Burial(DeadStage.ALERTER, "internal_error", "ingest.validate_batch: KeyError"))
    store_dead_letters.run(str(batch))
    (letter,) = DeadLetter.objects.all()
    assert (letter.event_id, letter.stage, letter.reason) == (event_id(batch, 0), "alerter", "internal_error")
    assert Record.objects.get(pk=letter.event_id).outcome == "dead"
    assert journal().totals().open_batches == 0


def test_an_unexpected_error_with_several_batches_has_each_tried_by_itself(as_worker, monkeypatch):
    batches = [opened({"hostname": "h", "timestamp": "2026-11-23T08:30:00Z", "message": "m"}) for _ in range(3)]
    monkeypatch.setattr("ingest.tasks.each_by_itself", raising(ZeroDivisionError("by chance")))
    assert run_as_worker(validate_together, [str(batch) for batch in batches]) == (None, None)
    found = [(headers["task"], headers["argsrepr"]) for headers in reversed(waiting("pipeline"))]
    assert found == [("ingest.validate_batch", f"batch {batch}") for batch in batches]
    for batch in batches:
        with journal().claimed(batch, Stage.VALIDATE):  # none is held
            pass
