"""What Prometheus is told about ingest."""

from prometheus_client import Counter

EVENTS_RECEIVED = Counter("mutt_events_received_total", "Events at the webhook, by what was answered.", ["answer"])
BATCHES_SWEPT = Counter("mutt_batches_swept_total", "Open batches that were overdue and chained again.", ["stage"])
