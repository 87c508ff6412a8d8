"""What Flower shows of a task: which batch and how many events, at every step of its way, and no payload."""

import base64
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest

from audit.connections import redis_client
from audit.ids import event_id, new_batch_id
from audit.journal import journal
from audit.outcomes import Stage
from forwarder.tasks import _send_on
from ingest import pipeline

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]


def opened() -> UUID:
    batch = new_batch_id(datetime.now(UTC))
    journal().open(batch, [{"id": str(event_id(batch, 0)), "event": {}}], api_key="k", address="a")
    return batch


def message(queue: str) -> Any:
    raw: Any = redis_client().rpop(queue)
    return orjson.loads(raw)


def test_the_batch_and_its_size_are_shown_at_every_step_of_the_chain():
    batch = opened()
    pipeline.start(batch, 100)
    sent = message("pipeline")
    shown = f"batch {batch}, 100 events"
    assert (sent["headers"]["task"], sent["headers"]["argsrepr"]) == ("ingest.validate_batch", shown)
    rest = orjson.loads(base64.b64decode(sent["body"]))[2]["chain"]
    assert [(step["task"], step["options"]["argsrepr"]) for step in rest] == [
        ("forwarder.forward_batch", shown),
        ("rules.match_batch", shown),
    ]


@pytest.mark.parametrize(
    ("stage", "queue"), [(Stage.MATCH, "pipeline"), (Stage.FORWARD, "forward"), (Stage.DLQ, "dlq")]
)
def test_a_batch_that_is_resumed_is_shown_without_its_size(stage: Stage, queue: str):
    batch = opened()
    pipeline.resume(batch, stage)
    assert message(queue)["headers"]["argsrepr"] == f"batch {batch}"


def test_batches_that_go_together_are_counted():
    batches = [opened() for _ in range(3)]
    _send_on(batches)
    shown = message("forward")["headers"]["argsrepr"]
    assert shown == f"3 batches, from {batches[0]} to {batches[2]}"
    _send_on(batches[:1])
    assert message("forward")["headers"]["argsrepr"] == f"batch {batches[0]}"


def test_batches_that_leave_together_are_counted_at_every_step_of_the_chain():
    batches = [opened() for _ in range(3)]
    pipeline.start_together([(batch, 2) for batch in batches])
    sent = message("pipeline")
    shown = f"3 batches, from {batches[0]} to {batches[2]}"
    assert (sent["headers"]["task"], sent["headers"]["argsrepr"]) == ("ingest.validate_together", shown)
    arguments, _, options = orjson.loads(base64.b64decode(sent["body"]))
    assert arguments == [[str(batch) for batch in batches]]
    assert [(step["task"], step["options"]["argsrepr"]) for step in options["chain"]] == [
        ("forwarder.forward_together", shown),
        ("rules.match_together", shown),
    ]


def test_one_batch_that_leaves_alone_is_shown_with_its_size():
    batch = opened()
    pipeline.start_together([(batch, 1)])
    assert message("pipeline")["headers"]["argsrepr"] == f"batch {batch}, 1 event"
