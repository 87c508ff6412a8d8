"""The whole of it: every check there is, the versions, and how many wait where."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from django.db import Error
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from audit.journal import QUEUES, journal
from audit.workers import workers
from forwarder.looking import delivering
from mutt_project import __version__
from mutt_project.status.check import Check, State, failed
from mutt_project.status.configuration import clocks, rule_check, setting_checks
from mutt_project.status.delivery import dead_letters, delivery_checks, scheduled_canary
from mutt_project.status.door import refused_requests
from mutt_project.status.postgresql_look import look_at_postgresql
from mutt_project.status.readiness import room
from mutt_project.status.redis_look import look_at_redis, settings_of_redis
from mutt_project.status.secrets_look import secret_checks
from mutt_project.status.workers import alive_on, queue_checks
from rules.ruleset import RulesLook, look_at_rules

_LIBRARIES = ("Django", "djangorestframework", "celery", "kombu", "redis", "psycopg2-binary", "pybreaker", "google-re2")


@dataclass(frozen=True, slots=True)
class Queue:
    """One of Celery's queues: how many messages wait, and how many workers work on it."""

    name: str
    messages: int
    workers: int


@dataclass(frozen=True, slots=True)
class Status:
    """How MUTT is. What cannot be asked, since its store is away, is left out or None."""

    checks: Sequence[Check]
    versions: Mapping[str, str | None]
    rules: RulesLook | None
    queues: Sequence[Queue]

    @property
    def state(self) -> State:
        """The worst state of all checks."""
        states = {check.state for check in self.checks}
        return next(state for state in (State.FAILED, State.WARNING, State.OK) if state in states)


def status() -> Status:
    """Look at everything once; takes one to some ten seconds, whatever is away."""
    redis, postgresql = look_at_redis(), look_at_postgresql()
    skews = {"Redis": redis.skew_s, "PostgreSQL": postgresql.skew_s}
    checks = [redis.check, postgresql.check, *clocks({name: skew for name, skew in skews.items() if skew is not None})]
    queues: list[Queue] = []
    rules = None
    if redis.check.is_well:
        checks += settings_of_redis(redis.facts)
        found, queues = _in_redis()
        checks += found
    if postgresql.check.is_well:
        found, rules = _in_postgresql()
        checks += found
    checks += [*secret_checks(), *setting_checks()]
    versions = {"mutt": __version__, "python": platform.python_version(), **_libraries()}
    stores = {"redis_server": redis.version, "postgresql": postgresql.version}
    return Status(checks, {**versions, **stores}, rules, queues)


def _in_redis() -> tuple[list[Check], list[Queue]]:
    try:
        waiting, known = journal().waiting(), workers()
        checks = [room(), *queue_checks(waiting, known)]
        checks += [*delivery_checks(delivering()), *scheduled_canary(timezone.now())]
    except (RedisError, BrokerError) as error:
        return [_left_meanwhile("redis", error)], []
    return checks, [Queue(name, waiting.in_queue(name), alive_on(name, known)) for name in QUEUES]


def _in_postgresql() -> tuple[list[Check], RulesLook | None]:
    try:
        rules = look_at_rules()
        return [rule_check(rules), dead_letters(), *refused_requests(timezone.now())], rules
    except Error as error:
        return [_left_meanwhile("postgresql", error)], None


def _left_meanwhile(name: str, error: Exception) -> Check:
    return failed(name, f"It left while it was asked ({type(error).__name__}).", "Ask again.")


def _libraries() -> Mapping[str, str]:
    return {name.lower(): version(name) for name in _LIBRARIES}
