"""How delivery stands, for whoever asks: API, admin and metrics."""

from dataclasses import dataclass

from audit.journal import journal
from forwarder.breaker import Thresholds, View, breaker
from forwarder.rate_limit import Usage, rate_limit


@dataclass(frozen=True, slots=True)
class Delivering:
    """Breaker, rate limit and what waits.

    `parked` batches wait for Moogsoft, those `in_line` for an earlier alert of the same key.
    """

    breaker: View
    thresholds: Thresholds
    rate: Usage
    parked: int
    in_line: int
    waiting_in_queue: int


def delivering() -> Delivering:
    """How delivery stands now. Raises RedisError."""
    waiting = journal().waiting()
    return Delivering(
        breaker=breaker().view(),
        thresholds=breaker().thresholds,
        rate=rate_limit().usage(),
        parked=waiting.parked,
        in_line=waiting.in_line,
        waiting_in_queue=waiting.in_queue("forward"),
    )
