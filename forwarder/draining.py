"""Which parked batches may go on now: any one to try an open breaker, then more and more, never all at once.

The pace lives in Redis (`lua/drain.lua`): any number of workers may ask, and each batch is given once.
"""

from functools import lru_cache
from importlib.resources import files
from secrets import randbelow
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from redis import Redis

from audit.connections import redis_client
from audit.journal import BATCH, OPEN, PARKED
from audit.tuning.present import tuned
from forwarder.breaker import BREAKER, RAMP, Breaker, breaker
from forwarder.moogsoft import moogsoft
from forwarder.rate_limit import HOLD, RateLimit, rate_limit
from forwarder.retry import POLICIES, Reason

QUEUE = "forward"
MOST_AT_ONCE = 500  # batches; the script holds Redis up for some 10 ms with so many


class Drainer:
    """Releases parked batches in the order of their receipt.

    `share`: which part of the rate limit they get; `size`: events of a request; `grace_s`: when a released batch
    whose message was lost is overdue.
    """

    def __init__(
        self, redis: Redis, breaker: Breaker, rate_limit: RateLimit, *, share: float, size: int, grace_s: float
    ) -> None:
        self._script = redis.register_script(
            files("forwarder").joinpath("lua", "drain.lua").read_text(encoding="utf-8")
        )
        self._breaker = breaker
        self._most = rate_limit.per_second * share
        self._size = size
        self._grace_s = grace_s

    def release(self) -> list[list[UUID]]:
        """Take the batches that may go on now out of the parked ones, those together that one request can hold."""
        limits = self._breaker.thresholds
        deepest = max(2 * self._most, 10)  # what is behind more than two seconds' messages is as well off parked
        longest = POLICIES[Reason.RATE_LIMITED].longest_s
        pace = (self._breaker.key, limits.open_s, self._most, deepest, self._size)
        args = (*pace, self._grace_s, BATCH, limits.probe_s, longest, MOST_AT_ONCE, randbelow(2**31))
        found: Any = self._script(
            keys=[PARKED, OPEN, BREAKER, RAMP, HOLD, QUEUE], args=[cast("Any", argument) for argument in args]
        )
        return [[UUID(batch.decode()) for batch in group] for group in found]


def drainer() -> Drainer:
    """The drainer of this process, by the settings."""
    size = tuned.MOOGSOFT_BATCH_SIZE if moogsoft().takes_many else 1
    return drainer_behind(breaker(), rate_limit(), tuned.MOOGSOFT_DRAIN_SHARE, size)


@lru_cache(maxsize=2)  # two while the key or a setting is being changed
def drainer_behind(breaker: Breaker, rate_limit: RateLimit, share: float, size: int) -> Drainer:
    return Drainer(redis_client(), breaker, rate_limit, share=share, size=size, grace_s=settings.MUTT_GRACE_S)
