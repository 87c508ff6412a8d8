"""The sweeper: what lost its message is queued again, what waits in a queue is left there."""

import base64
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest

from audit.claims import release
from audit.connections import redis_client
from audit.ids import event_id, new_batch_id
from audit.journal import Burial, Journal, journal
from audit.outcomes import DeadStage, Stage
from ingest import pipeline
from ingest.sweeper import sweep, sweep_open_batches
from tests.unit.audit.batches import bury, claim

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]

QUEUES = {
    Stage.VALIDATE: ("pipeline", "ingest.validate_batch"),
    Stage.MATCH: ("pipeline", "rules.match_batch"),
    Stage.FORWARD: ("forward", "forwarder.forward_batch"),
    Stage.DLQ: ("dlq", "audit.store_dead_letters"),
}


@pytest.fixture
def hasty(redis_server: None) -> Journal:
    """A journal whose batches are overdue at once."""
    return Journal(redis_client(), lease_s=30, grace_s=0)


def opened(journal: Journal, stage: Stage = Stage.VALIDATE) -> UUID:
    """An open batch that waits for this stage, without a message."""
    batch = new_batch_id(datetime.now(UTC))
    journal.open(batch, [{"id": str(event_id(batch, 0)), "event": {}}], api_key="k", address="a")
    if stage is Stage.DLQ:
        bury(journal, batch, Burial(DeadStage.MOOG, "refused", "why"))
    elif stage is not Stage.VALIDATE:
        with journal.claimed(batch, Stage.VALIDATE) as claim:
            claim.advance(stage)
    return batch


def waiting(queue: str) -> list[tuple[str, str]]:
    """Task and batch of each message of a queue, the next one first."""
    messages = [orjson.loads(raw)["headers"] for raw in redis_client().lrange(queue, 0, -1)]
    return [(headers["task"], headers["argsrepr"].split(",")[0].split()[-1]) for headers in reversed(messages)]


@pytest.mark.parametrize("stage", list(Stage))
def test_a_batch_whose_message_was_lost_is_queued_again_at_its_stage(hasty, stage):
    batch = opened(hasty, stage)
    queue, task = QUEUES[stage]
    assert sweep(hasty, redis_client()) == 1
    assert waiting(queue) == [(task, str(batch))]
    assert sum(len(waiting(name)) for name in ("pipeline", "forward", "dlq")) == 1


@pytest.mark.parametrize("stage", list(Stage))
def test_a_batch_that_waits_in_its_queue_is_left_there(hasty, stage):
    batch = opened(hasty, stage)
    pipeline.resume(batch, stage)
    assert sweep(hasty, redis_client()) == 0
    queue, task = QUEUES[stage]
    assert waiting(queue) == [(task, str(batch))]


def test_a_batch_that_was_queued_before_the_head_of_its_queue_is_lost_though_others_wait(hasty):
    lost, first, second = (opened(hasty) for _ in range(3))
    for batch in (first, second):
        pipeline.start(batch, 1)
    assert sweep(hasty, redis_client()) == 1
    assert [batch for _, batch in waiting("pipeline")] == [str(first), str(second), str(lost)]
    assert sweep(hasty, redis_client()) == 0  # now it waits behind them


def test_messages_left_over_from_closed_batches_at_the_head_hide_nobody_once_a_worker_took_them(hasty):
    closed, lost = opened(hasty), opened(hasty)
    pipeline.start(closed, 1)
    with hasty.claimed(closed, Stage.VALIDATE) as claim:
        claim.finish()
    assert sweep(hasty, redis_client()) == 0  # for all that can be told, its own message is behind them
    redis_client().rpop("pipeline")
    assert sweep(hasty, redis_client()) == 1
    assert [batch for _, batch in waiting("pipeline")] == [str(lost)]


def test_a_message_left_over_from_a_batch_that_went_on_tells_nothing_of_the_others(hasty):
    moved = opened(hasty)
    pipeline.start(moved, 1)
    with hasty.claimed(moved, Stage.VALIDATE) as claim:
        claim.advance(Stage.FORWARD)
    pipeline.resume(moved, Stage.FORWARD)
    lost, first = opened(hasty), opened(hasty)
    pipeline.start(first, 1)
    assert sweep(hasty, redis_client()) == 1
    assert [batch for _, batch in waiting("pipeline")] == [str(moved), str(first), str(lost)]


def test_a_batch_at_the_head_that_was_queued_once_more_does_not_make_all_behind_it_look_lost(hasty):
    first, *others = (opened(hasty) for _ in range(4))
    for batch in (first, *others):
        pipeline.start(batch, 1)
    hasty.requeued([first])
    pipeline.start(first, 1)
    assert sweep(hasty, redis_client()) == 0


def test_a_deep_queue_of_another_stage_hides_nobody(hasty):
    busy = opened(hasty)
    pipeline.start(busy, 1)
    lost = opened(hasty, Stage.FORWARD)
    assert sweep(hasty, redis_client()) == 1
    assert waiting("forward") == [("forwarder.forward_batch", str(lost))]


def test_a_batch_that_a_worker_holds_is_left_to_it(hasty):
    batch = opened(hasty)
    with hasty.claimed(batch, Stage.VALIDATE):
        assert sweep(hasty, redis_client()) == 0
        assert waiting("pipeline") == []


def test_a_batch_whose_worker_died_is_queued_again_after_the_lease():
    dying = Journal(redis_client(), lease_s=0, grace_s=60)
    batch = opened(dying)
    dying._claim(batch, Stage.VALIDATE)  # noqa: SLF001 - and is never released, as after kill -9
    assert sweep(dying, redis_client()) == 1
    assert waiting("pipeline") == [("ingest.validate_batch", str(batch))]


def test_a_batch_that_was_swept_is_not_swept_again_at_once():
    journal = Journal(redis_client(), lease_s=30, grace_s=0)
    opened(journal)
    patient = Journal(redis_client(), lease_s=30, grace_s=60)
    assert sweep(patient, redis_client()) == 1
    redis_client().delete("pipeline")
    assert sweep(patient, redis_client()) == 0


def test_a_young_batch_is_not_overdue():
    opened(journal())
    assert sweep_open_batches() == 0
    assert waiting("pipeline") == []


def test_a_message_that_is_not_ours_stops_no_sweep(hasty):
    lost, first = opened(hasty), opened(hasty)
    redis_client().lpush("pipeline", orjson.dumps({"headers": {"argsrepr": "('no batch',)"}}))
    pipeline.start(first, 1)
    assert sweep(hasty, redis_client()) == 1
    redis_client().rpop("pipeline")
    assert [batch for _, batch in waiting("pipeline")] == [str(first), str(lost)]


def test_a_queue_that_cannot_be_looked_into_stops_no_sweep(hasty):
    redis_client().set("forward", "not a queue")
    batch = opened(hasty)
    assert sweep(hasty, redis_client()) == 1
    assert waiting("pipeline") == [("ingest.validate_batch", str(batch))]


def test_a_batch_whose_broker_refused_the_message_is_swept_later(hasty):
    redis_client().set("pipeline", "not a queue")
    batch = opened(hasty)
    pipeline.start(batch, 1)
    redis_client().delete("pipeline")
    assert sweep(hasty, redis_client()) == 1
    assert waiting("pipeline") == [("ingest.validate_batch", str(batch))]


TOGETHER = {Stage.VALIDATE: "ingest.validate_together", Stage.MATCH: "rules.match_together"}


@pytest.fixture
def gathering(settings: Any) -> None:
    settings.MUTT_GATHER_S = 0.1


@pytest.mark.usefixtures("gathering")
@pytest.mark.parametrize("stage", list(TOGETHER))
def test_what_was_lost_in_great_number_goes_on_together(hasty, stage):
    batches = [opened(hasty, stage) for _ in range(5)]
    assert sweep(hasty, redis_client()) == 5
    (raw,) = redis_client().lrange("pipeline", 0, -1)
    headers = orjson.loads(raw)["headers"]
    assert headers["task"] == TOGETHER[stage]
    assert headers["argsrepr"].startswith("5 batches, from ")
    assert all(str(batch) in _body(raw) for batch in batches)


def _body(raw: bytes | str) -> str:
    return base64.b64decode(orjson.loads(raw)["body"]).decode()


@pytest.mark.usefixtures("gathering")
def test_what_comes_in_vain_goes_in_ever_smaller_groups(hasty):
    batches = [opened(hasty) for _ in range(4)]
    sizes = []
    for _ in range(48):
        redis_client().delete("pipeline")
        assert sweep(hasty, redis_client()) == 4
        sizes.append(len(redis_client().lrange("pipeline", 0, -1)))
        with hasty.claimed_together(batches, Stage.VALIDATE) as claims:
            release(claims)
    assert sizes[0] == 1
    assert sizes[-1] == 4
    assert sizes == sorted(sizes)


@pytest.mark.usefixtures("gathering")
def test_large_batches_do_not_go_together(hasty):
    large = [{"hostname": "h", "message": "m" * 5_000_000}]
    for _ in range(2):
        batch = new_batch_id(datetime.now(UTC))
        hasty.open(batch, [{"id": str(event_id(batch, 0)), "event": large}], api_key="k", address="a")
    assert sweep(hasty, redis_client()) == 2
    assert redis_client().llen("pipeline") == 2


def test_where_nothing_is_gathered_nothing_is_swept_together(hasty):
    for _ in range(3):
        opened(hasty)
    assert sweep(hasty, redis_client()) == 3
    assert redis_client().llen("pipeline") == 3


@pytest.mark.usefixtures("gathering")
def test_what_a_worker_did_not_come_back_from_goes_by_itself(hasty):
    dying = Journal(redis_client(), lease_s=0, grace_s=0)
    left, others = opened(dying), [opened(dying) for _ in range(2)]
    claim(dying, left, Stage.VALIDATE)  # and never heard of again
    assert sweep(dying, redis_client()) == 3
    found = [orjson.loads(raw)["headers"] for raw in redis_client().lrange("pipeline", 0, -1)]
    assert sorted((one["task"], one["argsrepr"]) for one in found) == [
        ("ingest.validate_batch", f"batch {left}"),
        ("ingest.validate_together", f"2 batches, from {others[0]} to {others[1]}"),
    ]
