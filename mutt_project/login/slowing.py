"""Guessing passwords of one name gets slower with each failure, from however many addresses it is done.

Nobody is made to wait in a thread: who comes too early is told when to come again. A browser that has logged in before
has counters of its own (OWASP calls this device cookies), so that a stranger's failures do not keep it out.
"""

import math
import time
from contextlib import suppress
from hashlib import sha256

from django.contrib.auth import get_user_model
from django.core.cache import cache

from mutt_project.login.unlocking import counted_as

FREE_FAILURES = 3
LONGEST_WAIT_S = 60
FORGOTTEN_AFTER_S = 60 * 60


def subject_of(username: str) -> str:
    """The name as counters know it; Redis need not know what people type."""
    normal = get_user_model().normalize_username(username).casefold()
    return sha256(normal.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def wait_after(failures: int) -> int:
    """Seconds between an attempt and the next: 1 after the third failure, then 2, 4 … and 60 at most."""
    doublings = failures - FREE_FAILURES
    return 0 if doublings < 0 else min(LONGEST_WAIT_S, 2 ** min(doublings, LONGEST_WAIT_S))


def take_turn(username: str, device: str) -> int:
    """Count an attempt as failed until `forgive` takes it back; or, if it comes too early, the seconds to wait."""
    count, hold = _keys(username, device)
    cache.add(count, 0, FORGOTTEN_AFTER_S)
    failures = _add(count, 1)
    cache.touch(count, FORGOTTEN_AFTER_S)
    pause_s = wait_after(failures)
    now = time.time()
    # Only one of several at the same moment can put the hold there.
    if not pause_s and not cache.get(hold):
        return 0
    if pause_s and cache.add(hold, now + pause_s, pause_s):
        return 0
    _add(count, -1)
    return max(1, math.ceil((cache.get(hold) or now) - now))


def forgive(username: str, device: str) -> None:
    for key in _keys(username, device):
        cache.delete(key)


def _keys(username: str, device: str) -> tuple[str, str]:
    who = f"{counted_as(subject_of(username))}|{device}"
    return f"login:failures:{who}", f"login:hold:{who}"


def _add(key: str, number: int) -> int:
    with suppress(ValueError):  # it has just been forgotten
        return cache.incr(key, number)
    return 0
