"""Takes batches through all stages in processes that die at a chosen step: before or after anything they tell a store.

`python -m tests.faults.crash_points FIRST STRIDE` opens one batch for each step (or each second, …), lets a process die
there, has what is left done by others, and prints how each ended. It has no threads and no connections of its own, so
it can fork.
"""

import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import UUID

import django

django.setup()

from django.db.backends.base.base import BaseDatabaseWrapper  # noqa: E402 - Django has to be set up
from django.db.backends.utils import CursorWrapper  # noqa: E402
from django.utils import timezone  # noqa: E402
from redis.connection import AbstractConnection  # noqa: E402

from audit.entry import Entry  # noqa: E402
from audit.ids import event_id, new_batch_id  # noqa: E402
from audit.journal import Abandoned, NotClaimed, StaleClaim, journal  # noqa: E402
from audit.outcomes import Stage  # noqa: E402
from audit.tasks import store_dead_letters  # noqa: E402
from forwarder.moogsoft import Moogsoft  # noqa: E402
from forwarder.tasks import forward_batch, forward_together  # noqa: E402
from ingest.tasks import validate_batch, validate_together  # noqa: E402
from mutt_project.celery import app  # noqa: E402
from rules.tasks import match_batch, match_together  # noqa: E402

MESSAGES = ("link down", "link down, refused", "nothing in particular", "noise")
DIED = 9
MOST = 1000
PATIENCE_S = 30
TASKS = {
    Stage.VALIDATE: validate_batch,
    Stage.MATCH: match_batch,
    Stage.FORWARD: forward_batch,
    Stage.DLQ: store_dead_letters,
}


def in_a_process(work: Callable[[], object]) -> int:
    """The exit code of a process that does this, and never comes back."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:  # noqa: BLE001 - it may not come back, whatever it was
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def open_batch(batch: UUID) -> None:
    """As the webhook does."""
    now = timezone.now().isoformat()
    entries: list[Entry] = [
        {"id": str(event_id(batch, place)), "event": {"hostname": f"h-{batch}", "timestamp": now, "message": text}}
        for place, text in enumerate(MESSAGES)
    ]
    journal().open(batch, entries, api_key="k", address="a")


def work_on(batch: UUID, dies_at: int) -> None:
    """Take a batch through all stages, every other time as those are taken that come with others; die at this step."""
    die_at(dies_at)
    if dies_at // 6 % 2:
        forward_together.run(match_together.run(validate_together.run([str(batch)]) or []) or [])
    else:
        validate_batch.run(str(batch))
        if match_batch.run(str(batch)):
            forward_batch.run(str(batch))
    with suppress(NotClaimed):  # after forward_together it may stand at forward still, to go by itself
        store_dead_letters.run(str(batch))


def die_at(step: int) -> None:
    left = step

    def one() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os._exit(DIED)

    def watched(function: Callable[..., Any]) -> Callable[..., Any]:
        def watching(*args: Any, **kwargs: Any) -> Any:
            one()
            answer = function(*args, **kwargs)
            one()
            return answer

        return watching

    for owner, name in (
        (AbstractConnection, "send_packed_command"),
        (AbstractConnection, "read_response"),
        (CursorWrapper, "execute"),
        (BaseDatabaseWrapper, "_commit"),
        (Moogsoft, "post"),
    ):
        setattr(owner, name, watched(getattr(owner, name)))


def do_the_rest() -> None:
    """What sweepers and workers do: take what is open from where it stands, once its holder's lease is over."""
    deadline = time.monotonic() + PATIENCE_S
    books = journal()
    while books.totals().open_batches and time.monotonic() < deadline:
        for overdue in books.sweep(MOST):
            try:
                TASKS[overdue.stage].run(str(overdue.batch))
            except (NotClaimed, StaleClaim, Abandoned):
                continue
        time.sleep(0.05)


def main() -> None:
    app.set_current()
    first, stride = map(int, sys.argv[1:])
    codes: list[int] = []
    for step in range(first, MOST, stride):
        batch = new_batch_id(timezone.now())
        assert in_a_process(partial(open_batch, batch)) == 0
        codes.append(in_a_process(partial(work_on, batch, step)))
        if codes[-1] != DIED:
            break
    assert in_a_process(do_the_rest) == 0
    print(json.dumps({"codes": codes}))


if __name__ == "__main__":
    main()
