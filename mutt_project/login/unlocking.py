"""What was counted of an address or a name is forgotten by counting it under another name from then on."""

import time

from django.core.cache import cache

EVERYBODY = "everybody"
_KEPT_S = 2 * 24 * 60 * 60  # longer than anything is counted


def counted_as(subject: str) -> str:
    """The subject (a network, or a user name's hash) as counters know it at present."""
    return f"{subject}|{cache.get(_key(subject), 0)}|{cache.get(_key(EVERYBODY), 0)}"


def unlock(subject: str) -> None:
    """Count anew for this subject, or for EVERYBODY."""
    cache.set(_key(subject), time.time_ns() // 1000, _KEPT_S)


def _key(subject: str) -> str:
    return f"unlocked:{subject}"
