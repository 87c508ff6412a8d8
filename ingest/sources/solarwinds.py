"""SolarWinds Orion: what its alert action “Send a GET or POST Request” posts.

Orion puts values into the template as they are: a quote, a backslash or a line break in one of them makes broken JSON,
and a variable that does not apply stays as `${…}`. Trigger and reset actions differ by fields that people choose.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from audit.notes import Note
from ingest.sources.severities import severity_from_word
from ingest.sources.source import Context, Incoming, Item, Source, Unusable
from ingest.times import read_time

_PLACEHOLDER = re.compile(r"\$\{[^{}]{0,2000}\}")

# By preference; the names are without case and without what stands between words.
_HOST = (
    *("hostname", "nodename", "nodecaption", "host", "node", "caption", "sysname", "nodesysname", "devicename"),
    *("device", "dns", "nodedns", "displayname", "server", "machine", "ipaddress", "nodeipaddress", "nodeip", "ip"),
)
_MESSAGE = (
    *("alertmessage", "message", "alertdescription", "description", "msg", "text", "details", "summary", "body"),
    *("title", "subject", "alertname", "alert", "name", "eventmessage"),
)
_NAME = ("alertname", "title", "subject", "alert", "name", "checkname")
_SEVERITY = ("severity", "alertseverity", "syslogseverity", "level", "priority", "statusseverity", "urgency")
_TIME = (
    *(
        "alerttriggertime",
        "triggertime",
        "timestamp",
        "eventtime",
        "datetime",
        "time",
        "alerttime",
        "resettime",
        "date",
    ),
    *("triggeredat", "occurredat"),
)
_KEY = (
    *("alertobjectid", "alertkey", "incidentkey", "incidentid", "entityid", "alertactiveid", "activeid", "alertid"),
    *("alertdefid", "eventid"),
)
_STATE = (
    *("messagetype", "action", "alertaction", "state", "alertstate", "eventtype", "type", "alertstatus", "status"),
    *("notificationtype", "eventaction"),
)
_RESET_FLAG = ("reset", "isreset", "cleared", "iscleared", "resolved", "recovery")
_RESET_WORDS = {
    *("reset", "resolved", "resolve", "recovery", "recovered", "clear", "cleared", "closed", "close", "ok"),
    *("alertreset", "resetalert"),
}
_TRUE = {"true", "1", "yes", "y", "on"}
# Orion's own; the rest is as everywhere.
_SEVERITIES = {"serious": "Error", "down": "Critical", "up": "Info", "unknown": "Warning", "unreachable": "Critical"}
_LONGEST_KEY = 255
_LONGEST_MESSAGE = 65_535


def adapt(value: Any, context: Context) -> Sequence[Item]:
    """The fields of one alert."""
    if isinstance(value, str):
        return read_text(value, context)
    if not isinstance(value, dict):
        return [Unusable("not_an_alert", "An alert of SolarWinds is a JSON object or a form.", value)]
    return [_item(value, value, context, ())]


def read_text(text: str, context: Context) -> Sequence[Item]:
    """A form, or a JSON template that was broken by its values."""
    fields = _broken_json(text)
    if fields:
        return [_item(fields, fields, context, (Note.BROKEN_JSON,))]
    form = _form(text)
    if not form:
        why = "It is neither a JSON object, be it broken by its values, nor a form (name=value&name=value)."
        return [Unusable("not_an_alert", why, text)]
    inner = _json_in(form)
    if inner is not None:
        return read_text(inner, context) if isinstance(inner, str) else adapt(inner, context)
    return [_item(form, form, context, ())]


def _form(text: str) -> dict[str, Any]:
    """The fields of a form; pairs may also stand on lines of their own."""
    if "&" not in text and "\n" in text.strip():
        pairs = [line.partition("=")[::2] for line in text.strip().splitlines() if "=" in line]
        return {name.strip(): value.strip() for name, value in pairs if name.strip()}
    try:
        pairs = parse_qsl(text.strip(), keep_blank_values=True, max_num_fields=1000)
    except ValueError:
        return {}
    return {
        name.strip(): value for name, value in pairs if name.strip() and ("=" in text or name.rstrip().endswith("}"))
    }


def _json_in(form: Mapping[str, str]) -> Any:
    """A whole document in one field of a form, or as its only name; a text where it is broken."""
    candidates = [*form.values(), *(form if len(form) == 1 else ())]
    for text in candidates:
        if text.lstrip().startswith("{"):
            try:
                found = json.loads(text)
            except (ValueError, RecursionError):
                return text if _broken_json(text) else None
            return found if isinstance(found, dict) else None
    return None


_FIELD = re.compile(r'\s*+"(?P<name>[^"\\\r\n]{1,200})"\s*+:\s*+')
_WINDOWS_PATH = re.compile(r"(?:\b[A-Za-z]:|^\\)\\(?!\\)")
# Where a text ends: its quote is followed by the next field's name, or by the end of the object.
_GOES_ON = r'(?=,\s*+"[^"\\\r\n]{1,200}"\s*+:|(?:,\s*+)?\}\s*+(?:[},\]]|\Z))'
_END_OF_TEXT = re.compile(rf'"\s*+{_GOES_ON}')
_END_OF_OTHER = re.compile(_GOES_ON)


def _broken_json(text: str) -> dict[str, Any]:
    """The fields of an object whose values were not escaped; those of an object within it among them.

    Empty for what is no such object at all.
    """
    text = text.strip().removesuffix(",")
    if not (text.startswith("{") and text.endswith("}")):
        return {}
    fields: dict[str, Any] = {}
    position = 1
    while position < len(text):
        name = _FIELD.match(text, position)
        if not name:
            return fields if not text[position:].strip(" \t\r\n{},[]") else {}
        value, position = _value(text, name.end())
        if value is not None:
            fields[name["name"]] = value
        position = _behind(text, position)
    return fields


def _value(text: str, start: int) -> tuple[Any, int]:
    """The value that begins here, and where it ends; None for an object, into which the reader goes."""
    if text[start : start + 1] == "{":
        return None, start + 1
    if text[start : start + 1] == '"':
        end = _END_OF_TEXT.search(text, start + 1)
        if end:
            return _literal(text[start + 1 : end.start()]), end.end()
    end = _END_OF_OTHER.search(text, start)
    raw = text[start : end.start() if end else len(text)].strip()
    return _scalar(raw), end.end() if end else len(text)


def _behind(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n,}]":
        position += 1
    return position


def _literal(raw: str) -> str:
    """A text as it was meant: written properly, or put in as it was, which a path of Windows always is."""
    if _WINDOWS_PATH.search(raw):
        return raw.replace('\\"', '"')
    try:
        return str(json.loads(f'"{raw}"'))
    except ValueError:
        return raw.replace('\\"', '"')


def _scalar(raw: str) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return raw.strip('"')


class _Fields:
    """The fields of an alert under their names without case, blanks and signs; what was not filled in is absent."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.placeholders = False
        self._values: dict[str, Any] = {}
        for name, value in _flat(fields):
            bare = re.sub(r"[^a-z0-9]", "", name.lower())
            filled = self._filled(value)
            if filled is not None:
                self._values.setdefault(bare, filled)

    def _filled(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if "${" in value:
            cut = " ".join(_PLACEHOLDER.sub(" ", value).split())
            self.placeholders = self.placeholders or cut != value
            value = cut
        return value.strip() or None

    def first(self, names: Iterable[str]) -> Any:
        return next((self._values[name] for name in names if name in self._values), None)

    def get(self, name: str) -> Any:
        return self._values.get(name)

    def all(self) -> Iterable[tuple[str, Any]]:
        """Every field that was filled in."""
        return self._values.items()

    def text(self, names: Iterable[str]) -> str | None:
        """The first that is a text or a number."""
        found = (self._values.get(name) for name in names)
        return next(
            (str(value) for value in found if isinstance(value, str | int | float) and not isinstance(value, bool)),
            None,
        )


def _flat(fields: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """All fields, those of an object within them after the others; a place is known by its own name, too."""
    inner: list[tuple[str, Any]] = []
    for name, value in fields.items():
        if isinstance(value, dict):
            inner += [(key, item) for key, item in value.items() if not isinstance(item, dict | list)]
        elif not isinstance(value, list):
            yield name, value
    yield from inner


def _item(said: Mapping[str, Any], original: Any, context: Context, notes: tuple[Note, ...]) -> Item:
    if not said:
        return Unusable("not_an_alert", "It is an empty object: the template has no fields.", original)
    fields = _Fields(_without_unfilled(said))
    hostname = fields.text(_HOST)
    if hostname is None:
        why = (
            "No field names the device. Add one, such as “NodeName”, to the template, as that of ops/solarwinds has it;"
            " NodeName, Node, Host, Hostname, Caption, SysName, DNS and IP_Address are looked for."
        )
        return Unusable("hostname_missing", why, original, "/hostname")
    moment, on_clock = _time(fields, context)
    event: dict[str, Any] = {
        "hostname": hostname,
        "timestamp": (moment or context.now).isoformat(),
        "message": _message(fields),
        "source_type": "solarwinds",
    }
    severity, on_severity = _severity(fields)
    if severity:
        event["syslog_severity"] = severity
    if _is_reset(fields):
        event["clear"] = True
    key = fields.text(_KEY) or fields.text(_NAME)
    if key:
        event["alert_key"] = key[:_LONGEST_KEY]
    on_fields = (Note.PLACEHOLDER,) if fields.placeholders or len(_without_unfilled(said)) < len(said) else ()
    return Incoming(event, original, (*notes, *on_fields, *on_severity, *on_clock))


def _time(fields: _Fields, context: Context) -> tuple[datetime | None, tuple[Note, ...]]:
    """The first time that can be read; else what is wrong with the first."""
    found = [read_time(value, context.now, context.zone) for value in map(fields.get, _TIME) if value is not None]
    readable = next((time for time in found if time[0]), None)
    return readable or next(iter(found), (None, (Note.TIMESTAMP_MISSING,)))


def _without_unfilled(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Without hosts, times and severities that hold a placeholder: half of one would be a wrong one."""
    exact = {*_HOST, *_TIME, *_SEVERITY, *_KEY}
    return {
        name: value
        for name, value in fields.items()
        if not (isinstance(value, str) and "${" in value and re.sub(r"[^a-z0-9]", "", name.lower()) in exact)
    }


def _message(fields: _Fields) -> str:
    text, name = fields.text(_MESSAGE), fields.text(_NAME)
    if text is None:
        text = ", ".join(f"{field}: {value}" for field, value in fields.all())
    if name and name.lower() not in text.lower():
        text = f"{name}: {text}"
    return text[:_LONGEST_MESSAGE]


def _severity(fields: _Fields) -> tuple[str | None, tuple[Note, ...]]:
    said = fields.first(_SEVERITY)
    if said is None:
        return None, ()
    word = _SEVERITIES.get(str(said)[:100].strip().lower())
    found = severity_from_word(said)
    if word or found:
        return word or (found.value if found else None), ()
    return None, (Note.SEVERITY_UNKNOWN,)


def _is_reset(fields: _Fields) -> bool:
    flags = map(fields.get, _RESET_FLAG)
    if any(str(flag).strip().lower() in _TRUE for flag in flags if flag is not None):
        return True
    states = map(fields.get, _STATE)
    return any(re.sub(r"[^a-z]", "", str(state)[:100].lower()) in _RESET_WORDS for state in states if state is not None)


SOLARWINDS = Source("solarwinds", adapt, read_text)
