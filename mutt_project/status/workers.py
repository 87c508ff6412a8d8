"""Which queues are worked on: Celery's workers are asked, and answer between two tasks."""

from collections import Counter
from collections.abc import Iterable, Mapping

from audit.journal import QUEUES, Waiting
from mutt_project.celery import app
from mutt_project.status.check import Check, failed, ok, warning

PATIENCE_S = 1.0
AGAIN_S = 2.0  # one that was busy with a task when it was asked has answered by then
MANY_MESSAGES = 1_000


def workers_alive(patience_s: float = PATIENCE_S) -> Mapping[str, int]:
    """For each queue, how many workers that answered within these seconds work on it. Raises RedisError."""
    answers = app.control.inspect(timeout=patience_s).active_queues() or {}
    return Counter(str(queue["name"]) for queues in answers.values() for queue in queues)


def workers() -> Mapping[str, int]:
    """The same; they are asked once more where a queue seems to have none."""
    found = workers_alive()
    return found if set(QUEUES) <= found.keys() else workers_alive(AGAIN_S)


def queue_checks(waiting: Waiting, alive: Mapping[str, int]) -> Iterable[Check]:
    """A check of each queue."""
    for queue in QUEUES:
        name, depth, many = f"queue_{queue}", waiting.in_queue(queue), alive.get(queue, 0)
        if not many:
            text = f"No worker for the queue “{queue}” answers; messages waiting: {depth:,}."
            yield failed(name, text, "Start workers for it. Those that run are busy for long, or hang: see their logs.")
        elif depth >= MANY_MESSAGES:
            text = f"The queue “{queue}” is deep; messages waiting: {depth:,}, workers: {many}."
            yield warning(name, text, "See whether it grows: start more workers, or find out what slows them down.")
        else:
            yield ok(name, f"The queue “{queue}”: messages waiting: {depth:,}, workers: {many}.")
