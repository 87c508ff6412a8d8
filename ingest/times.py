"""Times as senders write them: RFC 3339, epochs, RFC 3164 without a year, and what servers print in their locale."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any

from dateutil import parser as dateutil_parser

from audit.notes import Note

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
FURTHEST_AHEAD = timedelta(days=1)

# Names that mean one offset, in hours. IST, BST, CST or AST each name several zones: they tell nothing.
_ZONES = {"UTC": 0, "GMT": 0, "UT": 0, "Z": 0, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3}
_ZONES |= {"MSK": 3, "JST": 9, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13, "HKT": 8, "SGT": 8}
_ZONES |= {"EST": -5, "EDT": -4, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7}  # RFC 5322 §4.3

# What `time_of` takes is what the schema takes.
_RFC_3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?([Zz]|[+-]\d\d:?\d\d)", re.ASCII)
_CLOCK = r"(?P<clock>\d{1,2}:\d\d(?::\d\d)?)(?:[.,](?P<fraction>\d{1,30}))?"
# Go prints `+0000 UTC` and `m=+0.1`, Java `+01:00[Europe/Berlin]`, PostgreSQL `+01`, Wazuh `+01.00`.
_ZONE = (
    r"(?: ?(?P<offset>[Zz]|[+-]\d\d(?:[:.]?\d\d)?))?(?: ?(?P<zone>(?![AP]M\b)[A-Z]{2,5}))?"
    r"(?:\[[\w/+-]{1,40}\])?(?: m=[+-][\d.]{1,30})?"
)
_ISO = re.compile(
    r"(?P<year>\d{4})(?P<sign>[-/.])(?P<month>\d{1,2})(?P=sign)(?P<day>\d{1,2})[Tt ]" + _CLOCK + _ZONE, re.ASCII
)
_BASIC_ISO = re.compile(
    r"(\d{4})(\d\d)(\d\d)[Tt]?(\d\d)(\d\d)(\d\d)(?:[.,](\d{1,30}))?([Zz]|[+-]\d\d:?\d\d)?", re.ASCII
)
# RFC 3164 with what devices put around it: Cisco's mark of an unsure clock, a weekday, a year in one of three places.
_BSD = re.compile(
    r"[*.]?(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? )?(?:(?P<year_first>\d{4}) )?(?P<month>[A-Za-z]{3}) +(?P<day>\d{1,2})"
    r"(?: (?P<year>\d{4}))? " + _CLOCK + _ZONE + r"(?: (?P<year_last>\d{4}))?",
    re.ASCII,
)
_NUMBER = re.compile(r"\d{1,20}(?:\.\d{1,20})?(?:[eE]\+?\d{1,2})?", re.ASCII)
# What is left to dateutil: a day, a month, a year, an hour and a minute, each once, for it would make up the missing.
_WEEKDAY = r"(?i:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}"
_MONTH = rf"(?i:{'|'.join(MONTHS)})[a-z]{{0,6}}\.?"
_LOCALE = re.compile(
    rf"(?:{_WEEKDAY}\.?,? )?"
    r"(?:\d{1,2}(?P<sign>[./-])\d{1,2}(?P=sign)\d{4}|\d{4}(?P<after>[/-])\d{1,2}(?P=after)\d{1,2}"
    rf"|{_MONTH} \d{{1,2}},? \d{{4}}|\d{{1,2}}\.?[ -]{_MONTH},?[ -]\d{{4}}),?(?: at)? "
    r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?: ?[AaPp][Mm])?(?: ?(?:[+-]\d\d:?\d\d|[A-Z]{2,5}))?",
    re.ASCII,
)
_APACHE = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):", re.ASCII)
# `+0100 CET`, `GMT+0100 (Central European Standard Time)`: the zone said twice.
_ZONE_AGAIN = re.compile(r"(?:UTC|GMT)?([+-]\d\d:?\d\d)(?: [A-Z]{2,5})?(?: \([\w ]{1,50}\))?\Z", re.ASCII)
# Epochs by their length; each unit covers 1973 to 5138. Shorter numbers are dates without a sign, uptimes or counters.
_EARLIEST = 10**8
_UNITS = ((10**11, 6), (10**14, 3), (10**17, 0), (10**20, -3))
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_YEAR = 2200
_LEAP_MINUTE, _LEAP_SECOND = (23, 59), 60
_GO_ZERO = "0001-01-01"
_LONGEST = 100


def read_time(value: Any, now: datetime, zone: tzinfo) -> tuple[datetime | None, tuple[Note, ...]]:
    """The moment in UTC that a sender's text or number stands for, and what had to be assumed.

    `now` is the time of receipt, for texts without a year; `zone` is assumed for texts without one. None for what
    cannot be read, with the note that says so: an event is never given up for its clock.
    """
    at: datetime | None = None
    notes: tuple[Note, ...] = ()
    if value is None or (isinstance(value, str) and _says_nothing(value)):
        return None, (Note.TIMESTAMP_MISSING,)
    if isinstance(value, int | float) and not isinstance(value, bool):
        at = _epoch(value)
    elif isinstance(value, str) and len(value) <= _LONGEST:
        at, notes = _text(" ".join(value.split()), now, zone)
    return (at, notes) if at else (None, (Note.TIMESTAMP_UNREADABLE,))


def time_of(text: str) -> datetime | None:
    """An RFC 3339 time in UTC; digits beyond the microsecond are cut. None if there is no such time."""
    parts = _RFC_3339.fullmatch(text)
    if not parts:
        return None
    try:
        return _meant(datetime.fromisoformat(text).astimezone(UTC))
    except (ValueError, OverflowError):  # a leap second or a lower-case z; or no time at all
        date, clock, fraction, offset = parts.groups()
        return moment(_numbers(date, "-"), clock, fraction, offset_of(offset))


def moment(date: tuple[int, int, int], clock: str, fraction: str | None, zone: tzinfo | None) -> datetime | None:
    """The moment in UTC, of a year, month, day and `hh:mm` or `hh:mm:ss`; None if there is no such time.

    A leap second (23:59:60 in UTC) is the first of the next day.
    """
    if zone is None:
        return None
    hour, minute, second = (*(int(part) for part in clock.split(":")), 0)[:3]
    microsecond = int(f"{fraction or '':0<6}"[:6])
    is_leap = second == _LEAP_SECOND
    try:
        local = datetime(*date, hour, minute, 59 if is_leap else second, microsecond, tzinfo=zone)
        at = local.astimezone(UTC)
        if is_leap:
            return at + timedelta(seconds=1) if (at.hour, at.minute) == _LEAP_MINUTE else None
    except (ValueError, OverflowError):
        return None
    return _meant(at)


def without_year(
    month: int, day: int, clock: str, fraction: str | None, now: datetime, zone: tzinfo
) -> datetime | None:
    """RFC 3164 names no year: it is the latest one which is not more than a day ahead of now.

    Years before the last are not tried: a February 29 then was of another clock.
    """
    for year in (now.year + 1, now.year, now.year - 1):
        at = moment((year, month, day), clock, fraction, zone)
        if at and at - now <= FURTHEST_AHEAD:
            return at
    return None


def offset_of(text: str) -> tzinfo | None:
    """The zone of `Z`, `+01`, `+0100`, `+01:00` or `+01.00`; None if there is no such offset."""
    if text in "Zz":
        return UTC
    hours, minutes = int(text[1:3]), int(text[3:].strip(":.") or 0)
    if hours > 23 or minutes > 59:  # noqa: PLR2004 - of a clock
        return None
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)


def zone_named(name: str) -> tzinfo | None:
    """The zone of an abbreviation such as CEST; None where it stands for none, or for several."""
    hours = _ZONES.get(name)
    return None if hours is None else timezone(timedelta(hours=hours))


def _says_nothing(text: str) -> bool:
    """Go's zero time stands for none, too."""
    return text.strip() in {"", "-"} or text.startswith(_GO_ZERO)


def _epoch(number: float | Decimal) -> datetime | None:
    if not _EARLIEST <= number < _UNITS[-1][0]:  # neither is true of a NaN
        return None
    exact = Decimal(repr(number)) if isinstance(number, float) else Decimal(number)
    to_microseconds = next(power for limit, power in _UNITS if number < limit)
    at = _FIRST + timedelta(microseconds=int(exact.scaleb(to_microseconds)))
    return at if at.year <= _LATEST_YEAR else None


def _text(text: str, now: datetime, zone: tzinfo) -> tuple[datetime | None, tuple[Note, ...]]:
    iso = _ISO.fullmatch(text)
    if iso:
        date = (int(iso["year"]), int(iso["month"]), int(iso["day"]))
        return _zoned(date, iso, zone)
    basic = _BASIC_ISO.fullmatch(text)
    if basic:
        return _from_basic_iso(basic, zone)
    if _NUMBER.fullmatch(text):
        return _epoch(Decimal(text)), ()
    bsd = _BSD.fullmatch(text)
    if bsd and bsd["month"].title() in MONTHS:
        return _from_bsd(bsd, now, zone)
    return _by_dateutil(_ZONE_AGAIN.sub(r"\1", _APACHE.sub(r"\1 \2 \3 ", text)), zone)


def _zoned(
    date: tuple[int, int, int], parts: re.Match[str], assumed: tzinfo
) -> tuple[datetime | None, tuple[Note, ...]]:
    """The moment of a date and the clock and zone that are among the parts."""
    zone, notes = _zone(parts, assumed)
    return moment(date, parts["clock"], parts["fraction"], zone), notes


def _zone(parts: re.Match[str], assumed: tzinfo) -> tuple[tzinfo | None, tuple[Note, ...]]:
    """The zone that is told by an offset or a name, else the assumed one with a note; None for an impossible offset."""
    if parts["offset"]:
        return offset_of(parts["offset"]), ()
    named = zone_named(parts["zone"]) if parts["zone"] else None
    return (named, ()) if named else (assumed, (Note.TIMESTAMP_WITHOUT_ZONE,))


def _from_basic_iso(parts: re.Match[str], assumed: tzinfo) -> tuple[datetime | None, tuple[Note, ...]]:
    """`20241026T232039Z`; 14 digits are no epoch of this century."""
    year, month, day, hour, minute, second, fraction, offset = parts.groups()
    zone = offset_of(offset) if offset else assumed
    at = moment((int(year), int(month), int(day)), f"{hour}:{minute}:{second}", fraction, zone)
    return at, () if offset else (Note.TIMESTAMP_WITHOUT_ZONE,)


def _from_bsd(parts: re.Match[str], now: datetime, assumed: tzinfo) -> tuple[datetime | None, tuple[Note, ...]]:
    month, day = MONTHS.index(parts["month"].title()) + 1, int(parts["day"])
    year = parts["year"] or parts["year_first"] or parts["year_last"]
    if year:
        return _zoned((int(year), month, day), parts, assumed)
    zone, notes = _zone(parts, assumed)
    at = without_year(month, day, parts["clock"], parts["fraction"], now, zone) if zone else None
    return at, (Note.TIMESTAMP_WITHOUT_YEAR, *notes)


def _by_dateutil(text: str, assumed: tzinfo) -> tuple[datetime | None, tuple[Note, ...]]:
    form = _LOCALE.fullmatch(text)
    if not form:
        return None, ()
    # Slashes are American unless the first number is no month; dots and hyphens put the day first.
    day_first = form["sign"] is not None and form["sign"] != "/"
    try:
        found, again = (
            dateutil_parser.parse(text, default=default, dayfirst=day_first, tzinfos=_tzinfo)
            for default in (datetime(2000, 1, 1), datetime(2001, 2, 2, 1, 1))  # noqa: DTZ001 - texts name the zone
        )
        if found != again:  # something was missing
            return None, ()
        if found.tzinfo is None:
            return _meant(found.replace(tzinfo=assumed).astimezone(UTC)), (Note.TIMESTAMP_WITHOUT_ZONE,)
        return _meant(found.astimezone(UTC)), ()
    except (ValueError, OverflowError, TypeError):
        return None, ()


def _tzinfo(name: str | None, offset_s: int | None) -> tzinfo | None:
    """For dateutil, which would look names up in the zone of the machine."""
    return zone_named(name) if name else timezone(timedelta(seconds=offset_s or 0)) if offset_s is not None else None


def _numbers(date: str, sign: str) -> tuple[int, int, int]:
    year, month, day = date.split(sign)
    return int(year), int(month), int(day)


def _meant(at: datetime) -> datetime | None:
    """Go's zero time stands for none."""
    return at if at.year > 1 else None
