"""Times as senders write them: RFC 3339, epochs, RFC 3164 without a year, and what servers print in their locale."""

import math
import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

from dateutil import parser as dateutil_parser

from audit.notes import Note

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
FURTHEST_AHEAD = timedelta(days=1)

_RFC_3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?:([Zz])|([+-])(\d\d):?(\d\d))?", re.ASCII
)
_RFC_3164 = re.compile(
    r"(?:(?P<year_first>\d{4}) )?(?P<month>[A-Z][a-z]{2}) +(?P<day>\d{1,2})(?: (?P<year>\d{4}))?"
    r" (?P<clock>\d{1,2}:\d\d:\d\d)(?:\.(?P<fraction>\d+))?(?: (?P<year_last>\d{4}))?",
    re.ASCII,
)
_NUMBER = re.compile(r"\d{1,20}(?:\.\d{1,20})?", re.ASCII)
# What is left to dateutil must at least hold a year, a time of day and little else: it would read “10” as a date.
_LIKE_A_DATE = re.compile(r"(?=.*\b\d{4}\b)(?=.*\b\d{1,2}:\d\d\b)[\w\s:.,/+()-]{10,60}")
# Epochs by their length: up to the year 5138 in seconds, then milli-, micro- and nanoseconds.
_UNITS = ((1e11, 1), (1e14, 1e3), (1e17, 1e6), (math.inf, 1e9))
_LONGEST = 100


def read_time(value: Any, now: datetime, zone: tzinfo) -> tuple[datetime | None, tuple[Note, ...]]:
    """The moment in UTC that a sender's text or number stands for, and what had to be assumed.

    `now` is the time of receipt, for texts without a year; `zone` is assumed for texts without one. None for what
    cannot be read, with the note that says so: an event is never given up for its clock.
    """
    if value is None or (isinstance(value, str) and value.strip() in {"", "-"}):
        return None, (Note.TIMESTAMP_MISSING,)
    moment, notes = None, ()
    if isinstance(value, int | float) and not isinstance(value, bool):
        moment = _epoch(value)
    elif isinstance(value, str) and len(value) <= _LONGEST:
        moment, notes = _text(value.strip(), now, zone)
    return (moment, notes) if moment else (None, (Note.TIMESTAMP_UNREADABLE,))


def time_of(text: str) -> datetime | None:
    """An RFC 3339 time in UTC; digits beyond the microsecond are cut. None if there is no such time."""
    parts = _RFC_3339.fullmatch(text)
    return _from_rfc_3339(parts, None) if parts else None


def moment(date: tuple[int, int, int], clock: str, fraction: str | None, zone: tzinfo) -> datetime | None:
    """The moment in UTC, of a year, month, day and `hh:mm:ss`; None if there is no such time."""
    hour, minute, second = (int(part) for part in clock.split(":"))
    microsecond = int(f"{fraction or '':0<6}"[:6])
    try:
        return datetime(*date, hour, minute, second, microsecond, zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def without_year(
    month: int, day: int, clock: str, fraction: str | None, now: datetime, zone: tzinfo
) -> datetime | None:
    """RFC 3164 names no year: it is the latest one which is not more than a day ahead of now."""
    for year in (now.year + 1, now.year, now.year - 1):
        at = moment((year, month, day), clock, fraction, zone)
        if at and at <= now + FURTHEST_AHEAD:
            return at
    return None


def _epoch(number: float) -> datetime | None:
    if not math.isfinite(number) or number < 1:
        return None
    per_second = next(divisor for limit, divisor in _UNITS if number < limit)
    try:
        return datetime.fromtimestamp(number / per_second, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _text(text: str, now: datetime, zone: tzinfo) -> tuple[datetime | None, tuple[Note, ...]]:
    if _NUMBER.fullmatch(text):
        return _epoch(float(text)), ()
    iso = _RFC_3339.fullmatch(text)
    if iso:
        zoned = bool(iso[8] or iso[9])
        return _from_rfc_3339(iso, zone), () if zoned else (Note.TIMESTAMP_WITHOUT_ZONE,)
    bsd = _RFC_3164.fullmatch(text)
    if bsd and bsd["month"] in MONTHS:
        return _from_rfc_3164(bsd, now, zone)
    return _by_dateutil(text, zone)


def _from_rfc_3339(parts: re.Match[str], zone: tzinfo | None) -> datetime | None:
    year, month, day, hour, minute, second = (int(part) for part in parts.groups()[:6])
    fraction, z, sign, offset_hours, offset_minutes = parts.groups()[6:]
    if not (z or sign) and zone is None:
        return None
    microsecond = int((fraction or "0")[:6].ljust(6, "0"))
    try:
        if z or sign:
            offset = timedelta(hours=int(offset_hours or 0), minutes=int(offset_minutes or 0))
            zone = timezone(-offset if sign == "-" else offset)
        return _meant(datetime(year, month, day, hour, minute, second, microsecond, tzinfo=zone).astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def _from_rfc_3164(parts: re.Match[str], now: datetime, zone: tzinfo) -> tuple[datetime | None, tuple[Note, ...]]:
    month, day = MONTHS.index(parts["month"]) + 1, int(parts["day"])
    year = parts["year"] or parts["year_first"] or parts["year_last"]
    if year:
        at = moment((int(year), month, day), parts["clock"], parts["fraction"], zone)
        return at, (Note.TIMESTAMP_WITHOUT_ZONE,)
    at = without_year(month, day, parts["clock"], parts["fraction"], now, zone)
    return at, (Note.TIMESTAMP_WITHOUT_YEAR, Note.TIMESTAMP_WITHOUT_ZONE)


def _by_dateutil(text: str, zone: tzinfo) -> tuple[datetime | None, tuple[Note, ...]]:
    if not _LIKE_A_DATE.fullmatch(text):
        return None, ()
    # Go prints “2025-02-15 14:59:03 +0000 UTC”: the zone twice, which dateutil takes for a double negation.
    text = re.sub(r"([+-]\d{4}) [A-Z]{2,5}$", r"\1", text)
    try:
        found = dateutil_parser.parse(text)
        if found.tzinfo is None:
            return _meant(found.replace(tzinfo=zone).astimezone(UTC)), (Note.TIMESTAMP_WITHOUT_ZONE,)
        return _meant(found.astimezone(UTC)), ()
    except (ValueError, OverflowError, TypeError):
        return None, ()


def _meant(at: datetime) -> datetime | None:
    """Go's zero time stands for none."""
    return at if at.year > 1 else None
