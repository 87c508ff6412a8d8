"""What Prometheus is told about ingest."""

from prometheus_client import Counter

from audit.outcomes import Stage

EVENTS_RECEIVED = Counter(
    "mutt_events_received_total", "Events at the webhook, by source and by what was answered.", ["source", "answer"]
)
EVENTS_REJECTED = Counter("mutt_events_rejected_total", "Refused events, by source and reason.", ["source", "reason"])
NOT_KEPT = Counter("mutt_quarantine_lost_total", "Refused events that the quarantine could not keep.", ["why"])
REQUESTS_SHED = Counter("mutt_requests_shed_total", "Requests refused before their events were looked at.", ["why"])
SWEEPS = Counter("mutt_sweeps_total", "Looks for open batches that are overdue.")
BATCHES_SWEPT = Counter("mutt_batches_swept_total", "Open batches that were overdue and chained again.", ["stage"])

# A series that begins with its first event hides that one from `increase()`.
for _why in ("redis_away", "inbox_full"):
    NOT_KEPT.labels(_why)
for _why in ("full", "key_rate", "global_rate"):
    REQUESTS_SHED.labels(_why)
for _stage in Stage:
    BATCHES_SWEPT.labels(_stage)
