"""A message's signature: what remains when everything that varies between occurrences is taken out."""

import hashlib
import re

# In this order: the longer forms would otherwise be eaten in pieces.
_VARYING = re.compile(
    r"""
      \b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b          # UUID
    | \b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*                    # ISO time
    | \b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b                     # MAC address
    | \b(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}\b                       # MAC address, Cisco's way
    | (?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])   # IPv6 address
    | \b\d{1,3}(?:\.\d{1,3}){3}\b                               # IPv4 address
    | \b0x[0-9a-f]+\b                                           # hexadecimal number
    | \b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b         # hash, session id
    | \d+                                                       # number
    """,
    re.IGNORECASE | re.VERBOSE | re.ASCII,
)
_BLANKS = re.compile(r"\s+")
_LENGTH = 400


def signature_text(message: str) -> str:
    """The message with numbers, addresses and identifiers replaced by `#`, cut to 400 characters."""
    return _BLANKS.sub(" ", _VARYING.sub("#", message[: 4 * _LENGTH])).strip().casefold()[:_LENGTH]


def constant_parts(message: str) -> list[str]:
    """The message without what varies, in the pieces that remain, each on one line."""
    return [line for part in _VARYING.split(message[: 4 * _LENGTH]) for line in part.splitlines()]


def signature(message: str, trap_oid: str | None) -> str:
    """A short hexadecimal name for all events that say the same thing."""
    text = f"{trap_oid or ''}\n{signature_text(message)}"
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()


def object_of(message: str, trap_oid: str | None) -> str:
    """Names the thing that an alert is about: like `signature`, but interface and peer numbers count.

    Two alerts of one rule and host about different ports are two problems; the same message again is not.
    """
    text = f"{trap_oid or ''}\n{_BLANKS.sub(' ', _VOLATILE.sub('', message)).strip().casefold()}"
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()


# Times, measurements, process ids and long counters differ between two occurrences of one problem; every other
# number may name the object: a port, a slot, a peer.
_VOLATILE = re.compile(
    r"""
      \d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*
    | \b\d{1,2}:\d\d:\d\d(?:\.\d+)?\b
    | \[\d+(?:\.\d+)?\]
    | \b\d+(?:\.\d+)?\s?(?:%|(?:percent|ms|secs?|seconds?|minutes?|[kmgt]?b|[kmgt]?bytes|[kmg]?bps|rpm|dbm)\b)
    | \b\d{5,}\b
    """,
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
