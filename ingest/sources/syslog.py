"""What rsyslog, syslog-ng, Fluent Bit, Vector, Logstash and GELF senders write of a syslog message, and raw lines."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from audit.notes import Note
from ingest.sources.severities import severity_from_pri, severity_from_word
from ingest.sources.source import Context, Incoming, Item, Source, Unusable
from ingest.syslog_lines import read_line, severity_within
from ingest.times import read_time, time_of

# Names as `_known` spells them: in lower case, without blanks, hyphens, underscores and dots; the first one counts.
# A dot stands between the names of nested objects: `{"host": {"name": …}}` is `hostname`.
_HOST = (
    "hostname", "host", "sysloghostname", "hosthostname", "fqdn", "logsource", "devname", "devicename", "computername",
    "computer", "machinename", "observerhostname", "observername", "kuberneteshost", "beathostname", "agenthostname",
)  # fmt: skip
_SENDER = (
    "fromhost", "fromhostip", "hostfrom", "fullhostfrom", "sourceip", "sourceaddress", "logsourceaddress",
    "logsourceip", "peer", "peerip", "peeraddress", "senderip", "gl2remoteip",
)  # fmt: skip
_PLACE = ("source", "@source")  # a host in Graylog's words; in others the kind of source
_NO_HOSTS = {"syslog", "rsyslog", "syslog-ng", "snmptrap", "journald", "journal", "stdin", "stdout", "stderr", "kernel"}
_TIMES = (
    "timestamp", "timereported", "@timestamp", "isodate", "sisodate", "eventtime", "sourcerealtimetimestamp",
    "realtimetimestamp", "unixtime", "sunixtime", "time", "datetime", "date", "fulldate", "ts", "stamp", "logtimestamp",
)  # fmt: skip
_USUALLY_RFC_3339 = ("timestamp", "@timestamp", "timereported", "isodate")
_TIMES_OF_RECEIPT = ("timegenerated", "risodate", "runixtime", "cisodate", "receivedat", "eventreceivedtime", "rdate")
_MESSAGE = ("message", "msg", "shortmessage", "fullmessage", "log", "logmessage", "syslogmessage", "text", "body")
_RAW = ("rawmsgafterpri", "rawmsg", "rawmessage", "raw", "eventoriginal", "line")
_SEVERITY = (
    "syslogseverity", "severity", "syslogseveritytext", "severitytext", "severityname", "severitylabel", "level",
    "loglevel", "levelname", "levelnum", "severitycode", "logsyslogseveritycode", "logsyslogseverityname",
    "syslogseveritycode", "syslogseverityvalue", "detectedlevel", "priority",
)  # fmt: skip
_PRI = ("pri", "pritext", "syslogpri", "syslogpriority", "logsyslogpriority", "priority", *_SEVERITY)
_PRI_NUMBERS = frozenset({"pri", "pritext", "syslogpri", "syslogpriority", "logsyslogpriority", "priority"})
_EXTRAS = {
    "program": ("program", "programname", "appname", "syslogidentifier", "syslogprogram", "ident", "processname"),
    "procid": ("procid", "pid", "syslogpid", "processid", "processpid"),
    "facility": ("facility", "syslogfacilitytext", "facilitytext", "facilityname", "facilitylabel", "syslogfacility"),
    "msgid": ("msgid",),
}
_PASSED_ON = ("trap_oid", "clear", "alert_key")
_KNOWN = {
    *_HOST, *_SENDER, *_PLACE, *_TIMES, *_TIMES_OF_RECEIPT, *_MESSAGE, *_RAW, *_PRI, "tz", "syslogtag",
    *(name for names in _EXTRAS.values() for name in names),
}  # fmt: skip
_LONGEST_NAME = 40
_DEEPEST = 4
_BETWEEN = str.maketrans("", "", " -_.")
_NIL = {"", "-"}

_TAG = re.compile(r"(?P<program>[^\s\[\]:]{1,64})(?:\[(?P<procid>[^\s\]]{1,128})\])?:?")
_LARGEST = 10**100
_NO_TIME = {Note.TIMESTAMP_MISSING, Note.TIMESTAMP_UNREADABLE}
_ABOUT_TIME = _NO_TIME | {Note.TIMESTAMP_WITHOUT_YEAR, Note.TIMESTAMP_WITHOUT_ZONE}
_LOOKED_AT = 2_000
_AT_ENDS = " \t\r\n\x00\u2400"  # the symbol stands for a NUL that was replaced
_COUNT = re.compile(r"[1-9][0-9]{0,5} (?=<[0-9]{1,3}>)")
_COUNT_OF_OCTETS = re.compile(rb"\s*([1-9][0-9]{0,5}) (?=<[0-9]{1,3}>)")
_MARKUP = re.compile(r"<[!?/a-zA-Z]")
_JSON = re.compile(r"\{|\[\s*[\[{\]\"]")
_FORM = re.compile(r"[^\s=&]+=[^\s&]*(?:&[^\s=&]+=[^\s&]*)+")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\u2400]")
_PORT = re.compile(r"([^:]+):\d{1,5}")


def adapt(value: Any, context: Context) -> Sequence[Item]:
    """The events of an object, of a batch of rsyslog's (kafkarest, lokirest), or of a text with raw lines."""
    if isinstance(value, str):
        return read_text(value, context)
    if not isinstance(value, dict):
        return [Incoming(value, value)]  # for the schema to refuse
    records, streams = value.get("records"), value.get("streams")
    if isinstance(records, list) and "message" not in value:
        return list(_of_records(records, context))
    if isinstance(streams, list) and "message" not in value:
        return list(_of_streams(streams, context))
    return [_event(value, value, context)]


def _of_records(records: Iterable[Any], context: Context) -> Iterator[Item]:
    for number, record in enumerate(records):
        value = record.get("value", record) if isinstance(record, dict) else record
        if isinstance(value, dict):
            yield _event(value, value, context)
        elif isinstance(value, str):
            yield from read_text(value, context)
        else:
            why = 'It holds no event. A record is an object such as {"value": {…}}.'
            yield Unusable("not_an_event", why, record, f"/records/{number}")


def _of_streams(streams: Iterable[Any], context: Context) -> Iterator[Item]:
    for number, stream in enumerate(streams):
        labels, values = (stream.get("stream"), stream.get("values")) if isinstance(stream, dict) else (None, None)
        if not isinstance(labels, dict) or not isinstance(values, list):
            why = 'It holds no events. A stream is an object such as {"stream": {…}, "values": [["<ns>", "…"]]}.'
            yield Unusable("not_an_event", why, stream, f"/streams/{number}")
            continue
        for place, pair in enumerate(values):
            original = {"streams": [{"stream": labels, "values": [pair]}]}
            if isinstance(pair, list) and len(pair) > 1:
                yield _event({**labels, "timestamp": pair[0], "message": pair[1]}, original, context)
            else:
                why = "It holds no event: a time and a line are missing."
                yield Unusable("not_an_event", why, original, f"/streams/{number}/values/{place}")


def _event(value: Mapping[str, Any], original: Any, context: Context) -> Incoming:
    said = _spelled(value)
    notes: tuple[Note, ...] = ()
    message = _first(said, _MESSAGE)
    if message is None:
        notes = _read_raw(said, context)
        message = _first(said, _MESSAGE)
    event: dict[str, Any] = {}
    hostname, about_host = _host(said)
    if hostname is not None:
        event["hostname"] = hostname
    event["timestamp"], about_time = _time(said, context)
    if message is not None:
        event["message"] = message = _text(message)
    severity, about_severity = _severity(said, message)
    if severity is not None:
        event["syslog_severity"] = severity
    event["source_type"] = "syslog"
    _add_extras(event, said)
    for name in _PASSED_ON:
        if name in value:
            event[name] = value[name]
    return Incoming(event, original, tuple(dict.fromkeys(notes + about_host + about_time + about_severity)))


@lru_cache(maxsize=2048)
def _known(name: str) -> str | None:
    """How a name is spelled here; None for names that tell nothing."""
    spelled = name.lower().translate(_BETWEEN)
    return spelled if spelled in _KNOWN else None


def _spelled(value: Mapping[str, Any]) -> dict[str, Any]:
    """What the known names say."""
    said: dict[str, Any] = {}
    for name, item in value.items():
        spelled = _known(name) if len(name) <= _LONGEST_NAME else None
        if spelled is not None and item is not None:
            said.setdefault(spelled, item)
        if isinstance(item, dict):
            _add_nested(said, name, item, _DEEPEST)
    return said


def _add_nested(said: dict[str, Any], before: str, value: Mapping[str, Any], levels: int) -> None:
    for name, item in value.items():
        path = f"{before}.{name}"
        if len(path) > _LONGEST_NAME:
            continue
        if isinstance(item, dict):
            if levels > 1:
                _add_nested(said, path, item, levels - 1)
            continue
        spelled = _known(path)
        if spelled is not None and item is not None and isinstance(said.get(spelled), dict | None):
            said[spelled] = item


def _first(said: Mapping[str, Any], names: Iterable[str]) -> Any:
    """What the first of the names says that is there; an object only where there is nothing else."""
    found = None
    for name in names:
        item = said.get(name)
        if item is not None:
            if not isinstance(item, dict):
                return item
            found = found or item
    return found


def _host(said: Mapping[str, Any]) -> tuple[Any, tuple[Note, ...]]:
    """The host, else who sent it; what is no text is for the schema to refuse."""
    nil = None
    for name in _HOST:
        host = said.get(name)
        if isinstance(host, str):
            host = host.strip()
            if host not in _NIL:
                return host, ()
            nil = nil or host
    sender = _first_told(said, _SENDER)
    if sender:
        address = _PORT.fullmatch(sender)
        return address[1] if address else sender, (Note.HOSTNAME_FROM_SENDER,)
    place = _first_told(said, _PLACE)
    if place and place not in _NO_HOSTS and not place.startswith("/"):
        return place, ()
    if nil == "-":
        return "unknown", (Note.HOSTNAME_UNKNOWN,)
    return _first(said, _HOST) if nil is None else nil, ()


def _first_told(said: Mapping[str, Any], names: Iterable[str]) -> str | None:
    texts = (said[name].strip() for name in names if isinstance(said.get(name), str))
    return next((text for text in texts if text not in _NIL), None)


def _time(said: Mapping[str, Any], context: Context) -> tuple[str, tuple[Note, ...]]:
    """When it happened: an RFC 3339 time as it was sent, others in that form; the time of receipt if need be."""
    for name in _USUALLY_RFC_3339:
        text = said.get(name)
        if isinstance(text, str) and time_of(text):
            return text, ()
    garbled: tuple[Note, ...] = ()
    for names in (_TIMES, _TIMES_OF_RECEIPT):
        read = [(sent, *read_time(sent, context.now, context.zone)) for sent in _times(said, names)]
        readable = [(sent, at, notes) for sent, at, notes in read if at]
        if readable:  # the one that leaves the least to be assumed
            sent, at, notes = min(readable, key=lambda found: len(found[2]))
            return sent if isinstance(sent, str) and time_of(sent) else at.isoformat(), garbled + notes
        if any(Note.TIMESTAMP_UNREADABLE in notes for _, _, notes in read):
            garbled = (Note.TIMESTAMP_UNREADABLE,)
    return context.now.isoformat(), garbled or (Note.TIMESTAMP_MISSING,)


def _times(said: Mapping[str, Any], names: Iterable[str]) -> Iterator[Any]:
    for name in names:
        if name in said:
            yield said[name]
    date, clock, offset = said.get("date"), said.get("time"), said.get("tz", "")
    if names is _TIMES and isinstance(date, str) and isinstance(clock, str):  # FortiGate
        yield f"{date} {clock}{offset}" if isinstance(offset, str) else f"{date} {clock}"


def _severity(said: Mapping[str, Any], message: Any) -> tuple[str | None, tuple[Note, ...]]:
    """The severity that is told, by its name or by a PRI; that of a mnemonic in the message only if none is told."""
    is_told = False
    for name in _SEVERITY:
        word = said.get(name)
        if word is not None and word not in ("", "-"):
            severity = severity_from_word(word)
            if severity:
                return severity.value, ()
            is_told = True
    for name in _PRI:
        word = said.get(name)
        if word is not None and (name in _PRI_NUMBERS or _is_pri(word)):
            severity = severity_from_pri(word)
            if severity:
                return severity.value, ()
            is_told = True
    if is_told:
        return None, (Note.SEVERITY_UNKNOWN,)
    return severity_within(message) if isinstance(message, str) else None, ()


def _is_pri(word: Any) -> bool:
    """Whether it is `<134>` or `local0.info`: as a `level`, a plain number may be of any scale."""
    return isinstance(word, str) and (word.startswith("<") or "." in word)


def _add_extras(event: dict[str, Any], said: Mapping[str, Any]) -> None:
    for field, names in _EXTRAS.items():
        for name in names:
            if name in said:
                text = _text(said[name])
                if isinstance(text, str) and text not in _NIL:
                    event[field] = text
                    break
    if "program" not in event and isinstance(said.get("syslogtag"), str):
        tag = _TAG.match(said["syslogtag"])
        if tag:
            event.update({field: part for field, part in tag.groupdict().items() if part and field not in event})


def _text(value: Any) -> Any:
    """A text without the blank that syslog servers leave at its start; a number as text; else what was sent."""
    if isinstance(value, str):
        return value.removeprefix(" ")
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _LARGEST:
        return value
    return str(value)


def _read_raw(said: dict[str, Any], context: Context) -> tuple[Note, ...]:
    """Add what a raw line tells beside what is told apart from it."""
    raw = next((said[name] for name in _RAW if isinstance(said.get(name), str)), None)
    if raw is None:
        return ()
    line, notes = read_line(raw, context.now, context.address or "unknown", context.zone)
    said["message"] = line["message"]
    for field, name in (("program", "program"), ("procid", "procid"), ("syslog_severity", "severity")):
        if field in line and not any(other in said for other in (name, *_EXTRAS.get(field, _PRI))):
            said[name] = line[field]
    is_named = _first_told(said, _HOST) is not None
    is_guess = Note.HOSTNAME_FROM_SENDER in notes
    if not is_named and not (is_guess and _first_told(said, _SENDER)):
        said["hostname"] = line["hostname"]
    else:
        notes = tuple(note for note in notes if note is not Note.HOSTNAME_FROM_SENDER)
    if any(name in said for name in _TIMES):
        return tuple(note for note in notes if note not in _ABOUT_TIME)
    if _NO_TIME.intersection(notes):  # a time of receipt may be told
        return tuple(note for note in notes if note not in _NO_TIME)
    said["timestamp"] = line["timestamp"]
    return notes


def read_text(text: str, context: Context) -> Sequence[Item]:
    """The events of raw lines (RFC 5424, RFC 3164, Cisco's), framed by line ends or by octet counts (RFC 6587)."""
    why = _why_no_syslog(text)
    if why:
        return [Unusable("not_syslog", why, text)]
    frames = _counted(text)
    lines = text.split("\n") if frames is None else frames
    return [_line(line, context) for line in map(_bare, lines) if line]


def _line(line: str, context: Context) -> Item:
    why = _why_no_syslog(line)
    original = {"line": line}
    if why:
        return Unusable("not_syslog", why, original)
    event, notes = read_line(line, context.now, context.address or "unknown", context.zone)
    return Incoming(event, original, notes)


def _bare(line: str) -> str:
    """Some devices end a line with NUL; an octet count without its frame says nothing."""
    return _COUNT.sub("", line.strip(_AT_ENDS), count=1)


def _counted(text: str) -> list[str] | None:
    """The frames of RFC 6587 §3.4.1; None if the text is none of them, or the counts do not hold."""
    if not _COUNT.match(text):
        return None
    raw = text.rstrip(_AT_ENDS).encode("utf-8", "replace")
    frames = []
    at = 0
    while at < len(raw):
        count = _COUNT_OF_OCTETS.match(raw, at)
        end = count.end() + int(count[1]) if count else 0
        if not count or end > len(raw) + 2:  # line ends at the end of the last frame were taken off
            return None
        frames.append(raw[count.end() : end].decode("utf-8", "replace"))
        at = end
    return frames


def _why_no_syslog(text: str) -> str | None:
    """Why a text is beyond doubt no syslog line; None if it may be one."""
    head = text[:_LOOKED_AT].strip(_AT_ENDS)
    if not head:
        return "It is empty." if not text.strip(_AT_ENDS) else None
    if _MARKUP.match(head):
        return "It looks like HTML or XML. Send syslog lines as text, or JSON."
    if _JSON.match(head):
        return "It begins like JSON, but it is not valid JSON."
    if _FORM.fullmatch(head):
        return "It looks like the fields of a form. Send syslog lines as text, or JSON."
    odd = len(_CONTROLS.findall(head))
    if odd * 20 > len(head) or (head.count("\ufffd") * 2 > len(head) and not head.startswith("<")):
        return "It looks like binary data, not like text. Compressed bodies need the header Content-Encoding."
    return None


SYSLOG = Source("syslog", adapt, read_text)
