"""Which settings can be changed at run time, and to what: each with its unit, its bounds and its meaning.

The environment variable of the same name stays the default. Secrets and addresses are never among them.
"""

import logging
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from audit.ids import MAX_EVENTS_PER_BATCH

_RATE = re.compile(r"[1-9][0-9]{0,8}/(second|minute|hour|day)")
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_LINK = re.compile(r"\[[^]]*\]\(([^)]*)\)")
_WHOLE = re.compile(r"-?[0-9]{1,15}")
_LONGEST = 200  # characters of a value
NONE = "none"  # stands for a rate that is not limited
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def low_mark_of(high: int) -> int:
    """At so many open batches the door opens again, where nobody says otherwise."""
    return high * 8 // 10


class Kind(StrEnum):
    """What a value is."""

    WHOLE = "whole number"
    NUMBER = "number"
    RATE = "rate"
    RATES = "rates"
    LEVEL = "level"


class Risky(StrEnum):
    """Which way a change loosens a guard."""

    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class Tunable:
    """One setting. `least` and `most` are within the bounds; `above` is just outside them.

    `zero_is_never`: 0 stands for what never happens, so it is more than any number. `risk` is what may come of a
    change in the `risky` direction.
    """

    name: str
    kind: Kind
    unit: str
    meaning: str
    least: float = 0
    most: float = math.inf
    above: float | None = None
    may_be_none: bool = False
    zero_is_never: bool = False
    risky: Risky | None = None
    risk: str = ""

    @property
    def in_plain_words(self) -> str:
        """Its meaning without the marks of Markdown."""
        return _LINK.sub(r"docs/\1", self.meaning).replace("`", "")

    @property
    def bounds(self) -> str:
        """What it may be, in words."""
        match self.kind:
            case Kind.WHOLE | Kind.NUMBER:
                low = f"{self.least:,g}" if self.above is None else f"above {self.above:,g}"
                never = ", 0: never" if self.zero_is_never else ""
                return f"{low} to {_plain(self.most)}{never}"
            case Kind.RATE:
                return "such as 100/second (or minute, hour, day)" + (", or none" if self.may_be_none else "")
            case Kind.RATES:
                return "such as 50/hour,200/day (or second, minute)"
            case Kind.LEVEL:
                return ", ".join(LEVELS)

    def read(self, given: object) -> Any:
        """The value that is meant, from text or JSON. Raises ValueError, which says what it may be."""
        text = _as_given(given)
        match self.kind:
            case Kind.WHOLE | Kind.NUMBER:
                return self._number(text)
            case Kind.RATE:
                if self.may_be_none and text.lower() in {"", NONE}:
                    return ""
                return self._rate(text)
            case Kind.RATES:
                found = [self._rate(part.strip()) for part in text.split(",") if part.strip()]
                if not found:
                    raise ValueError(f"Give at least one rate, {self.bounds}.")
                return found
            case Kind.LEVEL:
                if text.upper() not in LEVELS:
                    raise ValueError(f"“{text}” is none of {self.bounds}.")
                return text.upper()

    def _number(self, text: str) -> int | float:
        number: int | float
        if self.kind is Kind.WHOLE:
            if not _WHOLE.fullmatch(text):
                raise ValueError(f"“{text}” is no whole number. Give one from {self.bounds}.")
            number = int(text)
        else:
            try:
                number = float(text)
            except ValueError:
                raise ValueError(f"“{text}” is no number. Give one from {self.bounds}.") from None
        outside = number < self.least or number > self.most or (self.above is not None and number <= self.above)
        if outside or not math.isfinite(number):
            raise ValueError(f"{text} is out of bounds. Give a {self.kind} from {self.bounds} ({self.unit}).")
        return number

    def _rate(self, text: str) -> str:
        if not _RATE.fullmatch(text):
            raise ValueError(f"“{text}” is no rate {self.bounds}.")
        return text

    def risk_of(self, before: Any, after: Any) -> str:
        """What may come of the change; empty where it loosens no guard."""
        was, becomes = self._measure(before), self._measure(after)
        loosens = becomes > was if self.risky is Risky.HIGHER else becomes < was
        return self.risk if self.risky and loosens else ""

    def _measure(self, value: Any) -> float:
        match self.kind:
            case Kind.RATE:
                return per_second(value)
            case Kind.RATES:
                return min(map(per_second, value), default=math.inf)
            case Kind.LEVEL:
                return logging.getLevelNamesMapping().get(value, 0)
            case _:
                return math.inf if self.zero_is_never and not value else float(value)


def _as_given(given: object) -> str:
    if isinstance(given, list) and all(isinstance(part, str) for part in given):
        given = ",".join(given)
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise ValueError("Give a number or a text.")  # noqa: TRY004 - whoever reads what was sent expects one kind
    text = str(given).strip()
    if len(text) > _LONGEST or not text.isprintable():
        raise ValueError(f"It has more than {_LONGEST} characters, or some that cannot be printed.")
    return text


def _plain(number: float) -> str:
    return f"{int(number):,}" if float(number).is_integer() else f"{number:g}"


def per_second(rate: str) -> float:
    """How many a second; without a rate there is no end to it."""
    if not rate:
        return math.inf
    amount, _, unit = rate.partition("/")
    return int(amount) / _SECONDS[unit]


def as_text(value: Any) -> str:
    """A value as people write it; `read` takes it."""
    if isinstance(value, list):
        return ",".join(map(str, value))
    return NONE if value == "" else str(plain(value))


def plain(value: Any) -> Any:
    """300 for 300.0, which people and the API would write in two ways."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_LETS_IN = "More requests are let in, also of a sender that has gone wild."
_GUESSES = "Whoever guesses passwords or keys may try more often."
_GOES = "What is older, or more, goes for good with the next run."

TUNABLES: dict[str, Tunable] = {
    one.name: one
    for one in (
        Tunable(
            "MUTT_MAX_EVENTS", Kind.WHOLE, "events", "most events of one request to the webhook",
            least=1, most=MAX_EVENTS_PER_BATCH,
        ),
        Tunable(
            "MUTT_KEY_RATE", Kind.RATE, "requests",
            "most requests of one API key, such as `100/second` (429 above it); a key's own limit takes its place",
            may_be_none=True, risky=Risky.HIGHER, risk=_LETS_IN,
        ),
        Tunable(
            "MUTT_GLOBAL_RATE", Kind.RATE, "requests", "most requests of all together (503 above it)",
            may_be_none=True, risky=Risky.HIGHER, risk=_LETS_IN,
        ),
        Tunable(
            "MUTT_LOGIN_RATE", Kind.RATE, "attempts", "attempts to log in from one address",
            risky=Risky.HIGHER, risk=_GUESSES,
        ),
        Tunable(
            "MUTT_ANONYMOUS_RATES", Kind.RATES, "requests",
            "API requests of one address without a valid key or a session",
            risky=Risky.HIGHER, risk=_GUESSES,
        ),
        Tunable(
            "MUTT_OPEN_BATCHES_HIGH", Kind.WHOLE, "batches", "so many open batches close the door (503)",
            least=1, most=100_000_000, risky=Risky.HIGHER, risk="Redis needs more memory before the door closes.",
        ),
        Tunable(
            "MUTT_OPEN_BATCHES_LOW", Kind.WHOLE, "batches",
            "at so many open batches the door opens again; must be below the other, "
            "or what was set of the two at run time is ignored",
            most=100_000_000,
        ),
        Tunable(
            "MUTT_REDIS_MEMORY_HIGH", Kind.NUMBER, "share of maxmemory",
            "such a share of Redis' `maxmemory` closes the door (503); without a `maxmemory`, memory closes nothing",
            most=1, above=0, risky=Risky.HIGHER, risk="Redis may be full before the door closes.",
        ),
        Tunable(
            "MUTT_REDIS_MEMORY_LOW", Kind.NUMBER, "share of maxmemory", "at such a share the door opens again",
            most=1, above=0,
        ),
        Tunable(
            "MOOGSOFT_RATE", Kind.RATE, "requests",
            "most requests of all workers together within any second (or minute, hour, day)",
            risky=Risky.HIGHER, risk="Moogsoft may refuse what is more than it takes (429).",
        ),
        Tunable(
            "MOOGSOFT_DRAIN_SHARE", Kind.NUMBER, "share of MOOGSOFT_RATE",
            "which part of that the parked batches get after an outage; the rest is for what comes in",
            most=1, above=0,
        ),
        Tunable(
            "MOOGSOFT_BATCH_SIZE", Kind.WHOLE, "events", "most events of one request", least=1, most=10_000,
        ),
        Tunable(
            "MOOGSOFT_BREAKER_FAILURES", Kind.WHOLE, "failures",
            "so many failures within `MOOGSOFT_BREAKER_WINDOW_S` open the breaker",
            least=1, most=10_000, risky=Risky.HIGHER, risk="More requests fail before the breaker opens.",
        ),
        Tunable(
            "MOOGSOFT_BREAKER_WINDOW_S", Kind.NUMBER, "seconds", "within so many seconds failures are counted",
            most=86_400, above=0,
        ),
        Tunable(
            "MOOGSOFT_BREAKER_OPEN_S", Kind.NUMBER, "seconds",
            "so long it stays open before one request tries again", most=86_400, above=0,
        ),
        Tunable(
            "MUTT_UNMATCHED_THRESHOLD", Kind.WHOLE, "events",
            "so many events of a host and a kind of message that no rule matches, and the meta-alert is sent",
            least=1, most=1_000_000,
        ),
        Tunable(
            "MUTT_UNMATCHED_WINDOW_S", Kind.WHOLE, "seconds",
            "within so many seconds they are counted; a window that has begun keeps its length",
            least=1, most=30 * 86_400,
        ),
        Tunable(
            "MUTT_RETENTION_DAYS", Kind.WHOLE, "days",
            "so many days after its end a month of records is archived and dropped; `0`: never (docs/retention.md)",
            most=36_600, zero_is_never=True, risky=Risky.LOWER,
            risk="Months that are older leave the database with the next nightly run.",
        ),
        Tunable(
            "MUTT_RESTORED_DAYS", Kind.WHOLE, "days", "how long a restored month stays before it is dropped again",
            least=1, most=36_600,
        ),
        Tunable(
            "MUTT_QUARANTINE_DAYS", Kind.NUMBER, "days", "how long refused events are kept",
            most=36_600, above=0, risky=Risky.LOWER, risk=_GOES,
        ),
        Tunable(
            "MUTT_QUARANTINE_MOST", Kind.WHOLE, "events",
            "most refused events of one source that are kept, give or take a thousand; the oldest make room",
            least=1, most=10_000_000, risky=Risky.LOWER, risk=_GOES,
        ),
        Tunable(
            "MUTT_REPLAY_RATE", Kind.NUMBER, "dead letters a second",
            "how many dead letters a second a replay of many sends on their way, where it does not say otherwise",
            most=10_000, above=0,
        ),
        Tunable(
            "MUTT_AUTO_REPLAY_TIMES", Kind.WHOLE, "times",
            "how often MUTT itself replays a dead letter that died of passing troubles (5xx, timeouts, connections), "
            "once Moogsoft has been well for a minute; `0`: never",
            most=100,
        ),
        Tunable(
            "MUTT_SEARCH_TIMEOUT_S", Kind.NUMBER, "seconds",
            "how long a search over records, or one page of an export, may take",
            most=60, above=0,  # statements of PostgreSQL end after 60 s in any case
        ),
        Tunable(
            "MUTT_LOG_LEVEL", Kind.LEVEL, "level", "from which level on lines are written: [logging.md](logging.md)",
        ),
    )
}  # fmt: skip

TOPICS: dict[str, tuple[str, ...]] = {
    "What comes in": (
        *("MUTT_MAX_EVENTS", "MUTT_KEY_RATE", "MUTT_GLOBAL_RATE", "MUTT_OPEN_BATCHES_HIGH", "MUTT_OPEN_BATCHES_LOW"),
        *("MUTT_REDIS_MEMORY_HIGH", "MUTT_REDIS_MEMORY_LOW"),
    ),
    "What goes to Moogsoft": (
        *("MOOGSOFT_RATE", "MOOGSOFT_DRAIN_SHARE", "MOOGSOFT_BATCH_SIZE", "MOOGSOFT_BREAKER_FAILURES"),
        *("MOOGSOFT_BREAKER_WINDOW_S", "MOOGSOFT_BREAKER_OPEN_S"),
    ),
    "What no rule matches": ("MUTT_UNMATCHED_THRESHOLD", "MUTT_UNMATCHED_WINDOW_S"),
    "What is kept, and replayed": (
        *("MUTT_RETENTION_DAYS", "MUTT_RESTORED_DAYS", "MUTT_QUARANTINE_DAYS", "MUTT_QUARANTINE_MOST"),
        *("MUTT_REPLAY_RATE", "MUTT_AUTO_REPLAY_TIMES"),
    ),
    "People, searches and logs": (
        *("MUTT_LOGIN_RATE", "MUTT_ANONYMOUS_RATES", "MUTT_SEARCH_TIMEOUT_S", "MUTT_LOG_LEVEL"),
    ),
}

# The first must stay below the second, or the door would neither close nor open.
BELOW = (
    ("MUTT_OPEN_BATCHES_LOW", "MUTT_OPEN_BATCHES_HIGH"),
    ("MUTT_REDIS_MEMORY_LOW", "MUTT_REDIS_MEMORY_HIGH"),
)


def faults_between(values: Mapping[str, Any], changed: Iterable[str]) -> dict[str, str]:
    """What is wrong between settings, by the name of the changed one."""
    touched, faults = set(changed), {}
    for low, high in BELOW:
        if touched & {low, high} and not values[low] < values[high]:
            if low in touched:
                faults[low] = f"It must be below {high}, which is {as_text(values[high])}."
            else:
                faults[high] = f"It must be above {low}, which is {as_text(values[low])}: change that one with it."
    return faults
