"""The reference: a bare Celery app with a chain of three empty tasks, one event a chain.

`python -m ops.bench.reference_app COUNT` publishes so many chains and prints when it began (Unix time) and how many
seconds of CPU it took; with `ended` for COUNT it prints how many tasks were run. The broker is in BENCH_BROKER_URL.
"""

import os
import sys
import time
from typing import Any

from celery import Celery, chain

QUEUE = "reference"

app = Celery("reference", broker=os.environ.get("BENCH_BROKER_URL", ""), set_as_current=False)
app.conf.update(task_acks_late=True, task_ignore_result=True, task_default_queue=QUEUE)


@app.task(name="reference.first")  # also where this module is the program itself
def first(event: int) -> int:
    """Do nothing."""
    return event


@app.task(name="reference.second")
def second(event: int) -> int:
    """Do nothing."""
    return event


@app.task(name="reference.third")
def third(event: int) -> int:
    """Do nothing."""
    return event


def ended() -> int:
    """How many tasks the workers have run."""
    stats: dict[str, Any] = app.control.inspect(timeout=5).stats() or {}
    return sum(count for of_worker in stats.values() for count in of_worker["total"].values())


def publish(count: int) -> None:
    """Publish one chain for each event."""
    for number in range(count):
        chain(first.s(number), second.s(), third.s()).apply_async()


if __name__ == "__main__" and sys.argv[1] == "ended":
    print(ended())
elif __name__ == "__main__":
    begin, spent = time.time(), time.process_time()
    publish(int(sys.argv[1]))
    print(begin, time.process_time() - spent)
