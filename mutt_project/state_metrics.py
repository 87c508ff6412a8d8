"""How MUTT stands at the moment of a scrape, as Redis and PostgreSQL say; no process has it, so none can be asked."""

import logging
from collections.abc import Callable, Iterable, Mapping

from django.conf import settings
from django.db import Error, InterfaceError, OperationalError, connection
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from audit.journal import QUEUES, journal
from audit.reconciling import remembered
from audit.tuning.present import tuned
from audit.workers import beat_seen_at, workers
from forwarder.breaker import State
from forwarder.looking import Delivering, delivering
from ingest import canary
from ingest.admission import gate
from mutt_project.status.workers import alive_on
from rules.loaded import loaded_rule_set

logger = logging.getLogger(__name__)

MOST_COUNTED = 100_000


class StateCollector(Collector):
    """Gauges of the whole of MUTT. What a store that is away would say is missing, which is not 0."""

    def collect(self) -> Iterable[Metric]:
        found: list[Metric] = []
        up = {"redis": _is_there(_redis, found), "postgresql": _is_there(_postgresql, found)}
        yield from found
        yield _by("mutt_dependency_up", "1 if this answered at the scrape.", "dependency", up)


def _is_there(look: Callable[[], Iterable[Metric]], found: list[Metric]) -> bool:
    try:
        found.extend(look())
    except (RedisError, OperationalError, InterfaceError):
        return False
    except Error:  # it is there, and is not as it should be: in the middle of an upgrade
        logger.exception("not all metrics can be told")
    return True


def _redis() -> Iterable[Metric]:
    now, waiting, pressure = delivering(), journal().waiting(), gate().pressure()
    yield from _delivery(now)
    yield _one("mutt_batches_parked", "Batches that wait for Moogsoft.", waiting.parked)
    yield _one("mutt_batches_in_line", "Batches that wait for an earlier alert of the same key.", waiting.in_line)
    yield _one("mutt_batches_open", "Batches that are accepted and not finished.", journal().totals().open_batches)
    yield _by("mutt_queue_messages", "Messages that wait in Celery's queues.", "queue", waiting.queues)
    oldest = "For how long the batch has been open that has been open the longest; 0 where none is."
    yield _one("mutt_oldest_open_batch_age_seconds", oldest, journal().oldest_open_age_s() or 0)
    yield from _ledger()
    yield from _canary()
    if pressure:
        yield _one("mutt_door_closed", "1 while requests are answered 503 since there is no room.", pressure.full)
        yield _one("mutt_redis_memory_ratio", "Share of Redis' maxmemory that is in use.", pressure.memory)
    yield _one("mutt_batches_open_high", "At so many open batches the door closes.", tuned.MUTT_OPEN_BATCHES_HIGH)
    yield from _workers()
    yield from _rules()


def _ledger() -> Iterable[Metric]:
    checked = remembered()
    if checked:
        meaning = "Accepted events that no record explains; below 0: too many."
        yield _one("mutt_ledger_imbalance", meaning, checked.imbalance)
        when = "mutt_ledger_checked_timestamp_seconds"
        yield _one(when, "When the ledger was weighed last, in Unix time.", checked.at.timestamp())


def _canary() -> Iterable[Metric]:
    age = canary.age_s(timezone.now()) if settings.MUTT_CANARY_EVERY_S else None
    if age is not None:
        meaning = "Seconds since the receipt of the newest canary that came through."
        yield _one("mutt_canary_age_seconds", meaning, age)


def _delivery(now: Delivering) -> Iterable[Metric]:
    states = {word.value: now.breaker.state is word for word in State}
    forced, paused = now.breaker.forced, now.breaker.paused
    yield _by("mutt_breaker_state", "1 for the state of Moogsoft's breaker.", "state", states)
    yield _one("mutt_breaker_forced", "1 while somebody forces the breaker.", forced is not None)
    refused = paused is not None and paused.for_this_key
    yield _one("mutt_destination_paused", "1 while Moogsoft refuses the key in use.", refused)
    yield _one("mutt_breaker_failures", "Failures within the window.", now.breaker.failures)


def _workers() -> Iterable[Metric]:
    known, beat = workers(), beat_seen_at()
    serving = {queue: alive_on(queue, known) for queue in QUEUES}
    yield _by("mutt_workers", "Workers that live, by the queues that they serve.", "queue", serving)
    meaning = "1 for the state of each worker of the last hour: alive, gone (vanished), stopped (told to)."
    states = GaugeMetricFamily("mutt_worker_state", meaning, labels=["worker", "queues", "state"])
    for worker in known:
        states.add_metric([worker.name, ",".join(worker.queues), worker.state], 1)
    yield states
    if beat:
        when = "mutt_beat_last_tick_timestamp_seconds"
        yield _one(when, "When beat sent a task last, in Unix time.", beat.timestamp())


def _rules() -> Iterable[Metric]:
    loaded = loaded_rule_set()
    if loaded:
        yield _one("mutt_rule_set_rules", "Rules in use, in the rule set that was loaded last.", loaded.rules)
        left_out = "Active rules in it that cannot be used and are left out."
        yield _one("mutt_rules_left_out", left_out, loaded.left_out_count)


_DEAD_LETTERS = """
SELECT count(*) FROM (SELECT FROM audit_deadletter WHERE state = 'waiting' LIMIT %s) AS waiting
"""


def _postgresql() -> Iterable[Metric]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT version FROM rules_rulesetversion WHERE id = 1")
        (version,) = cursor.fetchone()
        cursor.execute(_DEAD_LETTERS, [MOST_COUNTED])
        (waiting,) = cursor.fetchone()
    yield _one("mutt_rule_set_stored_version", "The rule set as it is stored.", version)
    yield _one("mutt_dead_letters_waiting", f"Dead letters that wait; counted up to {MOST_COUNTED}.", waiting)


def _one(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=float(value))


def _by(name: str, meaning: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, meaning, labels=[label])
    for word, value in values.items():
        family.add_metric([word], float(value))
    return family
