"""What Prometheus is told about ingest."""

from prometheus_client import Counter

from ingest.answers import Why

EVENTS_RECEIVED = Counter(
    "mutt_events_received_total", "Events at the webhook, by source and by what was answered.", ["source", "answer"]
)
REQUESTS_REFUSED = Counter("mutt_requests_refused_total", "Requests to the webhook refused as a whole.", ["why"])
TRAFFIC_LOST = Counter("mutt_traffic_lost_total", "Requests that are in no minute of the traffic, for want of room.")
BATCHES_SWEPT = Counter("mutt_batches_swept_total", "Open batches that were overdue and chained again.", ["stage"])

for _why in Why:  # a counter that begins with its first request hides that one from `increase()`
    REQUESTS_REFUSED.labels(_why.value)
