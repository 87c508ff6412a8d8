"""How many requests Moogsoft gets, from all workers together: at most so many within any window.

The right to a request is asked of the breaker, which looks at both in one step (`lua/breaker.lua`).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any, cast

import limits
from redis import Redis

from audit.connections import redis_client
from audit.tuning.present import tuned
from forwarder.breaker import PREFIX, Turn
from forwarder.retry import POLICIES, Reason

SLOTS = f"{PREFIX}slots"
HOLD = f"{PREFIX}hold"


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of the window is used. `held_until`: Moogsoft has asked for a pause until then."""

    requests: int
    window_s: float
    used: int
    held_until: datetime | None


class RateLimit:
    """A window that slides by Redis' clock. Nobody waits here: who has to wait is told so, and parks."""

    def __init__(self, redis: Redis, rate: str) -> None:
        self._script = redis.register_script(
            files("forwarder").joinpath("lua", "rate_limit.lua").read_text(encoding="utf-8")
        )
        limit = limits.parse(rate)
        self.requests = limit.amount
        self.window_s = float(limit.get_expiry())

    @property
    def per_second(self) -> float:
        return self.requests / self.window_s

    @property
    def turn(self) -> Turn:
        """What a breaker has to know to give the right to one request."""
        longest = POLICIES[Reason.RATE_LIMITED].longest_s
        return Turn((SLOTS, HOLD), (self.requests, self.window_s, longest))

    def hold(self, asked_s: float | None) -> float:
        """Moogsoft wants a pause (429): nobody sends for so many seconds, which are returned."""
        policy = POLICIES[Reason.RATE_LIMITED]
        asked = "" if asked_s is None else min(asked_s, policy.longest_s)
        return float(self._run("hold", policy.first_s, policy.longest_s, asked))

    def usage(self) -> Usage:
        used, until, pause = self._run("read", self.window_s)
        held_until = datetime.fromtimestamp(float(until), UTC) if float(pause) > 0 else None
        return Usage(self.requests, self.window_s, int(used), held_until)

    def _run(self, *args: object) -> Any:
        return self._script(keys=[SLOTS, HOLD], args=[cast("Any", argument) for argument in args])


def rate_limit() -> RateLimit:
    """The rate limit, as it is set now."""
    return _rate_limit_of(tuned.MOOGSOFT_RATE)


@lru_cache(maxsize=2)  # two while it is being changed
def _rate_limit_of(rate: str) -> RateLimit:
    return RateLimit(redis_client(), rate)
