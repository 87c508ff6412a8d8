"""Whether Moogsoft may be asked at all: one breaker for all workers, its state in Redis, by Redis' clock.

pybreaker decides what a call does to the state. The state itself is one Lua script (`lua/breaker.lua`), since that
is where all workers meet: failures count within a window, and while half-open exactly one request gets through, whose
right to do so is a lease that a dead worker cannot keep. Without Redis nothing is sent: no batch could be claimed.
"""

import hashlib
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple, TypeVar, cast

import orjson
import pybreaker
from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

from audit.connections import redis_client
from audit.tuning.present import tuned
from forwarder.metrics import TRANSITIONS
from forwarder.retry import Concern, DeliveryError, Reason

T = TypeVar("T")

logger = logging.getLogger(__name__)

PREFIX = "mutt:moogsoft:"
BREAKER, FAILURES, TRANSITIONS_KEY, RAMP = (
    f"{PREFIX}{name}" for name in ("breaker", "failures", "transitions", "ramp")
)
_PYBREAKER_STATES = {
    "closed": pybreaker.STATE_CLOSED,
    "probe": pybreaker.STATE_HALF_OPEN,
}


class State(StrEnum):
    """What the failures say."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Wish(StrEnum):
    """What a person may want of the breaker."""

    OPEN = "open"
    CLOSED = "closed"
    AUTOMATIC = "automatic"


class Held(Exception):  # noqa: N818 - not an error: the request has to wait
    """No request may go out now. `why` is one of the words that parked batches are counted by."""

    def __init__(self, why: str, wait_s: float) -> None:
        super().__init__(f"{why}, for {wait_s:.1f} s")
        self.why = why
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Opens at so many failures within the window, for so long; a probe may take so long. Seconds."""

    failures: int
    window_s: float
    open_s: float
    probe_s: float


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of state; `by` is empty where nobody but MUTT had a hand in it."""

    at: datetime
    was: str
    became: str
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Forced:
    """A state that a person wants, whatever the failures say."""

    state: str
    until: datetime
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Paused:
    """Moogsoft refuses our key: nothing is sent with it until somebody resumes, or there is another key."""

    since: datetime
    reason: str
    for_this_key: bool


@dataclass(frozen=True, slots=True)
class View:
    """The breaker as it stands. `next_try_at`: from when an open breaker lets one request through."""

    state: State
    since: datetime | None
    reason: str
    failures: int
    next_try_at: datetime | None
    last_success_at: datetime | None
    forced: Forced | None
    paused: Paused | None
    transitions: tuple[Transition, ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a failure says of its batch.

    `balance`: requests that Moogsoft took, less those that it failed, of all batches; None if it is not known.
    `suspect`: since the batch failed before, Moogsoft took more of the others than it failed.
    """

    balance: int | None
    suspect: bool


class Turn(NamedTuple):
    """What `RateLimit` goes by: its keys in Redis, its limit, its window and the longest pause. Seconds."""

    keys: tuple[str, str]
    bounds: tuple[int, float, float]


class Breaker:
    """The breaker of one destination. `key` stands for its credentials, which cannot be told from it."""

    def __init__(self, redis: Redis, thresholds: Thresholds, key: str) -> None:
        self._script = redis.register_script(_lua("breaker"))
        self._thresholds = thresholds
        self.key = key

    def run(self, command: str, *args: object, besides: Sequence[str] = ()) -> Any:
        keys = [BREAKER, FAILURES, TRANSITIONS_KEY, RAMP, *besides]
        return self._script(keys=keys, args=[command, *(cast("Any", argument) for argument in args)])

    @property
    def thresholds(self) -> Thresholds:
        return self._thresholds

    def admit(self, batch: str = "", balance: int | None = None, turn: Turn | None = None) -> "Permit":
        """The right to make one request for a batch. Raises Held.

        `balance` is what `Verdict` said when that batch failed before. With `turn` the rate limit has a say, too.
        """
        token, limits = secrets.token_hex(8), self._thresholds
        asked = (self.key, limits.open_s, token, limits.probe_s)
        if turn:
            verdict, wait = self.run("admit_in_turn", *asked, *turn.bounds, besides=turn.keys)
        else:
            verdict, wait = self.run("admit", *asked)
        word = verdict.decode()
        if word not in _PYBREAKER_STATES:
            raise Held(word, float(wait))
        if word == "probe":
            TRANSITIONS.labels("half_open").inc()
            logger.warning("one request tries whether Moogsoft is back")
        return Permit(self, _PYBREAKER_STATES[word], token if word == "probe" else "", batch, balance)

    def pause(self, reason: str) -> bool:
        """Stop sending with this key. Returns whether that changed anything."""
        return self._tell(bool(self.run("pause", self.key, reason)), "paused", reason)

    def resume(self, reason: str, by: str) -> bool:
        """Send again after a pause. Returns whether there was one."""
        return self._tell(bool(self.run("resume", reason, by)), "running", f"{reason} ({by})")

    def want(self, wish: Wish, reason: str, by: str, for_s: float) -> None:
        """Force it open or closed for so long, or leave it to the failures again."""
        if wish is Wish.AUTOMATIC:
            self.run("automatic", reason, by)
        else:
            self.run("force", wish.value, for_s, reason, by)
        self._tell(changed=True, to=f"forced_{wish}" if wish is not Wish.AUTOMATIC else wish, reason=f"{reason} ({by})")

    def untried(self) -> None:
        """Note that a batch which was to try an open breaker had nothing to send."""
        self.run("untried")

    def view(self) -> View:
        """Everything about it, as of one moment."""
        now, failures, raw, transitions = self.run("read", self._thresholds.window_s)
        fields, moment = _fields(raw), float(now)
        state = State(fields.get("state", "closed"))
        if state is State.HALF_OPEN and float(fields.get("probe_until", 0)) <= moment:
            state = State.OPEN  # whoever was to try it did not come back; the next one tries
        open_until = min(float(fields.get("opened_at", 0)), moment) + self._thresholds.open_s
        return View(
            state=state,
            since=_time(fields.get("since")),
            reason=fields.get("reason", ""),
            failures=int(failures),
            next_try_at=_time(str(max(open_until, moment))) if state is State.OPEN else None,
            last_success_at=_time(fields.get("last_success")),
            forced=_forced(fields),
            paused=_paused(fields, self.key),
            transitions=tuple(_transition(orjson.loads(one)) for one in transitions),
            now=datetime.fromtimestamp(moment, UTC),
        )

    def _tell(self, changed: bool, to: str, reason: str) -> bool:  # noqa: FBT001 - it passes through
        if changed:
            TRANSITIONS.labels(to).inc()
            logger.warning("Moogsoft's breaker is %s now: %s", to, reason)
        return changed


class Permit(pybreaker.CircuitBreakerStorage):
    """The right to make one request, and pybreaker's view of the shared state while it is made.

    What Redis cannot be told is only logged: an answer of Moogsoft must not get lost for that.
    """

    def __init__(self, breaker: Breaker, state: str, token: str, batch: str, balance: int | None) -> None:
        super().__init__("mutt")
        self._breaker = breaker
        self._state = state
        self._token = token
        self._batch = batch
        self._before = "" if balance is None else str(balance)
        self.verdict = Verdict(balance, suspect=False)
        self._failures = 0
        self._successes = 0
        self._reason = ""

    @property
    def is_probe(self) -> bool:
        return bool(self._token)

    @property
    def still_closed(self) -> bool:
        """Whether the breaker was closed when this request began, and its failure did not open it."""
        return not self._token and self._state == pybreaker.STATE_CLOSED

    def call(self, request: Callable[[], T]) -> T:
        """Make the request. Raises what it raises, above all DeliveryError."""
        limits = self._breaker.thresholds
        circuit = _Circuit(
            fail_max=limits.failures,
            reset_timeout=limits.open_s,
            state_storage=self,
            listeners=[_Why(self)],
            throw_new_error_on_trip=False,
        )
        return circuit.call(request)

    def give_back(self) -> None:
        """The request is not made after all."""
        if self._token:
            self._breaker.run("give_back", self._token)

    def remember(self, error: BaseException) -> None:
        """What the breaker will say of why it is open."""
        self._reason = error.detail if isinstance(error, DeliveryError) else type(error).__name__

    @property
    def state(self) -> str:
        return self._state

    @state.setter
    def state(self, state: str) -> None:
        self._state = state
        if state == pybreaker.STATE_OPEN:
            tried = "one request tried it" if self._token else f"{self._failures} failures"
            self._change("open", f"{tried}: {self._reason}")
        elif state == pybreaker.STATE_CLOSED:
            self._change("closed", "one request tried it, and Moogsoft answered")

    def _change(self, to: str, reason: str) -> None:
        command = "open" if to == "open" else "close"
        if self._run(command, self._token, reason, ""):
            TRANSITIONS.labels(to).inc()
            logger.warning("Moogsoft's breaker is %s now: %s", to, reason)

    def increment_counter(self) -> None:
        limits = self._breaker.thresholds
        told = self._run("fail", limits.window_s, secrets.token_hex(8), self._batch, self._before)
        if told:
            self._failures = int(told[0])
            self.verdict = Verdict(int(told[1]), suspect=bool(told[2]))

    def reset_counter(self) -> None:
        """Nothing: failures leave the window by their age, and a success does not excuse them."""

    @property
    def counter(self) -> int:
        return self._failures

    def increment_success_counter(self) -> None:
        self._successes += 1

    def reset_success_counter(self) -> None:
        self._successes = 0

    @property
    def success_counter(self) -> int:
        return self._successes

    @property
    def opened_at(self) -> datetime | None:
        """None: the script has the time, by Redis' clock."""
        return None

    @opened_at.setter
    def opened_at(self, moment: datetime) -> None:
        pass

    def succeeded(self) -> None:
        """Note that Moogsoft took a request."""
        self._run("succeed")

    def _run(self, command: str, *args: object) -> Any:
        try:
            return self._breaker.run(command, *args)
        except RedisError as error:
            logger.warning("the breaker was not told (%s): %s", command, type(error).__name__)
            return None


class _Circuit(pybreaker.CircuitBreaker):
    def is_system_error(self, exception: Any) -> bool:
        """What is about one event, our pace or our key shows that Moogsoft is there."""
        return not (isinstance(exception, DeliveryError) and exception.concern is not Concern.DESTINATION)


class _Why(pybreaker.CircuitBreakerListener):
    """Takes the failure to the permit before pybreaker opens the circuit for it."""

    def __init__(self, permit: Permit) -> None:
        self._permit = permit

    def failure(self, cb: Any, exc: BaseException) -> None:  # noqa: ARG002 - pybreaker's signature
        self._permit.remember(exc)

    def success(self, cb: Any) -> None:
        pass


def _fields(flat: list[bytes]) -> dict[str, str]:
    texts = [text.decode() for text in flat]
    return dict(zip(texts[::2], texts[1::2], strict=True))


def _time(seconds: str | None) -> datetime | None:
    return datetime.fromtimestamp(float(seconds), UTC) if seconds else None


def _certain_time(seconds: str) -> datetime:
    return datetime.fromtimestamp(float(seconds), UTC)


def _forced(fields: dict[str, str]) -> Forced | None:
    if "forced" not in fields:
        return None
    until = _certain_time(fields["forced_until"])
    return Forced(fields["forced"], until, fields.get("forced_reason", ""), fields.get("forced_by", ""))


def _paused(fields: dict[str, str], key: str) -> Paused | None:
    if "paused_keys" not in fields:
        return None
    since = _certain_time(fields["paused_since"])
    return Paused(since, fields.get("paused_reason", ""), key in fields["paused_keys"].split(","))


def _transition(told: dict[str, Any]) -> Transition:
    return Transition(_certain_time(told["at"]), told["from"], told["to"], told["reason"], told["by"])


def _lua(name: str) -> str:
    return files("forwarder").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")


@lru_cache(maxsize=4)
def key_of(url: str, api_key: str) -> str:
    """What tells one destination and its credentials from others; even a short key cannot be guessed from it."""
    return hashlib.scrypt(api_key.encode(), salt=url.encode(), n=2**14, r=8, p=1, dklen=8).hex()


def breaker() -> Breaker:
    """The breaker of this process, by the settings and the present key."""
    thresholds = Thresholds(
        failures=tuned.MOOGSOFT_BREAKER_FAILURES,
        window_s=tuned.MOOGSOFT_BREAKER_WINDOW_S,
        open_s=tuned.MOOGSOFT_BREAKER_OPEN_S,
        probe_s=2 * (settings.MOOGSOFT_CONNECT_TIMEOUT_S + settings.MOOGSOFT_READ_TIMEOUT_S),
    )
    return breaker_for(key_of(settings.MOOGSOFT_URL, settings.MUTT_SECRETS["MOOGSOFT_API_KEY"]), thresholds)


@lru_cache(maxsize=2)  # two while the key or a threshold is being changed
def breaker_for(key: str, thresholds: Thresholds) -> Breaker:
    return Breaker(redis_client(), thresholds, key)


__all__ = ["Breaker", "Held", "Permit", "Reason", "State", "Thresholds", "View", "Wish", "breaker"]
