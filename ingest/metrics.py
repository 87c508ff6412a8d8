"""What Prometheus is told about ingest."""

from prometheus_client import Counter

EVENTS_RECEIVED = Counter(
    "mutt_events_received_total", "Events at the webhook, by source and by what was answered.", ["source", "answer"]
)
REQUESTS_SHED = Counter("mutt_requests_shed_total", "Requests refused before their events were looked at.", ["why"])
BATCHES_SWEPT = Counter("mutt_batches_swept_total", "Open batches that were overdue and chained again.", ["stage"])
