"""When to log in again after Vault has refused it. Times are Unix seconds.

Vault locks a role out for 15 minutes after the fifth bad login, and forgets bad ones once the last is 15 minutes old.
So never more than three follow each other within such a time.
"""

from dataclasses import dataclass

WAITS_S = (60, 240, 960)
_JITTER = 0.25  # of the wait, later


@dataclass(frozen=True, slots=True)
class Refusals:
    """The refused logins since the last good one. `credentials` is a hash of what was refused."""

    count: int = 0
    not_before: float = 0
    credentials: str = ""
    text: str = ""
    mend: str = ""


def may_log_in(refusals: Refusals, credentials: str, now: float) -> bool:
    """What is new is tried at once."""
    waits_s = refusals.not_before - now
    clock_was_put_back = waits_s > WAITS_S[-1] * (1 + _JITTER)
    return waits_s <= 0 or credentials != refusals.credentials or clock_was_put_back


def refused(before: Refusals, credentials: str, now: float, jitter: float) -> Refusals:
    """One more refusal; `jitter` is 0 to 1."""
    wait_s = WAITS_S[min(before.count, len(WAITS_S) - 1)]
    return Refusals(before.count + 1, now + wait_s * (1 + jitter * _JITTER), credentials)
