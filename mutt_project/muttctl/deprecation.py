"""Says once what MUTT says in its headers: that an operation is on its way out (RFC 9745, RFC 8594)."""

import email.utils
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from urllib.parse import urlsplit

import click

from mutt_project.muttctl.output import one_line


def note_deprecation(method: str, target: str, headers: Mapping[str, str]) -> None:
    """Warn on stderr if an answer says that what was asked is deprecated."""
    said = warning(method, target, headers)
    if said:
        say_once(said)


def warning(method: str, target: str, headers: Mapping[str, str]) -> str:
    """What to tell whoever runs muttctl; empty where nothing is deprecated."""
    since = re.fullmatch(r"@(\d{1,11})", headers.get("Deprecation", "").strip())
    if not since:
        return ""
    said = f"Warning: {method} {one_line(urlsplit(target).path)} of MUTT is deprecated since {_day(int(since[1]))}"
    with suppress(ValueError, TypeError, OverflowError):
        sunset = email.utils.parsedate_to_datetime(headers.get("Sunset", ""))
        said += f", and may be gone after {sunset.astimezone(UTC):%Y-%m-%d}"
    return f"{said}. A newer muttctl does without it."


def _day(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


@cache
def say_once(text: str) -> None:
    click.echo(text, err=True)
