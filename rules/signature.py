"""A message's signature: what remains when everything that varies between occurrences is taken out."""

import hashlib
import re

# All that varies begins with one of few characters: an expression that begins with them is looked for where they are,
# and what has to be before the first of them is looked back at. In this order: the longer forms would otherwise be
# eaten in pieces.
_HEX = "[0-9A-Fa-f]"
_VARYING = re.compile(
    rf"""
      [0-9A-Fa-f:]
      (?:
        (?<!\w.)(?<!:)(?:
            {_HEX}{{7}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}\b                        # UUID
          | (?<=\d)\d{{3}}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d\S*                        # ISO time
          | {_HEX}[:-](?:{_HEX}{{2}}[:-]){{4}}{_HEX}{{2}}\b                        # MAC address
          | {_HEX}{{3}}(?:\.{_HEX}{{4}}){{2}}\b                                   # MAC address, Cisco's way
          | (?<=\d)\d{{0,2}}(?:\.\d{{1,3}}){{3}}\b                                # IPv4 address
          | (?<=0)[Xx]{_HEX}+\b                                                  # hexadecimal number
          | (?:(?<=\d)(?={_HEX}*[A-Fa-f])|(?<=[A-Fa-f])(?={_HEX}*\d)){_HEX}{{7,}}\b  # hash, session id
        )
      | (?<![\w:].)(?:(?<=:)|(?<={_HEX}){_HEX}{{0,3}}:)(?:{_HEX}{{0,4}}:){{1,6}}{_HEX}{{0,4}}(?![\w:])  # IPv6 address
      | (?<=\d)\d*                                                              # number
      )
    """,
    re.VERBOSE | re.ASCII,
)
_LENGTH = 400


def signature_text(message: str) -> str:
    """The message with numbers, addresses and identifiers replaced by `#`, cut to 400 characters."""
    return " ".join(_VARYING.sub("#", message[: 4 * _LENGTH]).split()).casefold()[:_LENGTH]


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
    text = f"{trap_oid or ''}\n{' '.join(_VOLATILE.sub('', message).split()).casefold()}"
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()


# Times, measurements, process ids and long counters differ between two occurrences of one problem; every other
# number may name the object: a port, a slot, a peer.
_VOLATILE = re.compile(
    r"""
      [\d\[]
      (?:
        (?<=\d)\d{3}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*
      | (?<=\[)\d+(?:\.\d+)?\]
      | (?<!\w.)(?<=\d)(?:
            \d?:\d\d:\d\d(?:\.\d+)?\b
          | \d*(?:\.\d+)?\s?(?:%|(?:percent|ms|secs?|seconds?|minutes?|[kmgt]?b|[kmgt]?bytes|[kmg]?bps|rpm|dbm)\b)
          | \d{4,}\b
        )
      )
    """,
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
