"""Which outcome of a POST is tried again, how often and when: a table, and the arithmetic of waiting."""

import random
from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why Moogsoft did not take a request; shared by records, dead letters and metrics."""

    CONNECTION = "connection"
    TIMEOUT = "timeout"
    SERVER_ERROR = "server_error"
    REDIRECTED = "redirected"
    MISDIRECTED = "misdirected"
    ADDRESS_REFUSED = "address_refused"  # by us
    RATE_LIMITED = "rate_limited"
    UNAUTHORISED = "unauthorised"
    REFUSED = "refused"
    UNSENDABLE = "unsendable"


class Concern(StrEnum):
    """What a failure is about, and hence what follows from it."""

    DESTINATION = "destination"  # counted by the breaker, tried again
    PACE = "pace"  # nobody sends for a while; no try is spent
    ACCESS = "access"  # the destination is paused until a person or a new key resumes it
    EVENT = "event"  # the request is halved until the guilty event stands alone, which dies


class DeliveryError(Exception):
    """A POST that Moogsoft did not take.

    `detail` may be shown to people; `retry_after_s` is what the answer asked for, in seconds.
    """

    def __init__(
        self, reason: Reason, detail: str, *, status: int | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.status = status
        self.retry_after_s = retry_after_s

    @property
    def concern(self) -> Concern:
        return POLICIES[self.reason].concern


@dataclass(frozen=True, slots=True)
class Policy:
    """After how many failures that look like the event's own it is (None: never), the first and the longest wait.

    Waits are seconds, and double in between.
    """

    concern: Concern
    attempts: int | None
    first_s: float = 1.0
    longest_s: float = 60.0


# The waits of what is tried again by Celery stay far below the broker's visibility timeout, or the message would
# come twice. The others are parked.
POLICIES: dict[Reason, Policy] = {
    Reason.CONNECTION: Policy(Concern.DESTINATION, attempts=12),
    Reason.TIMEOUT: Policy(Concern.DESTINATION, attempts=12),
    Reason.SERVER_ERROR: Policy(Concern.DESTINATION, attempts=12),
    Reason.REDIRECTED: Policy(Concern.DESTINATION, attempts=12),
    Reason.MISDIRECTED: Policy(Concern.DESTINATION, attempts=12),
    # No event can be guilty of it, whatever else gets through: it goes on once the name leads elsewhere.
    Reason.ADDRESS_REFUSED: Policy(Concern.DESTINATION, attempts=None),
    Reason.RATE_LIMITED: Policy(Concern.PACE, attempts=None, longest_s=300.0),
    Reason.UNAUTHORISED: Policy(Concern.ACCESS, attempts=None),
    Reason.REFUSED: Policy(Concern.EVENT, attempts=1),
    Reason.UNSENDABLE: Policy(Concern.EVENT, attempts=1),
}
# Moogsoft takes other requests, and fails this part of a batch that often: then it is about an event in it.
SUSPECT_ATTEMPTS = 3

_MULTIPLE_CHOICES = 300
_BAD_REQUEST = 400
_INTERNAL_SERVER_ERROR = 500
_BY_STATUS = {
    401: Reason.UNAUTHORISED,
    403: Reason.UNAUTHORISED,
    407: Reason.UNAUTHORISED,
    408: Reason.TIMEOUT,
    429: Reason.RATE_LIMITED,
    # About the address or what stands before it: no event can be guilty of them.
    **dict.fromkeys((404, 405, 410, 421, 423, 425), Reason.MISDIRECTED),
}


def reason_of(status: int) -> Reason | None:
    """What an HTTP status means for the events of a request; None if they were taken (any 2xx)."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= _INTERNAL_SERVER_ERROR:
        return Reason.SERVER_ERROR
    if status >= _BAD_REQUEST:
        return Reason.REFUSED
    if status >= _MULTIPLE_CHOICES or status < 200:  # noqa: PLR2004 - the first 2xx
        return Reason.REDIRECTED
    return None


class Step(StrEnum):
    """What follows from a failed request."""

    RETRY = "retry"  # by Celery, after a wait
    PARK = "park"  # until the breaker lets it through; no try is spent
    HOLD = "hold"  # nobody sends for a while; park
    PAUSE = "pause"  # nobody sends until a person or a new key says so; park
    DIVIDE = "divide"  # find the guilty event


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand after a failure.

    `suspicions`: how often this batch failed though Moogsoft took more of the other requests than it failed since the
    time before. `divided`: its request has been divided before. `closed`: the breaker still is.
    """

    suspicions: int
    divided: bool
    closed: bool


def next_step(error: DeliveryError, standing: Standing) -> Step:
    """What to do about a failed request: no event dies for what is the destination's fault."""
    policy = POLICIES[error.reason]
    match policy.concern:
        case Concern.EVENT:
            return Step.DIVIDE
        case Concern.PACE:
            return Step.HOLD
        case Concern.ACCESS:
            return Step.PAUSE
    if not standing.closed:
        return Step.PARK
    if policy.attempts is None:
        return Step.RETRY
    most = SUSPECT_ATTEMPTS if standing.divided else policy.attempts
    return Step.RETRY if standing.suspicions < most else Step.DIVIDE


def wait_before_next(error: DeliveryError, attempt: int, chance: random.Random) -> float:
    """Seconds to wait after the `attempt`-th (from 1) failed.

    Full jitter over the upper half of the exponential step, so that workers do not return in step.
    """
    policy = POLICIES[error.reason]
    step = min(policy.first_s * 2.0 ** min(attempt - 1, 30), policy.longest_s)
    wait = chance.uniform(step / 2, step)
    if error.retry_after_s is not None:
        wait = max(wait, min(error.retry_after_s, policy.longest_s))
    return wait
