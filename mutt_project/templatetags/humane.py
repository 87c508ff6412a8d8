"""Numbers as people read them: rates, durations, shares."""

from datetime import datetime
from urllib.parse import urlencode

from django import template

from rules.unmatched_kinds import Kind

register = template.Library()

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


@register.filter
def rate(per_s: float) -> str:
    """Events a second: with a decimal only where that tells something."""
    if per_s == 0:
        return "0"
    if per_s < 0.1:  # noqa: PLR2004 - less than that is a few a minute
        return f"{per_s:.2f}"
    return f"{per_s:.1f}" if per_s < 10 else f"{per_s:,.0f}"  # noqa: PLR2004 - two digits tell enough


@register.filter
def duration(seconds: float | None) -> str:
    """Seconds as 80 ms, 2.5 s, 4 min, 3 h 20 min, 2 d."""
    if seconds is None:
        return "unknown"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    if seconds < _HOUR:
        return f"{seconds // _MINUTE:.0f} min"
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR:.0f} h {seconds % _HOUR // _MINUTE:.0f} min"
    return f"{seconds // _DAY:.0f} d"


@register.filter
def percent(share: float) -> str:
    """A share as 99.95 %; not rounded up to 100."""
    shown = f"{share * 100:.2f}".rstrip("0").rstrip(".")
    return "99.99 %" if shown == "100" and share < 1 else f"{shown} %"


@register.filter
def spaced(name: str) -> str:
    """The name of a check in words."""
    return name.replace("_", " ")


@register.filter
def seconds_from(later: datetime, now: datetime) -> float:
    """How many seconds it is until then; 0 where it is past."""
    return max(0.0, (later - now).total_seconds())


@register.simple_tag
def draft_query(kind: Kind) -> str:
    """The query of the form for a new rule that begins as one for this kind."""
    return urlencode({**kind.draft, "event": str(kind.event_id)})
