"""Where a pending event waits, what for, and when it is tried again: a plain function over how things stand."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from audit.journal import Place
from audit.outcomes import Stage
from audit.story import waiting_text
from forwarder.looking import Delivering

_BY_BREAKER = frozenset({"open", "probing"})
_BY_PACE = frozenset({"rate", "rate_limited", "retry_after"})
_FOR_A_PERSON = frozenset({"paused", "unauthorised", "order"})


@dataclass(frozen=True, slots=True)
class Wait:
    """What a pending event waits for.

    `why`: the word that it was parked by, or working, retry, queued, lost. `behind`: the batch that has to be delivered
    first. `next_try_at` is None where nobody can know.
    """

    stage: Stage
    why: str
    text: str
    since: datetime | None = None
    next_try_at: datetime | None = None
    behind: UUID | None = None

    @property
    def is_parked(self) -> bool:
        return self.why not in {"working", "retry", "queued", "lost"}


def wait_of(place: Place | None, delivering: Callable[[], Delivering], now: datetime) -> Wait:
    """What a pending event waits for whose batch stands there. Raises RedisError from `delivering`."""
    if place is None:
        return Wait(
            Stage.FORWARD,
            "lost",
            "Its batch is in no journal: it has just been closed, or the journal was lost. Look again; `muttctl ledger`"
            " tells whether the books balance.",
        )
    if place.parked:
        next_try = _when_released(place.parked, delivering(), now)
        text = waiting_text(place.stage, place.parked)
        return Wait(place.stage, place.parked, text, _time(place.queued_at), next_try, place.behind)
    if place.held_until is not None and place.held_until > now.timestamp():
        return Wait(place.stage, "working", f"A worker is at it ({place.stage}).")
    if place.queued_at > now.timestamp():
        times = "once" if place.failures == 1 else f"{place.failures} times"
        text = f"Moogsoft failed it {times}; it is tried again." if place.failures else "It is tried again."
        return Wait(place.stage, "retry", text, None, _time(place.queued_at))
    text = waiting_text(place.stage, None)
    if place.due:
        text += f" If its message got lost, it is queued again at {_time(place.due):%H:%M:%S} UTC."
    return Wait(place.stage, "queued", text, _time(place.queued_at))


def _when_released(parked: str, now_delivering: Delivering, now: datetime) -> datetime | None:
    """When Moogsoft is asked again, so far as that is known."""
    breaker = now_delivering.breaker
    if parked in _FOR_A_PERSON or (breaker.paused and breaker.paused.for_this_key):
        return None
    if breaker.forced and breaker.forced.state == "open":
        return breaker.forced.until
    held = now_delivering.rate.held_until
    times = [breaker.next_try_at, held]
    if parked in _BY_PACE:
        times = [held]
    elif parked in _BY_BREAKER:
        times = [breaker.next_try_at]
    known = [time for time in times if time is not None]
    return max([*known, now]) if known else None


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
