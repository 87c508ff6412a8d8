"""Which outcome of a POST is tried again, how often and when: a table, and the arithmetic of waiting."""

import random
from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why Moogsoft did not take a request; shared by records, dead letters and metrics."""

    CONNECTION = "connection"
    TIMEOUT = "timeout"
    SERVER_ERROR = "server_error"
    RATE_LIMITED = "rate_limited"
    UNAUTHORISED = "unauthorised"
    REDIRECTED = "redirected"
    REFUSED = "refused"


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
    def retryable(self) -> bool:
        return POLICIES[self.reason].attempts > 1


@dataclass(frozen=True, slots=True)
class Policy:
    """How often at most, and the first and the longest wait in seconds (doubling between them)."""

    attempts: int
    first_s: float = 1.0
    longest_s: float = 60.0


# A wait stays far below the broker's visibility timeout, or the message would come twice.
POLICIES: dict[Reason, Policy] = {
    Reason.CONNECTION: Policy(attempts=12),
    Reason.TIMEOUT: Policy(attempts=12),
    Reason.SERVER_ERROR: Policy(attempts=12),
    Reason.RATE_LIMITED: Policy(attempts=30),
    Reason.UNAUTHORISED: Policy(attempts=8, first_s=5.0),
    Reason.REDIRECTED: Policy(attempts=1),
    Reason.REFUSED: Policy(attempts=1),
}

_MULTIPLE_CHOICES = 300
_BAD_REQUEST = 400
_INTERNAL_SERVER_ERROR = 500
_BY_STATUS = {
    401: Reason.UNAUTHORISED,
    403: Reason.UNAUTHORISED,
    408: Reason.TIMEOUT,
    429: Reason.RATE_LIMITED,
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


def wait_before_next(error: DeliveryError, attempt: int, chance: random.Random) -> float | None:
    """Seconds to wait after the `attempt`-th (from 1) failed; None if it was the last.

    Full jitter over the upper half of the exponential step, so that workers do not return in step.
    """
    policy = POLICIES[error.reason]
    if attempt >= policy.attempts:
        return None
    step = min(policy.first_s * 2 ** (attempt - 1), policy.longest_s)
    wait = chance.uniform(step / 2, step)
    if error.retry_after_s is not None:
        wait = max(wait, min(error.retry_after_s, policy.longest_s))
    return wait
