"""What Prometheus is told about what becomes of events, and about the writing of it."""

from bisect import bisect_left
from collections.abc import Iterable

from prometheus_client import Counter, Gauge, Histogram

from audit.isolation import INTERNAL_ERROR, KILLED_WORKERS
from audit.outcomes import DeadStage, Outcome


class EventHistogram(Histogram):
    """A histogram of what many events at once have in common: it is told a value and how often."""

    def observe_all(self, amounts: Iterable[tuple[float, int]]) -> None:
        total = 0.0
        numbers: dict[int, int] = {}
        for amount, times in amounts:
            total += amount * times
            bucket = bisect_left(self._upper_bounds, amount)
            numbers[bucket] = numbers.get(bucket, 0) + times
        self._sum.inc(total)
        for bucket, number in numbers.items():
            self._buckets[bucket].inc(number)


OUTCOMES = Counter("mutt_event_outcomes_total", "Outcomes that events reached.", ["outcome"])
DEAD_LETTERS = Counter("mutt_dead_letters_total", "Events that became dead letters.", ["stage", "reason"])
WRITE_SECONDS = Histogram(
    "mutt_record_write_seconds",
    "How long writes of records to PostgreSQL took.",
    ["operation"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
SETTINGS_READ_FAILURES = Counter(
    "mutt_settings_read_failures_total", "Looks for changed settings that failed: the last known ones hold."
)
SETTINGS_VERSION = Gauge(
    "mutt_settings_version", "The settings that a process goes by; 0: none was changed.", multiprocess_mode="liveall"
)
# From a fraction of a second, when all is well, to what an outage makes of it.
SINCE_RECEIPT = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800)
ABANDONED = "abandoned"

# A series that begins with its first event hides that one from `increase()`.
for _outcome in set(Outcome) - {Outcome.PENDING}:
    OUTCOMES.labels(_outcome)
for _stage in DeadStage:
    for _reason in (INTERNAL_ERROR, KILLED_WORKERS, ABANDONED):
        DEAD_LETTERS.labels(_stage, _reason)
