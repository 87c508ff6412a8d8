"""Reading settings from the environment, failing loudly: what is missing or wrong, and how to mend it."""

import logging
import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Read:
    """How a variable was read: docs/settings.md is made of it."""

    default: Any
    read: Callable[[str], Any]


READ: dict[str, Read] = {}
THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}  # as hosts of addresses that may be without TLS
_MOST_DAYS = 36_600


def required(name: str) -> str:
    """A variable that must be set; what stands around it (the line's end of a file) does not belong to it."""
    value = os.environ.get(name, "").strip()
    if not value:
        raise ImproperlyConfigured(f"The environment variable {name} is not set. See docs/settings.md.")
    return value


def optional(name: str, default: T, read: Callable[[str], T]) -> T:
    """A variable with a default; `read` turns its text into the value."""
    READ[name] = Read(default, read)
    text = os.environ.get(name)
    if text is None or text == "":
        return default
    try:
        return read(text)
    except ValueError as error:
        raise ImproperlyConfigured(f"The environment variable {name} cannot be used: {error}") from error


def below(low_name: str, low: float, high_name: str, high: float) -> None:
    """A low mark must be below its high one. Raises ImproperlyConfigured."""
    if not low < high:
        raise ImproperlyConfigured(
            f"{low_name} is {low} and must be below {high_name}, which is {high}: set one of the two environment "
            "variables, or both, so that what closes at the high mark opens again at the low one."
        )


_TAKES: dict[Callable[[str], Any], str] = {int: "a whole number", str: "text"}


def boolean(text: str) -> bool:
    words = {
        "1": True,
        "true": True,
        "yes": True,
        "on": True,
        "0": False,
        "false": False,
        "no": False,
        "off": False,
    }
    try:
        return words[text.strip().lower()]
    except KeyError:
        raise ValueError(f"“{text}” is neither true nor false") from None


def comma_separated(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"“{text}” is none of {', '.join(words)}")
        return text

    _TAKES[read] = ", ".join(words)
    return read


def log_level(text: str) -> str:
    """As logging knows it."""
    known = logging.getLevelNamesMapping()
    if text not in known:
        raise ValueError(f"“{text}” is none of {', '.join(known)}")
    return text


def positive(text: str) -> float:
    number = float(text)
    if not 0 < number < math.inf:
        raise ValueError(f"“{text}” is no number above 0")
    return number


def zero_or_more(text: str) -> float:
    number = float(text)
    if not 0 <= number < math.inf:
        raise ValueError(f"“{text}” is no number from 0 upwards")
    return number


def up_to_one(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 1:
        raise ValueError(f"“{text}” is no number from 0 to 1")
    return number


def at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(f"“{text}” is no whole number above 0")
    return number


def days(text: str) -> int:
    number = int(text)
    if not 0 <= number <= _MOST_DAYS:
        raise ValueError(f"“{text}” is no number of days from 0 to {_MOST_DAYS:,}")
    return number


def share(text: str) -> float:
    number = float(text)
    if not 0 < number <= 1:
        raise ValueError(f"“{text}” is no share above 0 and up to 1, such as 0.7")
    return number


def networks(text: str) -> list[IPv4Network | IPv6Network]:
    found = []
    for part in comma_separated(text):
        try:
            found.append(ip_network(part))
        except ValueError:
            raise ValueError(f"“{part}” is no address or network, such as 10.1.2.3 or 10.1.0.0/16") from None
    return found


def web_address(text: str) -> str:
    """An address by https; by http only on this machine."""
    parts = urlsplit(text)
    if parts.scheme == "http" and parts.hostname in THIS_MACHINE:
        return text
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc:
        raise ValueError(f"“{text[:200]}” is no address such as https://login.example.net")
    return text


def roles_by_group(text: str) -> dict[str, str]:
    found = {}
    for part in comma_separated(text):
        group, _, role = (piece.strip() for piece in part.rpartition("="))
        if not group or role not in _ROLES:
            raise ValueError(f"“{part}” is not like network-team=editor; roles are {', '.join(_ROLES)}")
        found[group] = f"MUTT {role}"
    return found


_ROLES = ("viewer", "editor", "operator", "admin")
_RATE = re.compile(r"[1-9][0-9]{0,8}/(second|minute|hour|day)")


def rate(text: str) -> str:
    if not _RATE.fullmatch(text):
        raise ValueError(f"“{text}” is no rate such as 100/second (or minute, hour, day)")
    return text


def rates(text: str) -> list[str]:
    return [rate(part) for part in comma_separated(text)]


def seconds_by_name(text: str) -> dict[str, int]:
    found = {}
    for part in comma_separated(text):
        name, _, seconds = part.partition("=")
        if not seconds.isdecimal() or not int(seconds):
            raise ValueError(f"“{part}” is not like solarwinds=60")
        found[name.strip()] = int(seconds)
    return found


def time_zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"“{text}” is no time zone of the tz database, such as Europe/Berlin") from None


_TAKES |= {
    boolean: "true or false",
    positive: "above 0",
    zero_or_more: "0 or more",
    up_to_one: "0 to 1",
    at_least_one: "a whole number, 1 or more",
    days: f"0 to {_MOST_DAYS:,} days",
    share: "above 0 to 1",
    networks: "addresses or networks",
    web_address: "an https address",
    roles_by_group: "group=role,…",
    rate: "such as 100/second (or minute, hour, day)",
    rates: "such as 50/hour,200/day",
    seconds_by_name: "name=seconds,…",
    time_zone: "a time zone",
    log_level: "a level",
}


def takes(read: Callable[[str], Any]) -> str:
    """What a reader takes, in words."""
    return _TAKES[read]
