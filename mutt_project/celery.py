"""The Celery app and its one base task: log context, metrics and failures are dealt with here, once."""

import logging
import time
from typing import Any
from uuid import UUID

from celery import Celery, Task
from celery.exceptions import Ignore, Reject, Retry
from django.db import InterfaceError, OperationalError, close_old_connections
from prometheus_client import Counter, Histogram
from redis.exceptions import RedisError

from audit.journal import Burial, NotClaimed, StaleClaim
from audit.outcomes import DeadStage
from audit.tasks import give_up

logger = logging.getLogger(__name__)

TASKS = Counter("mutt_tasks_total", "Task runs by how they ended.", ["task", "end"])
TASK_SECONDS = Histogram("mutt_task_seconds", "How long task runs took.", ["task"])

TRIES = 3
STORE_DOWN = (OperationalError, InterfaceError, RedisError)
_ALERTER_TASKS = {"ingest.validate_batch", "rules.match_batch"}
_BATCH_TASKS = {*_ALERTER_TASKS, "forwarder.forward_batch"}


class MuttTask(Task):  # type: ignore[type-arg] # celery's Task is generic in the stubs only
    """Every task of MUTT.

    A stage that finds nothing to claim, or leaves nothing to do (it returns None), ends the chain quietly. So does
    one whose store is away: its batch stays in the journal, for the sweeper. Whatever else fails is tried again,
    and then the batch goes to the dead letters: it never just disappears.
    """

    abstract = True
    max_retries = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        begin = time.perf_counter()
        end = "failed"
        try:
            result = self.run(*args, **kwargs)
            end = "done"
        except (NotClaimed, StaleClaim) as nothing_to_do:
            end, result = "nothing_to_do", None
            logger.info("%s %s: %s", self.name, args, nothing_to_do)
        except (Retry, Ignore, Reject):
            end = "retried"
            raise
        except STORE_DOWN as error:
            # No retry: the batch is in the journal, and the sweeper sends one message for it until it goes on.
            end, result = "store_down", None
            logger.warning("%s %s left to the sweeper: %s", self.name, args, type(error).__name__)
        except Exception as error:  # a task must end in a retry or in a dead letter, whatever it stumbled over
            logger.exception("%s %s failed", self.name, args)
            if self.request.retries + 1 < TRIES:
                raise self.retry(countdown=2**self.request.retries, exc=error) from error
            self._give_up(args, error)
            raise Ignore from error
        finally:
            close_old_connections()
            TASKS.labels(self.name, end).inc()
            TASK_SECONDS.labels(self.name).observe(time.perf_counter() - begin)
        if result is None:
            self.request.chain = None
        return result

    def _give_up(self, args: tuple[Any, ...], error: Exception) -> None:
        if self.name in _BATCH_TASKS:
            stage = DeadStage.ALERTER if self.name in _ALERTER_TASKS else DeadStage.MOOG
            give_up(UUID(args[0]), Burial(stage, "internal_error", f"{self.name}: {type(error).__name__}"))


app = Celery("mutt", task_cls=MuttTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
# Celery would close the connection to PostgreSQL around every task; the base task closes it by its age.
app.conf["CELERY_DB_REUSE_MAX"] = 1_000_000
app.autodiscover_tasks()
app.autodiscover_tasks(related_name="sweeper")
