"""What Prometheus is told about ingest."""

from prometheus_client import Counter

from audit.outcomes import Stage
from ingest.answers import Why

EVENTS_RECEIVED = Counter(
    "mutt_events_received_total", "Events at the webhook, by source and by what was answered.", ["source", "answer"]
)
EVENTS_REJECTED = Counter("mutt_events_rejected_total", "Refused events, by source and reason.", ["source", "reason"])
NOT_KEPT = Counter("mutt_quarantine_lost_total", "Refused events that the quarantine could not keep.", ["why"])
REQUESTS_REFUSED = Counter("mutt_requests_refused_total", "Requests to the webhook refused as a whole.", ["why"])
TRAFFIC_LOST = Counter("mutt_traffic_lost_total", "Requests that are in no minute of the traffic, for want of room.")
SWEEPS = Counter("mutt_sweeps_total", "Looks for open batches that are overdue.")
BATCHES_SWEPT = Counter("mutt_batches_swept_total", "Open batches that were overdue and chained again.", ["stage"])

# A series that begins with its first event hides that one from `increase()`.
for _why in ("redis_away", "inbox_full"):
    NOT_KEPT.labels(_why)
for _refusal in Why:
    REQUESTS_REFUSED.labels(_refusal.value)
for _stage in Stage:
    BATCHES_SWEPT.labels(_stage)
