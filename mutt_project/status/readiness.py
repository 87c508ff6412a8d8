"""Whether events can be accepted, and what of that is missing."""

from collections.abc import Sequence

from audit.journal import Pressure
from audit.tuning.present import tuned
from ingest.admission import gate
from mutt_project.status.check import Check, failed, ok
from mutt_project.status.postgresql_look import look_at_postgresql
from mutt_project.status.redis_look import look_at_redis

# Without these no event is accepted. PostgreSQL is told of only: the journal holds what is accepted meanwhile.
NEEDED = ("redis", "journal")


def readiness() -> Sequence[Check]:
    """A check of each thing that MUTT needs to take events."""
    redis = look_at_redis().check
    return [redis, look_at_postgresql().check, *([room()] if redis.is_well else [])]


def is_ready(checks: Sequence[Check]) -> bool:
    return all(check.is_well for check in checks if check.name in NEEDED)


def room() -> Check:
    """Whether the journal has room for more."""
    pressure = gate().pressure()
    if pressure is None:
        return failed("journal", "Redis does not tell how full it is.", "See the check of Redis.")
    if pressure.full:
        mend = "See what stands still: the queues, the breaker, PostgreSQL. It opens by itself when it is worked off."
        return failed("journal", f"It is full: {_which(pressure)}. Events are answered 503.", mend)
    return ok("journal", f"It has room: {pressure.open_batches:,} open batches, {_percent(pressure.memory)} of memory.")


def _which(pressure: Pressure) -> str:
    """The mark that closed it, and the one below which it opens."""
    found = []
    if pressure.open_batches > tuned.MUTT_OPEN_BATCHES_LOW:
        marks = f"closes at {tuned.MUTT_OPEN_BATCHES_HIGH:,}, opens at {tuned.MUTT_OPEN_BATCHES_LOW:,}"
        found.append(f"{pressure.open_batches:,} open batches ({marks})")
    if pressure.memory > tuned.MUTT_REDIS_MEMORY_LOW:
        high, low = _percent(tuned.MUTT_REDIS_MEMORY_HIGH), _percent(tuned.MUTT_REDIS_MEMORY_LOW)
        found.append(f"Redis uses {_percent(pressure.memory)} of its memory (closes at {high}, opens at {low})")
    return " and ".join(found) or "it is about to open"


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")
