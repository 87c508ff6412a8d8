"""Moments in queries: ISO 8601, or relative to now such as -1h."""

import re
from datetime import UTC, datetime, timedelta

_RELATIVE = re.compile(r"-(\d{1,6})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def moment_of(text: str, now: datetime) -> datetime:
    """The moment that a query names. Raises ValueError with a message for people."""
    relative = _RELATIVE.fullmatch(text.strip())
    if relative:
        number, unit = relative.groups()
        try:
            return now - timedelta(seconds=int(number) * _SECONDS[unit])
        except OverflowError:
            raise ValueError(f"“{text}” reaches back before the calendar begins.") from None
    try:
        moment = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text.strip())
    except ValueError:
        raise ValueError(
            f"“{text}” is no time: use ISO 8601 (2026-11-23T08:30:00Z) or relative (-1h, -30m, -2d)."
        ) from None
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError(f"“{text}” is, in UTC, outside of the calendar.") from None
