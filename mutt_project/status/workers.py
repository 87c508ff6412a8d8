"""Which queues are worked on, by what the workers say of themselves."""

from collections.abc import Iterable, Sequence

from audit.journal import QUEUES, Waiting
from audit.workers import Worker
from mutt_project.status.check import Check, failed, ok, warning

MANY_MESSAGES = 1_000


def alive_on(queue: str, workers: Iterable[Worker]) -> int:
    """How many of them live and serve this queue."""
    return sum(worker.alive and queue in worker.queues for worker in workers)


def queue_checks(waiting: Waiting, workers: Sequence[Worker]) -> Iterable[Check]:
    """A check of each queue."""
    for queue in QUEUES:
        name, depth, many = f"queue_{queue}", waiting.in_queue(queue), alive_on(queue, workers)
        if not many:
            text = f"No worker for the queue “{queue}” lives{_who(queue, workers)}; messages waiting: {depth:,}."
            yield failed(name, text, "Start workers for it, or see in their logs why they are gone or hang.")
        elif depth >= MANY_MESSAGES:
            text = f"The queue “{queue}” is deep; messages waiting: {depth:,}, workers: {many}."
            yield warning(name, text, "See whether it grows: start more workers, or find out what slows them down.")
        else:
            yield ok(name, f"The queue “{queue}”: messages waiting: {depth:,}, workers: {many}.")


def _who(queue: str, workers: Iterable[Worker]) -> str:
    """Those that served it within the last hour, and when they were last heard of."""
    of_queue = [worker for worker in workers if queue in worker.queues]
    if not of_queue:
        return ""
    named = [f"{one.name} {one.state}, last heard of {one.seen_at:%H:%M:%S} UTC" for one in of_queue]
    return f" ({'; '.join(named)})"
