"""The Celery app and its one base task: log context, metrics and failures are dealt with here, once."""

import logging
import time
from typing import Any
from uuid import UUID

from celery import Celery, Task
from celery.exceptions import Ignore, Reject, Retry
from django.db import InterfaceError, InternalError, OperationalError, ProgrammingError, close_old_connections
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError
from structlog.contextvars import bind_contextvars, clear_contextvars

from audit.isolation import INTERNAL_ERROR
from audit.journal import Abandoned, Burial, NotClaimed, StaleClaim, journal
from audit.metrics import ABANDONED
from audit.outcomes import DeadStage, Stage
from audit.tasks import give_up
from ingest.pipeline import resume
from mutt_project.celery_app import configure
from mutt_project.metrics import ENDS, TASK_SECONDS, TASKS

logger = logging.getLogger(__name__)

TRIES = 3
MOST_NAMED = 20  # batches in a log line
STORE_DOWN = (
    OperationalError,
    InterfaceError,
    InternalError,
    ProgrammingError,  # a table that is missing in the middle of an upgrade; a server that is read-only
    RedisError,
    BrokerError,
)
# The tasks whose batch can be given up, and what is given up then.
STAGES = {
    "ingest.validate_batch": (Stage.VALIDATE, DeadStage.ALERTER),
    "rules.match_batch": (Stage.MATCH, DeadStage.ALERTER),
    "forwarder.forward_batch": (Stage.FORWARD, DeadStage.MOOG),
}
# The tasks that work on several batches, and where these stand.
TOGETHER = {
    "ingest.validate_together": Stage.VALIDATE,
    "rules.match_together": Stage.MATCH,
    "forwarder.forward_together": Stage.FORWARD,
}
# The tasks whose argument is a batch id, or several.
BATCH_TASKS = {*STAGES, *TOGETHER, "audit.store_dead_letters"}


def _named(argument: Any) -> Any:
    """An argument as log lines have it: of many batches the first and the last, or lines would be cut off."""
    if isinstance(argument, list) and len(argument) > MOST_NAMED:
        return [argument[0], f"… {len(argument) - 2} more …", argument[-1]]
    return argument


class MuttTask(Task):  # type: ignore[type-arg] # celery's Task is generic in the stubs only
    """Every task of MUTT.

    A stage that finds nothing to claim, or leaves nothing to do (it returns None), ends the chain quietly. So does
    one whose store is away: its batch stays in the journal, for the sweeper. Whatever else fails is tried again,
    and then the batch goes to the dead letters: it never just disappears. Several batches are tried again one by one.
    """

    abstract = True
    max_retries = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        begin = time.perf_counter()
        self._bind(args)
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
        except Abandoned as error:
            end, result = "abandoned", None
            self._give_up(args, ABANDONED, str(error))
        except Exception as error:  # a task must end in a retry or in a dead letter, whatever it stumbled over
            result = None
            logger.exception("%s %s failed", self.name, [_named(one) for one in args])
            self._try_again(args, error)
        finally:
            close_old_connections()
            TASKS.labels(self.name, end).inc()
            TASK_SECONDS.labels(self.name).observe(time.perf_counter() - begin)
            clear_contextvars()
        if result is None:
            self.request.chain = None
        return result

    def _bind(self, args: tuple[Any, ...]) -> None:
        """Have log lines say which task they are of, and which batches it is about."""
        clear_contextvars()
        bind_contextvars(task=self.name, task_id=self.request.id)
        if self.name in BATCH_TASKS:
            bind_contextvars(**{"batch_ids" if isinstance(args[0], list) else "batch_id": _named(args[0])})

    def _try_again(self, args: tuple[Any, ...], error: Exception) -> None:
        """A batch by itself is tried again, and given up in the end; of several, each is tried by itself."""
        if self.name in STAGES:
            tries = journal().count_error(UUID(args[0]))
            if tries < TRIES:
                raise self.retry(countdown=2**tries, exc=error) from error
            self._give_up(args, INTERNAL_ERROR, f"{self.name}: {type(error).__name__}")
        for batch in args[0] if self.name in TOGETHER else ():
            resume(UUID(batch), TOGETHER[self.name])

    def _give_up(self, args: tuple[Any, ...], reason: str, detail: str) -> None:
        stage, half = STAGES[self.name]
        give_up(UUID(args[0]), Burial(half, reason, detail), stage)


app = Celery("mutt", task_cls=MuttTask)
configure(app)
# Celery would close the connection to PostgreSQL around every task; the base task closes it by its age.
app.conf["CELERY_DB_REUSE_MAX"] = 1_000_000
app.autodiscover_tasks()
for _module in ("sweeper", "replay_tasks", "pruning", "canary"):
    app.autodiscover_tasks(related_name=_module)
# A series that begins with its first run hides that one from `increase()`.
for _task in app.conf["task_routes"]:
    TASK_SECONDS.labels(_task)
    for _end in ENDS:
        TASKS.labels(_task, _end)
