"""Counting what no rule matched, per host and message signature, in Redis."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from uuid import UUID

import orjson
from redis import Redis

from audit.connections import redis_client
from audit.ids import end_of
from audit.journal import BATCH
from audit.scripts import Call, run_all
from audit.tuning.present import tuned
from rules.event import host_key

PREFIX = "mutt:unmatched:"
COUNTERS = f"{PREFIX}count:"


@dataclass(frozen=True, slots=True)
class Unmatched:
    """An event that no rule matched."""

    event_id: UUID
    hostname: str
    signature: str


class UnmatchedCounter:
    """Counts in windows of `window_s` seconds, each beginning with the first event that it counts."""

    def __init__(self, redis: Redis, *, threshold: int, window_s: int) -> None:
        self._redis = redis
        self._script = redis.register_script(
            files("rules").joinpath("lua", "count_unmatched.lua").read_text(encoding="utf-8")
        )
        self.threshold = threshold
        self.window_s = window_s

    def count(self, unmatched: Mapping[UUID, Sequence[Unmatched]]) -> set[UUID]:
        """Count the unmatched events of batches in one round trip, and once, however often a batch comes.

        Returns the events that were the threshold's own: at most one per host, signature and window.
        """
        calls = [self._counting(batch, events) for batch, events in unmatched.items() if events]
        return {UUID(text) for answer in run_all(self._redis, calls) for text in answer.decode().split()}

    def _counting(self, batch: UUID, events: Iterable[Unmatched]) -> Call:
        by_counter: dict[str, str] = defaultdict(str)
        for event in events:
            by_counter[f"{host_key(event.hostname)}:{event.signature}"] += end_of(event.event_id)
        args = [self.threshold, self.window_s, COUNTERS, orjson.dumps(by_counter)]
        return self._script, [BATCH + str(batch)], args


def unmatched_counter() -> UnmatchedCounter:
    """The counter, as it is set now."""
    return _counter_of(tuned.MUTT_UNMATCHED_THRESHOLD, tuned.MUTT_UNMATCHED_WINDOW_S)


@lru_cache(maxsize=2)  # two while a setting is being changed
def _counter_of(threshold: int, window_s: int) -> UnmatchedCounter:
    return UnmatchedCounter(redis_client(), threshold=threshold, window_s=window_s)
