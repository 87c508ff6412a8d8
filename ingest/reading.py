"""From the body of a request to events: which adapter reads it, and what holds for whatever an adapter gave."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from audit.notes import Note
from audit.storable import SYMBOL_FOR_NULL, storable
from ingest.parsing import (
    MAX_STRING,
    TOO_DEEP,
    BodyError,
    TooManyError,
    Unreadable,
    parse_body,
    too_deep,
    too_long,
)
from ingest.redaction import may_hold_communities, redact
from ingest.sources.alertmanager import ALERTMANAGER
from ingest.sources.native import NATIVE
from ingest.sources.snmptrap import SNMPTRAP
from ingest.sources.solarwinds import SOLARWINDS
from ingest.sources.source import Context, Incoming, Item, Source, Unusable
from ingest.sources.syslog import SYSLOG

SOURCES: dict[str, Source] = {source.name: source for source in (NATIVE, SYSLOG, SNMPTRAP, SOLARWINDS, ALERTMANAGER)}
_REPLACEMENT = "\ufffd"


@dataclass(frozen=True, slots=True)
class Read:
    """What was in a body, in its order. `lone`: one event by itself, not a batch of one."""

    items: list[Item]
    lone: bool


def read_events(raw: bytes, content_type: str, source: Source | None, context: Context, most: int) -> Read:
    """The events of a body of at most `most`; without a source, each is read by what it looks like.

    Raises BodyError if no event can be told from another, TooManyError.
    """
    items, lone = _read(raw, content_type, source, context, most)
    if len(items) > most:
        raise TooManyError(len(items))
    return Read(_finished(items, raw), lone)


def _read(raw: bytes, content_type: str, source: Source | None, context: Context, most: int) -> tuple[list[Item], bool]:
    try:
        body = parse_body(raw, most)
    except BodyError:
        items = _from_text(raw, content_type, source, context)
        if items is None:
            raise
        return items, len(items) == 1
    first = body.items[0] if body.lone else None
    if isinstance(first, Unreadable) and first.code == "not_json":
        items = _from_text(raw, content_type, source, context)
        if items is not None:
            return items, len(items) == 1
    if isinstance(first, str) and _calls_itself_json(content_type, source):
        why = 'It is a JSON text. Send lines as text/plain, or in an array: ["…"].'
        return [Unusable("not_an_event", why, raw)], True
    items = [item for value in body.items for item in _adapted(value, source, context)]
    return items, body.lone and len(items) == 1


def _adapted(value: Any, source: Source | None, context: Context) -> Sequence[Item]:
    if isinstance(value, Unreadable):
        return [Unusable(value.code, value.why, value.raw, value.pointer)]
    return (source or recognise(value)).adapt(value, context)


def _from_text(raw: bytes, content_type: str, source: Source | None, context: Context) -> list[Item] | None:
    """The events of a body that is no JSON; None where nobody reads such a text."""
    if _calls_itself_json(content_type, source):
        return None  # broken JSON
    text = raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").replace("\x00", SYMBOL_FOR_NULL)
    source = source or recognise_text(text, content_type)
    return list(source.read_text(text, context)) if source and source.read_text else None


def _calls_itself_json(content_type: str, source: Source | None) -> bool:
    """Whether a body for the one source that takes any text says that it is more than a text."""
    return content_type == "application/json" and source is SYSLOG


def _finished(items: Iterable[Item], raw: bytes) -> list[Item]:
    """What holds for every source: no text is too long, no SNMP community is kept, and odd bytes are marked."""
    items = [_storable(item, raw) for item in items]
    if len(raw) > MAX_STRING:
        items = [_short_enough(item) for item in items]
    if may_hold_communities(raw):
        items = [_redacted(item) for item in items]
    if not _is_utf8(raw):
        items = [_marked(item) for item in items]
    return list(items)


def _storable(item: Item, raw: bytes) -> Item:
    """Texts within texts are unescaped by adapters: what they spell has not been checked as JSON values are."""
    if (isinstance(item, Incoming) and item.event is item.original) or isinstance(item.original, bytes):
        return item
    if too_deep(item.original):
        return Unusable("too_deep", TOO_DEEP, raw)
    both = [item.event, item.original] if isinstance(item, Incoming) else [item.original]
    try:
        spelled = orjson.dumps(both)
    except TypeError:
        spelled = None
    if spelled is not None and b"\\u0000" not in spelled:
        return item
    if isinstance(item, Unusable):
        return replace(item, original=storable(item.original))
    return replace(item, event=storable(item.event), original=storable(item.original))


def _short_enough(item: Item) -> Item:
    pointer = too_long(item.original) if isinstance(item, Incoming) else None
    if pointer is None:
        return item
    why = f"A text in it is longer than {MAX_STRING:,} characters. Shorten it, or leave it out."
    return Unusable("too_long", why, item.original, pointer)


def _redacted(item: Item) -> Item:
    if isinstance(item, Unusable):
        return item
    same = item.event is item.original
    original = redact(item.original)
    event = original if same else redact(item.event)
    if original == item.original and event == item.event:
        return item
    return replace(item, event=event, original=original, notes=(*item.notes, Note.REDACTED))


def _marked(item: Item) -> Item:
    if isinstance(item, Incoming) and _holds_replacement(item.original):
        return replace(item, notes=(*item.notes, Note.INVALID_UTF8))
    return item


def _holds_replacement(value: Any) -> bool:
    if isinstance(value, str):
        return _REPLACEMENT in value
    if isinstance(value, dict):
        return any(_holds_replacement(part) for pair in value.items() for part in pair)
    return isinstance(value, list) and any(map(_holds_replacement, value))


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


_SYSLOG_FIELDS = (
    {"hostname", "host", "HOST", "fromhost", "HOSTNAME"},
    {"msg", "message", "MSG", "MESSAGE", "short_message"},
)
_SOLARWINDS_FIELDS = {"alertname", "alertmessage", "nodename", "alertobjectid", "alerttriggertime", "nodecaption"}
_TRAPHANDLE = re.compile(r"[^\r\n]{1,300}\r?\n(?:UDP|TCP|DTLSUDP|TLSTCP)(?:/IPv6|6)?: ?\[")
_PRI = re.compile(r"(?:\d{1,6} )?<\d{1,3}>", re.ASCII)  # with the count of octets of RFC 6587, perhaps
_FORM = "application/x-www-form-urlencoded"


def recognise(value: Any) -> Source:
    """Whose words a value of the plain webhook is in, where that is beyond doubt; else it is taken for our own."""
    if not isinstance(value, dict) or ("hostname" in value and "message" in value):
        return NATIVE
    if isinstance(value.get("alerts"), list) or _is_alert(value):
        return ALERTMANAGER
    if "traphandle" in value or "varbinds" in value or ("trap_oid" in value and "message" not in value):
        return SNMPTRAP
    if all(fields & value.keys() for fields in _SYSLOG_FIELDS):
        return SYSLOG
    names = {re.sub(r"[^a-z]", "", name.lower()) for name in value}
    return SOLARWINDS if names & _SOLARWINDS_FIELDS else NATIVE


def _is_alert(value: Mapping[str, Any]) -> bool:
    """Whether it is a single alert, as Prometheus itself sends them."""
    labels = value.get("labels")
    return isinstance(labels, dict) and ("alertname" in labels or "annotations" in value or "startsAt" in value)


def recognise_text(text: str, content_type: str) -> Source | None:
    """Whose text a body of the plain webhook is that is no JSON; None where there is no telling."""
    if _TRAPHANDLE.match(text):
        return SNMPTRAP
    if _PRI.match(text):
        return SYSLOG
    return SOLARWINDS if content_type.startswith(_FORM) else None
