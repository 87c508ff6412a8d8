"""Whether Moogsoft is asked, what waits for it, and what was given up."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings

from audit.models import DeadLetter
from forwarder.breaker import State as BreakerState
from forwarder.looking import Delivering
from ingest import canary
from mutt_project.status.check import Check, failed, ok, warning

_SLACK_S = 60


def delivery_checks(now: Delivering) -> Iterable[Check]:
    """The key, the breaker, the rate limit and what is parked."""
    yield _key(now)
    yield _breaker(now)
    yield _rate(now)
    if now.parked:
        text = f"Batches that are parked until Moogsoft may be asked: {now.parked:,}."
        yield warning("parked", text, "They go on by themselves when the key, the breaker and the rate allow it.")
    else:
        yield ok("parked", "No batch waits for Moogsoft.")


def _key(now: Delivering) -> Check:
    paused = now.breaker.paused
    if paused is None or not paused.for_this_key:
        return ok("moogsoft_key", "Moogsoft has not refused the key.")
    text = f"Delivery is paused: Moogsoft refuses the key, since {_moment(paused.since)} ({paused.reason[:200]})."
    return failed("moogsoft_key", text, "Mend the key, then: muttctl breaker resume --reason ….")


def _breaker(now: Delivering) -> Check:
    breaker = now.breaker
    if breaker.forced:
        who = f"{breaker.forced.by}, until {_moment(breaker.forced.until)}: {breaker.forced.reason}"
        text = f"The breaker is forced {breaker.forced.state} by {who}."
        state = failed if breaker.forced.state == "open" else warning
        return state("breaker", text, "When it is not wanted any more: muttctl breaker auto --reason ….")
    if breaker.state is BreakerState.CLOSED:
        return ok("breaker", f"The breaker is closed; {breaker.failures} failures lately.")
    if breaker.state is BreakerState.HALF_OPEN:
        return warning("breaker", "The breaker is half open: one request tries whether Moogsoft is back.", "Wait.")
    wait = breaker.next_try_at - breaker.now if breaker.next_try_at else timedelta()
    text = f"The breaker is open for another {wait.total_seconds():.0f} s: Moogsoft failed ({breaker.reason[:200]})."
    return failed("breaker", text, "See what is wrong with Moogsoft; muttctl breaker auto --reason … tries at once.")


def _rate(now: Delivering) -> Check:
    rate = now.rate
    if rate.held_until:
        text = f"Moogsoft has asked for a pause, until {_moment(rate.held_until)}."
        return warning("rate_limit", text, "It goes on by itself; MOOGSOFT_RATE may be more than Moogsoft takes.")
    if rate.used >= rate.requests:
        text = f"All {rate.requests} requests of these {rate.window_s:g} s are used up: what is left has to wait."
        return warning("rate_limit", text, "Raise MOOGSOFT_RATE if Moogsoft takes more.")
    return ok("rate_limit", f"{rate.used} of {rate.requests} requests within {rate.window_s:g} s are used.")


def dead_letters() -> Check:
    """How many wait for somebody. Raises django.db.Error."""
    waiting = DeadLetter.objects.filter(state=DeadLetter.State.WAITING).count()
    if waiting:
        text = f"Dead letters that nobody has settled: {waiting:,}."
        return warning("dead_letters", text, "muttctl dlq summary says why; muttctl dlq replay sends them again.")
    return ok("dead_letters", "No dead letter waits.")


def scheduled_canary(now: datetime) -> Iterable[Check]:
    """Whether canaries come through; nothing where none is sent. Raises RedisError."""
    every_s = settings.MUTT_CANARY_EVERY_S
    if not every_s:
        return
    age_s = canary.age_s(now)
    if age_s is None:
        text = f"No canary was ever sent, though one is due every {every_s:g} s."
        yield warning("canary", text, "See whether beat runs, and a worker for the queue “maintenance”.")
    elif age_s > 2 * every_s + _SLACK_S:
        text = f"No canary has come through for {age_s:.0f} s, though one is sent every {every_s:g} s."
        yield failed("canary", text, "Find the first check that failed; if none did, see whether beat runs.")
    else:
        yield ok("canary", f"The newest canary that came through was received {age_s:.0f} s ago.")


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
