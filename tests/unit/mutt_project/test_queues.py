"""Which queue each task goes to."""

import pytest

from mutt_project.worker import app

app.loader.import_default_modules()
TASKS = sorted(name for name in app.tasks if not name.startswith("celery."))


def test_there_are_tasks():
    assert len(TASKS) >= 6


@pytest.mark.parametrize("name", TASKS)
def test_every_task_has_a_route_to_a_queue_that_exists(name: str):
    assert app.conf.task_routes[name]["queue"] in {queue.name for queue in app.conf.task_queues}
    assert app.amqp.router.route({}, name)["queue"].name == app.conf.task_routes[name]["queue"]


def test_each_queue_has_an_exchange_and_a_key_of_its_own():
    assert len({(queue.exchange.name, queue.routing_key) for queue in app.conf.task_queues}) == 4
