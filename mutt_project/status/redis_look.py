"""Whether Redis takes what is written to it, and how it is set up; on a connection of its own, in bounded time."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from audit.redis_connecting import redis_options
from audit.tls import tls_trouble
from mutt_project.status.check import Check, failed, ok, warning

TIMEOUT_S = 1.0  # of each step: to connect, and each answer
_PROBE = "mutt:probe"

# Which error means what, the first that fits; some are kinds of others. What the error says may hold an address.
_TROUBLES: tuple[tuple[type[RedisError], str, str], ...] = (
    (AuthenticationError, "It refuses the password.", "Mend REDIS_PASSWORD or REDIS_URL, in all processes."),
    (AuthorizationError, "Its user may not do what is needed.", "Give the user of REDIS_URL all keys and commands."),
    (BusyLoadingError, "It is loading its data.", "Wait: with a large AOF that takes a while after a start."),
    (OutOfMemoryError, "Its memory is full: it takes no writes.", "Raise maxmemory, or let MUTT work off its backlog."),
    (ReadOnlyError, "It is a read-only replica.", "Let REDIS_URL point to the primary."),
    (RedisTimeoutError, "It does not answer in time.", "See whether it runs, and whether a firewall drops packets."),
    (ResponseError, "It takes no writes.", "See its log: often its disk is full, or its AOF cannot be written."),
)
_MEND_TLS = "Mend its certificate, or the host in REDIS_URL, REDIS_CA_FILE or REDIS_CLIENT_CERT_FILE: docs/network.md."
_UNREACHABLE = ("It cannot be reached.", "See whether it runs, and whether REDIS_URL is right.")


@dataclass(frozen=True, slots=True)
class RedisLook:
    """What was found. `facts` is Redis' INFO, empty where it does not work; `skew_s` is its clock less ours."""

    check: Check
    facts: dict[str, Any]
    skew_s: float | None = None

    @property
    def version(self) -> str | None:
        if not self.facts:
            return None
        if "valkey_version" in self.facts:
            return f"Valkey {self.facts['valkey_version']}"
        return f"Redis {self.facts.get('redis_version', '?')}"


def look_at_redis() -> RedisLook:
    """Connect anew and write something: what a pool has open already would hide a password that was changed."""
    client = Redis.from_url(
        settings.REDIS_URL,
        **redis_options(),
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        with client:
            client.set(_PROBE, "1", ex=60)
            before = time.time()
            seconds, microseconds = client.time()
            skew = seconds + microseconds / 1e6 - (before + time.time()) / 2
            return RedisLook(ok("redis", "It takes writes."), client.info(), skew)
    except RedisError as error:
        return RedisLook(failed("redis", *_trouble(error)), {})


def _trouble(error: RedisError) -> tuple[str, str]:
    """What is wrong, and how to mend it."""
    if about_tls := tls_trouble(error):
        return f"There is no connection by TLS: {about_tls}.", _MEND_TLS
    return next(((text, mend) for kind, text, mend in _TROUBLES if isinstance(error, kind)), _UNREACHABLE)


def settings_of_redis(facts: dict[str, Any]) -> Iterable[Check]:
    """Whether Redis is set up so that it keeps what was accepted."""
    policy = facts.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        text = f"maxmemory-policy is {policy}: Redis may throw events away that were accepted."
        yield failed("redis_eviction", text, "Set maxmemory-policy noeviction.")
    if not facts.get("aof_enabled", 1):
        text = "AOF is off: a restart of Redis loses what is in flight."
        yield warning("redis_aof", text, "Set appendonly yes.")
    if not facts.get("maxmemory", 1):
        text = "There is no maxmemory: MUTT cannot close its door before the machine's memory is full."
        yield warning("redis_maxmemory", text, "Set maxmemory to what Redis may use.")
