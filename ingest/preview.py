"""What MUTT would make of something sent, without taking it: the adapters, the schema and the canonical form."""

from datetime import datetime
from typing import Any

import orjson
from django.conf import settings

from audit.tuning.present import tuned
from ingest.normalisation import canonical_form
from ingest.parsing import BodyError, TooManyError
from ingest.reading import read_events
from ingest.sources.source import Context, Unusable
from ingest.validation import faults_of
from rules.deciding import event_from
from rules.event import Event, NotAnEventError

_MOST_BYTES = 1 << 20
_UNNAMED_HOST = "unnamed-host"


def preview(sent: Any, now: datetime) -> Event:
    """The event that rules would see. Raises NotAnEventError.

    To try out a rule, host and time need not be made up: they may be left out where MUTT's own words are used.
    """
    if isinstance(sent, dict) and ("message" in sent or "trap_oid" in sent) and "varbinds" not in sent:
        sent = {"hostname": _UNNAMED_HOST, "timestamp": now.isoformat(), "message": "", **sent}
    try:
        raw = sent.encode("utf-8", "replace") if isinstance(sent, str) else orjson.dumps(sent)
    except TypeError as error:
        raise NotAnEventError([("", "It is nested too deeply, or holds a number that is too large.")]) from error
    if len(raw) > _MOST_BYTES:
        raise NotAnEventError([("", f"It is larger than {_MOST_BYTES:,} bytes.")])
    return _first(raw, Context(now, settings.MUTT_ASSUMED_TIME_ZONE, ""))


def _first(raw: bytes, context: Context) -> Event:
    try:
        items = read_events(raw, "", None, context, tuned.MUTT_MAX_EVENTS).items
    except (BodyError, TooManyError) as error:
        raise NotAnEventError([("", str(error))]) from error
    if len(items) != 1:
        raise NotAnEventError([("", f"One event is wanted; these are {len(items)}.")])
    (item,) = items
    if isinstance(item, Unusable):
        raise NotAnEventError([(item.pointer, item.why)])
    faults = faults_of(item.event)
    if faults:
        raise NotAnEventError([(fault.pointer, fault.detail) for fault in faults])
    return event_from(canonical_form(item.event, context.now))
