"""What Prometheus is told about delivery."""

from prometheus_client import Counter, Histogram

from audit.metrics import DEAD_LETTERS, SINCE_RECEIPT, EventHistogram
from audit.outcomes import DeadStage
from forwarder.retry import POLICIES, Concern, Reason

TRANSITIONS = Counter("mutt_breaker_transitions_total", "Changes of Moogsoft's breaker, by what it became.", ["to"])
REQUESTS = Counter("mutt_moogsoft_requests_total", "POSTs to Moogsoft by what came of them.", ["result"])
REQUEST_SECONDS = Histogram("mutt_moogsoft_request_seconds", "How long POSTs to Moogsoft took.")
DELIVERY_LATENCY = EventHistogram(
    "mutt_delivery_latency_seconds", "From an event's receipt to Moogsoft's yes; not of replays.", buckets=SINCE_RECEIPT
)
RETRIES = Counter("mutt_delivery_retries_total", "Requests that are tried again, by what failed.", ["reason"])
PARKED = Counter("mutt_batches_parked_total", "Batches that had to wait for Moogsoft, by why.", ["why"])
RELEASED = Counter("mutt_batches_released_total", "Parked batches that were sent on their way again.")

# A series that begins with its first event hides that one from `increase()`.
for _state in ("closed", "open", "half_open"):
    TRANSITIONS.labels(_state)
for _word in ("taken", *Reason):
    REQUESTS.labels(_word)
for _word in ("order", "open", "probing", "forced_open", "paused", "rate", "retry_after", *Reason):
    PARKED.labels(_word)
for _reason, _policy in POLICIES.items():
    if _policy.concern is Concern.DESTINATION:
        RETRIES.labels(_reason)
    DEAD_LETTERS.labels(DeadStage.MOOG, _reason)
