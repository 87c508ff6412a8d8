"""Events that are in MUTT's words already; only their clock is mended, and words are brought into their usual form."""

from collections.abc import Mapping, Sequence
from typing import Any

from ingest.sources.source import Context, Incoming, Item, Source
from ingest.times import read_time, time_of


def adapt(value: Any, context: Context) -> Sequence[Item]:
    """The event as it is, unless its timestamp is no RFC 3339 time: it is never refused for its clock."""
    if not isinstance(value, dict):
        return [Incoming(value, value)]
    return [mended(value, value, context)]


def mended(event: Mapping[str, Any], original: Any, context: Context) -> Incoming:
    """The event with a timestamp that the schema takes."""
    said = event.get("timestamp")
    if "timestamp" not in event or isinstance(said, bool | dict | list):
        return Incoming(event, original)  # for the schema to refuse
    if isinstance(said, str) and time_of(said):
        return Incoming(event, original)
    moment, notes = read_time(said, context.now, context.zone)
    return Incoming({**event, "timestamp": (moment or context.now).isoformat()}, original, notes)


NATIVE = Source("native", adapt)
