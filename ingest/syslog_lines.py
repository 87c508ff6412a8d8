"""Plain syslog lines as events: RFC 5424, RFC 3164 with or without a year, ISO times, Cisco's variants."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from ipaddress import ip_address

from audit.notes import Note
from ingest.times import MONTHS, moment, offset_of, without_year, zone_named

SEVERITIES = ("Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Info", "Debug")
MAX_PRI = 191

_PRI = re.compile(r"<([0-9]{1,3})>")
_ISO = (
    r"(?P<iso_date>[0-9]{4}-[0-9]{1,2}-[0-9]{1,2})[T ](?P<iso_clock>[0-9]{1,2}:[0-9]{2}:[0-9]{2})"
    r"(?:[.,](?P<iso_fraction>[0-9]+)(?:\.[0-9]+)?)?(?: ?(?P<offset>Z|[+-][0-9]{2}:?[0-9]{2}))?"
)
_BSD = (
    r"(?:(?P<year_first>[0-9]{4}) )?(?P<month>" + "|".join(MONTHS) + r") +(?P<day>[0-9]{1,2})"
    r"(?: (?P<year>[0-9]{4}))? (?P<clock>[0-9]{1,2}:[0-9]{2}:[0-9]{2})(?:\.(?P<fraction>[0-9]+))?"
    r"(?: (?P<year_last>[0-9]{4})(?=[ :]))?"
)
# Cisco: `521: router1: *Nov 14 08:30:56.699 UTC: %…` and `40: xrv RP/0/RP0/CPU0:Oct  4 22:52:47.441 : …`.
# A colon behind the time says that no host follows.
_HEADER = re.compile(
    r"(?:[0-9]*: *)?(?:(?P<origin>(?![0-9]+:)[\w.-]+)(?:: +(?:[0-9]+: +)?| (?=[A-Z0-9]+/)))?"
    r"(?:[A-Z0-9]+(?:/\w+)+:)?[*.]?"
    rf"(?:{_ISO}|{_BSD})(?: (?P<zone>[A-Z]{{2,5}}(?=:)|(?:UTC|GMT)(?= )))?(?P<colon> ?:)?(?:\s+|$)"
)
# FortiGate: `date=2026-11-23 time=08:30:00 devname="fw1" … tz="+0100"`, and no other header.
_KEY_VALUES = re.compile(
    r"date=(?P<iso_date>[0-9]{4}-[0-9]{2}-[0-9]{2}) time=(?P<iso_clock>[0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?:\.(?P<iso_fraction>[0-9]+))? "
)
_DEVICE_NAME = re.compile(r'\bdevname="?([^\s"]{1,255})')
_DEVICE_ZONE = re.compile(r'\btz="?(?P<offset>[+-][0-9]{2}:?[0-9]{2})')
_KEY_VALUES_READ = 4_000
# AIX puts words before the host, and syslogd may leave it out.
_FORWARDED = "Message forwarded from "
_REPEATED = ("last message repeated ", "message repeated ")
_RFC5424 = re.compile(
    rf"1 (?:-|{_ISO}) (?P<host>\S{{1,255}}) (?P<program>\S{{1,48}}) (?P<procid>\S{{1,128}})"
    r" (?P<msgid>\S{1,32}) (?P<rest>.*)",
    re.DOTALL,
)
_STRUCTURED_DATA = re.compile(r'((?:\[(?:[^\]"]|"(?:[^"\\]|\\.)*")*\])+|-)(?: |$)')
_HOST = re.compile(r"(?=[^\W\d_]|[\w./-]*[^\W\d_])[\w.-]+(?:/[\w.-]+)?")
_CONTAINER_STREAM = re.compile(r"(?:stdout|stderr) [FP] ")
# Cisco's `%LINK-3-UPDOWN` and Huawei's `%%01IFNET/4/IF_STATE` tell a severity.
_MNEMONIC = re.compile(r"%(?:%[0-9]{2})?[A-Z][A-Z0-9_]{1,40}(?:-[A-Z0-9_]{1,40}){0,4}?[-/]([0-7])[-/][A-Z0-9_]")
_MNEMONIC_WITHIN = 200
# A mnemonic is what rules look for: it stays in the message.
_TAG = re.compile(r"(?P<program>[^\s:\[\]%][^\s:\[\]]{0,63})(?:\[(?P<procid>[^\s\]]{1,128})\])?:(?:\s+|$)")


@dataclass
class _Parts:
    """What a header says; None where it says nothing (usable)."""

    message: str
    at: datetime | None = None
    host: str | None = None
    extra: dict[str, object] = field(default_factory=dict)
    notes: tuple[Note, ...] = (Note.TIMESTAMP_MISSING,)


def parse_line(line: str, now: datetime, default_host: str) -> dict[str, object]:
    """One line as an event; never raises. `now` must know its zone; times without one are UTC."""
    return read_line(line, now, default_host, UTC)[0]


def read_line(line: str, now: datetime, default_host: str, zone: tzinfo) -> tuple[dict[str, object], tuple[Note, ...]]:
    """One line as an event, and what had to be assumed; never raises. `zone` is that of times which name none."""
    now = now.astimezone(UTC)
    text = line.strip()
    severity, body = _split_pri(text)
    parts = _rfc5424(body, zone) if severity else None
    parts = parts or _other_header(body, now, zone) or _key_values(body, zone) or _Parts(body)
    event: dict[str, object] = {
        "hostname": parts.host or default_host,
        "timestamp": _utc_text(parts.at or now),
        "message": parts.message.strip() or text,
        "source_type": "syslog",
    }
    severity = severity or severity_within(parts.message)
    if severity:
        event["syslog_severity"] = severity
    notes = parts.notes if parts.host else (*parts.notes, Note.HOSTNAME_FROM_SENDER)
    return event | parts.extra, notes


def severity_within(message: str) -> str | None:
    """The severity that a device's mnemonic tells, as in `%LINK-3-UPDOWN`, for messages that come without any other."""
    found = _MNEMONIC.search(message, 0, _MNEMONIC_WITHIN)
    return SEVERITIES[int(found[1])] if found else None


def _split_pri(text: str) -> tuple[str | None, str]:
    found = _PRI.match(text)
    if not found or int(found[1]) > MAX_PRI:
        return None, text
    return SEVERITIES[int(found[1]) % 8], text[found.end() :].lstrip()


def _rfc5424(body: str, zone: tzinfo) -> _Parts | None:
    found = _RFC5424.match(body)
    if not found:
        return None
    rest = found["rest"]
    data = _STRUCTURED_DATA.match(rest)
    values = {name: found[name] for name in ("program", "procid", "msgid")}
    if data:
        values["structured_data"] = data[1]
        rest = rest[data.end() :]
    at, notes = _iso_time(found, zone) if found["iso_date"] else (None, (Note.TIMESTAMP_MISSING,))
    return _Parts(
        message=rest.removeprefix("\ufeff"),
        at=at,
        host=_known(found["host"]),
        extra={name: value for name, value in values.items() if _known(value)},
        notes=notes,
    )


def _known(value: str) -> str | None:
    """RFC 5424's NILVALUE is nothing."""
    return None if value == "-" else value


def _other_header(body: str, now: datetime, zone: tzinfo) -> _Parts | None:
    found = _HEADER.match(body)
    if not found:
        return None
    rest = body[found.end() :]
    host: str | None = found["origin"]
    container = _CONTAINER_STREAM.match(rest)
    if container:
        rest = rest[container.end() :]
    elif not host and not found["colon"]:
        host, rest = _split_host(rest)
    tag = _TAG.match(rest)
    extra: dict[str, object] = {}
    if tag:
        extra = {name: value for name, value in tag.groupdict().items() if value}
        rest = rest[tag.end() :]
    named = zone_named(found["zone"]) if found["zone"] else None
    at, notes = _iso_time(found, zone, named) if found["iso_date"] else _bsd_time(found, now, zone, named)
    return _Parts(rest, at, host, extra, notes)


def _key_values(body: str, zone: tzinfo) -> _Parts | None:
    found = _KEY_VALUES.match(body)
    if not found:
        return None
    device = _DEVICE_NAME.search(body, 0, _KEY_VALUES_READ)
    said = _DEVICE_ZONE.search(body, 0, _KEY_VALUES_READ)
    at, notes = _iso_time(found, zone, offset_of(said["offset"]) if said else None)
    return _Parts(body, at, device[1] if device else None, notes=notes)


def _split_host(rest: str) -> tuple[str | None, str]:
    if rest.startswith(_REPEATED):
        return None, rest
    if rest.startswith(_FORWARDED):
        host, _, behind = rest.removeprefix(_FORWARDED).partition(": ")
        return (host, behind) if _is_host(host) else (None, rest)
    token, _, behind = rest.partition(" ")
    if not _is_host(token):
        return None, rest
    # The ASA writes `host : %ASA-…`.
    return token, behind.lstrip().removeprefix(": ")


def _is_host(token: str) -> bool:
    if _HOST.fullmatch(token):
        return True
    try:
        ip_address(token)
    except ValueError:
        return False
    return True


def _iso_time(
    found: re.Match[str], assumed: tzinfo, named: tzinfo | None = None
) -> tuple[datetime | None, tuple[Note, ...]]:
    offset = found.groupdict().get("offset")
    zone = offset_of(offset) if offset else named or assumed
    year, month, day = found["iso_date"].split("-")
    at = moment((int(year), int(month), int(day)), found["iso_clock"], found["iso_fraction"], zone)
    return at, _noted(at, zoned=bool(offset or named))


def _bsd_time(
    found: re.Match[str], now: datetime, assumed: tzinfo, named: tzinfo | None
) -> tuple[datetime | None, tuple[Note, ...]]:
    zone = named or assumed
    month, day = MONTHS.index(found["month"]) + 1, int(found["day"])
    said = found["year"] or found["year_first"] or found["year_last"]
    if said:
        at = moment((int(said), month, day), found["clock"], found["fraction"], zone)
        return at, _noted(at, zoned=bool(named))
    at = without_year(month, day, found["clock"], found["fraction"], now, zone)
    return at, (*((Note.TIMESTAMP_WITHOUT_YEAR,) if at else ()), *_noted(at, zoned=bool(named)))


def _noted(at: datetime | None, *, zoned: bool) -> tuple[Note, ...]:
    if at is None:
        return (Note.TIMESTAMP_UNREADABLE,)
    return () if zoned else (Note.TIMESTAMP_WITHOUT_ZONE,)


def _utc_text(at: datetime) -> str:
    """`2026-11-14T08:30:56.699Z`: with as many digits of a fraction as were there, at most six."""
    text = at.replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if at.microsecond else text) + "Z"
