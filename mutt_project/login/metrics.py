"""What Prometheus is told about logins."""

from enum import StrEnum

from prometheus_client import Counter


class Result(StrEnum):
    """How an attempt to log in ended."""

    OK = "ok"
    FAILED = "failed"
    LIMITED = "limited"


LOGINS = Counter("mutt_logins_total", "Attempts to log in by how they ended.", ["result"])
for _result in Result:
    LOGINS.labels(_result.value)
