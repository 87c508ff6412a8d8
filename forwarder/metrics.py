"""What Prometheus is told about delivery."""

from prometheus_client import Counter, Histogram

TRANSITIONS = Counter("mutt_breaker_transitions_total", "Changes of Moogsoft's breaker, by what it became.", ["to"])
REQUESTS = Counter("mutt_moogsoft_requests_total", "POSTs to Moogsoft by what came of them.", ["result"])
REQUEST_SECONDS = Histogram("mutt_moogsoft_request_seconds", "How long POSTs to Moogsoft took.")
PARKED = Counter("mutt_batches_parked_total", "Batches that had to wait for Moogsoft, by why.", ["why"])
RELEASED = Counter("mutt_batches_released_total", "Parked batches that were sent on their way again.")
