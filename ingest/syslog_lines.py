"""Plain syslog lines as events: RFC 5424, RFC 3164 with or without a year, ISO times, Cisco's variants."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from ipaddress import ip_address

from ingest.times import MONTHS, moment, without_year

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
    r"(?:[0-9]+: )?(?:(?P<origin>(?![0-9]+:)[\w.-]+)(?:: | [A-Z0-9]+(?:/\w+)+:))?[*.]?"
    rf"(?:{_ISO}|{_BSD})(?: [A-Z]{{2,5}}(?=:))?(?P<colon> ?:)?(?:\s+|$)"
)
_RFC5424 = re.compile(
    rf"1 (?:-|{_ISO}) (?P<host>\S{{1,255}}) (?P<program>\S{{1,48}}) (?P<procid>\S{{1,128}})"
    r" (?P<msgid>\S{1,32}) (?P<rest>.*)",
    re.DOTALL,
)
_STRUCTURED_DATA = re.compile(r'((?:\[(?:[^\]"]|"(?:[^"\\]|\\.)*")*\])+|-)(?: |$)')
_HOST = re.compile(r"(?=[^\W\d_]|[\w./-]*[^\W\d_])[\w.-]+(?:/[\w.-]+)?")
_CONTAINER_STREAM = re.compile(r"(?:stdout|stderr) [FP] ")
# A mnemonic such as `%LINK-3-UPDOWN:` is what rules look for: it stays in the message.
_TAG = re.compile(r"(?P<program>[^\s:\[\]%][^\s:\[\]]{0,63})(?:\[(?P<procid>[^\s\]]{1,128})\])?:(?:\s+|$)")


@dataclass
class _Parts:
    """What a header says; None where it says nothing (usable)."""

    message: str
    at: datetime | None = None
    host: str | None = None
    extra: dict[str, object] = field(default_factory=dict)


def parse_line(line: str, now: datetime, default_host: str) -> dict[str, object]:
    """One line as an event; never raises. `now` must know its zone; times without one are UTC."""
    now = now.astimezone(UTC)
    text = line.strip()
    severity, body = _split_pri(text)
    parts = _rfc5424(body) if severity else None
    parts = parts or _other_header(body, now) or _Parts(body)
    event: dict[str, object] = {
        "hostname": parts.host or default_host,
        "timestamp": _utc_text(parts.at or now),
        "message": parts.message.strip() or text,
        "source_type": "syslog",
    }
    if severity:
        event["syslog_severity"] = severity
    return event | parts.extra


def _split_pri(text: str) -> tuple[str | None, str]:
    found = _PRI.match(text)
    if not found or int(found[1]) > MAX_PRI:
        return None, text
    return SEVERITIES[int(found[1]) % 8], text[found.end() :].lstrip()


def _rfc5424(body: str) -> _Parts | None:
    found = _RFC5424.match(body)
    if not found:
        return None
    rest = found["rest"]
    data = _STRUCTURED_DATA.match(rest)
    values = {name: found[name] for name in ("program", "procid", "msgid")}
    if data:
        values["structured_data"] = data[1]
        rest = rest[data.end() :]
    return _Parts(
        message=rest.removeprefix("\ufeff"),
        at=_iso_time(found),
        host=_known(found["host"]),
        extra={name: value for name, value in values.items() if _known(value)},
    )


def _known(value: str) -> str | None:
    """RFC 5424's NILVALUE is nothing."""
    return None if value == "-" else value


def _other_header(body: str, now: datetime) -> _Parts | None:
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
    at = _iso_time(found) if found["iso_date"] else _bsd_time(found, now)
    return _Parts(rest, at, host, extra)


def _split_host(rest: str) -> tuple[str | None, str]:
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


def _iso_time(found: re.Match[str]) -> datetime | None:
    if not found["iso_date"]:
        return None
    offset = found["offset"]
    zone = UTC
    if offset and offset != "Z":
        digits = offset[1:].replace(":", "")
        minutes = int(digits[:2]) * 60 + int(digits[2:])
        sign = -1 if offset[0] == "-" else 1
        try:
            zone = timezone(timedelta(minutes=sign * minutes))
        except ValueError:
            return None
    year, month, day = found["iso_date"].split("-")
    return moment((int(year), int(month), int(day)), found["iso_clock"], found["iso_fraction"], zone)


def _bsd_time(found: re.Match[str], now: datetime) -> datetime | None:
    month, day = MONTHS.index(found["month"]) + 1, int(found["day"])
    said = found["year"] or found["year_first"] or found["year_last"]
    if said:
        return moment((int(said), month, day), found["clock"], found["fraction"], UTC)
    return without_year(month, day, found["clock"], found["fraction"], now, UTC)


def _utc_text(at: datetime) -> str:
    """`2026-11-14T08:30:56.699Z`: with as many digits of a fraction as were there, at most six."""
    text = at.replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if at.microsecond else text) + "Z"
