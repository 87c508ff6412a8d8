"""What Prometheus is told about rules and decisions."""

from prometheus_client import Counter, Gauge

from audit.metrics import SINCE_RECEIPT, EventHistogram

DECISION_LATENCY = EventHistogram(
    "mutt_decision_latency_seconds", "From an event's receipt to its recorded decision.", buckets=SINCE_RECEIPT
)
UNMATCHED_THRESHOLDS = Counter(
    "mutt_unmatched_thresholds_total", "Meta-alerts for a host and kind of message that no rule matches."
)
RELOAD_FAILURES = Counter(
    "mutt_rule_set_reload_failures_total", "Looks for newer rules that failed: decided by the last known ones."
)
# One series a process, since an idle one may lag: only who decides by an old version is wrong.
VERSION = Gauge("mutt_rule_set_version", "The rule set that a process has; 0: none yet.", multiprocess_mode="liveall")
DECIDED_AT = Gauge(
    "mutt_rule_set_decided_timestamp_seconds", "When a process last decided by it.", multiprocess_mode="liveall"
)
