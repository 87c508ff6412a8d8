"""What MUTT would make of something sent, without taking it: the adapters, the schema and the canonical form."""

from datetime import datetime
from typing import Any

import orjson
from django.conf import settings

from ingest.normalisation import canonical_form
from ingest.parsing import BodyError, TooManyError
from ingest.reading import read_events
from ingest.sources.source import Context, Unusable
from ingest.validation import EventError, faults_of
from rules.deciding import event_from
from rules.event import Event

_MOST_BYTES = 1 << 20
_UNNAMED_HOST = "unnamed-host"


class NoEventError(ValueError):
    """It would be refused; `faults` say why, with pointers into what was sent."""

    def __init__(self, faults: list[EventError]) -> None:
        super().__init__(" ".join(map(str, faults)))
        self.faults = faults


def preview(sent: Any, now: datetime) -> Event:
    """The event that rules would see. Raises NoEventError.

    To try out a rule, host and time need not be made up: they may be left out where MUTT's own words are used.
    """
    if isinstance(sent, dict) and ("message" in sent or "trap_oid" in sent) and "varbinds" not in sent:
        sent = {"hostname": _UNNAMED_HOST, "timestamp": now.isoformat(), "message": "", **sent}
    try:
        raw = sent.encode("utf-8", "replace") if isinstance(sent, str) else orjson.dumps(sent)
    except TypeError as error:
        raise NoEventError(
            [EventError("", "It is nested too deeply, or holds a number that is too large.", "")]
        ) from error
    if len(raw) > _MOST_BYTES:
        raise NoEventError([EventError("", f"It is larger than {_MOST_BYTES:,} bytes.", "too_large")])
    return _first(raw, Context(now, settings.MUTT_ASSUMED_TIME_ZONE, ""))


def _first(raw: bytes, context: Context) -> Event:
    try:
        items = read_events(raw, "", None, context, settings.MUTT_MAX_EVENTS).items
    except (BodyError, TooManyError) as error:
        raise NoEventError([EventError("", str(error), "body_unreadable")]) from error
    if len(items) != 1:
        raise NoEventError([EventError("", f"One event is wanted; these are {len(items)}.", "not_one")])
    (item,) = items
    if isinstance(item, Unusable):
        raise NoEventError([EventError(item.pointer, item.why, item.code)])
    faults = faults_of(item.event)
    if faults:
        raise NoEventError(faults)
    return event_from(canonical_form(item.event, context.now))
