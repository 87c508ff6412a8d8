"""How the settings stand that can be changed at run time: this process's copy, at most two seconds old.

Redis has what was set, for all processes; PostgreSQL has the truth (`storing.py`). Where Redis does not answer, or has
lost its copy, the last known values hold; what nobody set is what the environment says.
"""

import logging
import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson
from django.conf import settings
from redis.exceptions import RedisError

from audit.connections import redis_client
from audit.metrics import SETTINGS_READ_FAILURES, SETTINGS_VERSION
from audit.tuning.tunables import BELOW, TUNABLES, low_mark_of

logger = logging.getLogger(__name__)

PUBLISHED = "mutt:settings"
MOST_AGE_S = 2.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was set, as of a version: the number of the change that came last. Nothing was ever set: 0."""

    version: int = 0
    values: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> bytes:
        return orjson.dumps({"version": self.version, "values": dict(self.values)}, option=orjson.OPT_SORT_KEYS)

    @classmethod
    def of(cls, content: bytes) -> "Snapshot":
        """Raises ValueError, KeyError, TypeError, AttributeError where it is none."""
        given = orjson.loads(content)
        return cls(int(given["version"]), usable(given["values"]))


def usable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those that may be used, also beside what the environment says now: a low mark is never above its high one."""
    found = readable(values)
    for low, high in BELOW:
        low_mark, high_mark = found.get(low, default_of(low, found)), found.get(high, default_of(high, found))
        if not low_mark < high_mark:
            for name in {low, high} & found.keys():
                del found[name]
                _complain(name, f"{low} would be {low_mark}, and must be below {high}, which would be {high_mark}")
    return found


def readable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those within their bounds: another version of MUTT, or psql, may have written what is out of bounds here."""
    found = {}
    for name, value in values.items():
        if name in TUNABLES:
            try:
                found[name] = TUNABLES[name].read(value)
            except ValueError as error:
                _complain(name, str(error))
    return found


@lru_cache(maxsize=1000)
def _complain(name: str, fault: str) -> None:
    """Once: those who publish see the same value again every few seconds."""
    logger.error("the setting %s is ignored: %s", name, fault)


def default_of(name: str, values: Mapping[str, Any]) -> Any:
    """What holds where nobody set it at run time, given what was set."""
    high = values.get("MUTT_OPEN_BATCHES_HIGH")
    if name == "MUTT_OPEN_BATCHES_LOW" and high is not None and not os.environ.get(name):
        return low_mark_of(high)
    return getattr(settings, name)


class Present:
    """Asks for the snapshot when it is asked for a value, but not more often than every `most_age_s` seconds."""

    def __init__(
        self,
        read: Callable[[], bytes | None],
        most_age_s: float = MOST_AGE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._most_age_s = most_age_s
        self._clock = clock
        self._asked_at = -math.inf
        self._failing = False
        self._content: bytes | None = None
        self._level: str | None = None
        self.snapshot = Snapshot()

    def value(self, name: str) -> Any:
        """What holds: what was set, else what the environment says."""
        self.refresh()
        found = self.snapshot.values.get(name)
        return default_of(name, self.snapshot.values) if found is None else found

    def refresh(self) -> None:
        """Ask, if it is time to: one thread does, the others go by what is known."""
        now = self._clock()
        if now - self._asked_at >= self._most_age_s:
            self._asked_at = now
            self._ask()

    def take(self, content: bytes) -> None:
        """Go by this at once: it was published by this process itself."""
        self._asked_at = self._clock()
        self._go_by(content)

    def forget(self) -> None:
        """As if the process had just started."""
        self._asked_at, self._content, self.snapshot = -math.inf, None, Snapshot()
        _complain.cache_clear()

    def _ask(self) -> None:
        try:
            content = self._read()
            if content is not None and content != self._content:
                self._go_by(content)
        except (RedisError, ValueError, KeyError, TypeError, AttributeError) as error:
            SETTINGS_READ_FAILURES.inc()
            if not self._failing:
                logger.warning("changed settings cannot be read: the last known ones hold: %s", type(error).__name__)
            self._failing = True
        else:
            if self._failing:
                logger.info("changed settings can be read again")
            self._failing = False

    def _go_by(self, content: bytes) -> None:
        snapshot = Snapshot.of(content)
        if snapshot.version != self.snapshot.version:
            logger.info("settings changed: version %s", snapshot.version)
        self.snapshot, self._content = snapshot, content
        SETTINGS_VERSION.set(snapshot.version)
        level = snapshot.values.get("MUTT_LOG_LEVEL") or settings.MUTT_LOG_LEVEL
        if level != (self._level or settings.MUTT_LOG_LEVEL):
            logging.getLogger().setLevel(level)
        self._level = level


def _published() -> bytes | None:
    found: Any = redis_client().get(PUBLISHED)  # bytes, since our client decodes nothing
    return found if found is None else bytes(found)


present = Present(_published)


class Tuned:
    """The settings that can be changed at run time, by their names, for whoever goes by them.

    Ask at each use: whoever keeps a value keeps an old one. constance's `config` says the same, more slowly.
    """

    if TYPE_CHECKING:
        MUTT_MAX_EVENTS: int
        MUTT_KEY_RATE: str
        MUTT_GLOBAL_RATE: str
        MUTT_LOGIN_RATE: str
        MUTT_ANONYMOUS_RATES: list[str]
        MUTT_OPEN_BATCHES_HIGH: int
        MUTT_OPEN_BATCHES_LOW: int
        MUTT_REDIS_MEMORY_HIGH: float
        MUTT_REDIS_MEMORY_LOW: float
        MOOGSOFT_RATE: str
        MOOGSOFT_DRAIN_SHARE: float
        MOOGSOFT_BATCH_SIZE: int
        MOOGSOFT_BREAKER_FAILURES: int
        MOOGSOFT_BREAKER_WINDOW_S: float
        MOOGSOFT_BREAKER_OPEN_S: float
        MUTT_UNMATCHED_THRESHOLD: int
        MUTT_UNMATCHED_WINDOW_S: int
        MUTT_RETENTION_DAYS: int
        MUTT_RESTORED_DAYS: int
        MUTT_QUARANTINE_DAYS: float
        MUTT_QUARANTINE_MOST: int
        MUTT_REPLAY_RATE: float
        MUTT_AUTO_REPLAY_TIMES: int
        MUTT_SEARCH_TIMEOUT_S: float
    else:

        def __getattr__(self, name: str) -> Any:
            if name not in TUNABLES:
                raise AttributeError(name)
            return present.value(name)


tuned = Tuned()
