"""What a canary is: an event of MUTT's own that goes the way of all others, to see whether they come through."""

from typing import Any

NAME = "mutt-canary"  # its hostname and its source_type
CANARY = "canary"  # the reason of its record
KEY = "mutt:canary"  # at Moogsoft all canaries of an installation are one alert, and that one is clear
TEAM = "MUTT"


def canary_event(timestamp: str, *, deliver: bool) -> dict[str, Any]:
    """The event to post. With `deliver` it is sent on to Moogsoft, else it ends once it was decided."""
    message = "A canary of MUTT's own: nothing is wrong, and nobody is to be paged."
    event = {"hostname": NAME, "source_type": NAME, "timestamp": timestamp, "message": message}
    return {**event, "deliver": True} if deliver else event


def is_canary(hostname: str, source_type: str) -> bool:
    return hostname == source_type == NAME
