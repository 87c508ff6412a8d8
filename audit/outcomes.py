"""The closed sets of words that records, dead letters, metrics and the API share."""

from enum import StrEnum

UNMATCHED_THRESHOLD = "unmatched_threshold"  # the reason of a meta-alert


class Outcome(StrEnum):
    """What became of an event; every accepted event has exactly one."""

    PENDING = "pending"
    DELIVERED = "delivered"
    IGNORED = "ignored"
    UNMATCHED = "unmatched"
    SUPPRESSED = "suppressed"
    DEAD = "dead"


class Stage(StrEnum):
    """Where an open batch stands: the step of the chain that has to act on it next."""

    VALIDATE = "validate"
    MATCH = "match"
    FORWARD = "forward"
    DLQ = "dlq"


class DeadStage(StrEnum):
    """Which half of the pipeline gave an event up, in the words of the seed's `muttctl dlq`."""

    ALERTER = "alerter"
    MOOG = "moog"
