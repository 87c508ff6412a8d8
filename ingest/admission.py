"""Whether the door is open: closed above a high-water mark, before any work is done, until below the low one.

And how often a key, or everybody together, may come: by `limits`, whose sliding windows all web processes share.
"""

import logging
import math
import threading
import time
from collections.abc import Callable
from functools import cache

import limits
from django.conf import settings
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis.exceptions import RedisError

from audit.connections import redis_client
from audit.journal import Journal, Marks, Pressure, journal
from audit.tuning.present import tuned

logger = logging.getLogger(__name__)

EVERYBODY = "everybody"


class Gate:
    """Asks the journal for its pressure, at most every `every_s` seconds; in between the last answer holds."""

    def __init__(
        self,
        marks: Callable[[], Marks],
        every_s: float,
        books: Callable[[], Journal],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._marks = marks
        self._every_s = every_s
        self._books = books
        self._clock = clock
        self._lock = threading.Lock()
        self._asked_at = -math.inf
        self._pressure: Pressure | None = None

    def pressure(self) -> Pressure | None:
        """The pressure a moment ago; None while Redis does not tell, which the journal will say soon enough."""
        with self._lock:
            if self._clock() - self._asked_at < self._every_s:
                return self._pressure
            self._asked_at = self._clock()  # one request asks; the others go by what is known
            before = self._pressure
        try:
            pressure = self._books().pressure(self._marks())
        except RedisError as error:
            logger.warning("the journal's pressure is not known: %s", type(error).__name__)
            pressure = None
        self._pressure = pressure
        _tell(before, pressure)
        return pressure

    def is_closed(self) -> bool:
        pressure = self.pressure()
        return pressure is not None and pressure.full


def _tell(before: Pressure | None, now: Pressure | None) -> None:
    if now and now.full and not (before and before.full):
        logger.error(
            "the journal is full (%s open batches, memory %.0f %%): requests are answered 503",
            now.open_batches,
            100 * now.memory,
        )
    if before and before.full and now and not now.full:
        logger.warning("the journal has room again (%s open batches): requests are taken", now.open_batches)


class Rates:
    """Counts requests per key in Redis. Without Redis nobody is over a limit: the journal answers 503 then."""

    def __init__(self, limiter: SlidingWindowCounterRateLimiter) -> None:
        self._limiter = limiter

    def wait_s(self, name: str, rate: str) -> int:
        """Count one request of this name; 0 if its rate allows it, else after how many seconds to come again."""
        if not rate:
            return 0
        limit = limits.parse(rate)
        try:
            if self._limiter.hit(limit, name):
                return 0
            reset_at = self._limiter.get_window_stats(limit, name).reset_time
        except (RedisError, limits.errors.StorageError) as error:
            logger.warning("rates are not counted: %s", type(error).__name__)
            return 0
        return max(1, math.ceil(reset_at - time.time()))


@cache
def gate() -> Gate:
    """The gate of this process, by the settings."""
    return Gate(_marks, settings.MUTT_GATE_EVERY_S, journal)


def _marks() -> Marks:
    """As they are set now."""
    return Marks(
        batches_high=tuned.MUTT_OPEN_BATCHES_HIGH,
        batches_low=tuned.MUTT_OPEN_BATCHES_LOW,
        memory_high=tuned.MUTT_REDIS_MEMORY_HIGH,
        memory_low=tuned.MUTT_REDIS_MEMORY_LOW,
    )


@cache
def rates() -> Rates:
    """The rates of this process, on the same Redis as the journal."""
    pool = redis_client().connection_pool
    storage = RedisStorage(settings.REDIS_URL, connection_pool=pool, key_prefix="mutt:rate", wrap_exceptions=True)
    return Rates(SlidingWindowCounterRateLimiter(storage))
