"""Signatures of requests by Standard Webhooks 1.0: HMAC-SHA256 over `id.timestamp.body`, in bytes as they came.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import re
import secrets as randomness
from collections.abc import Mapping, Sequence
from datetime import datetime

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
TOLERANCE_S = 5 * 60
SECRET_PREFIX = "whsec_"  # noqa: S105 - what secrets begin with
SHORTEST_SECRET, LONGEST_SECRET = 24, 64  # bytes

_VERSION = "v1"
# No full stop: it separates the parts, and with it one signature would fit several requests.
_ID = re.compile(r"[!-\-/-~]{1,255}")
_SECONDS = re.compile(r"[0-9]{1,12}")


class SignatureError(Exception):
    """The request is not signed as it must be; the message says why, for people."""


def new_secret() -> str:
    """A secret of 256 random bits, in the form that is handed out."""
    return text_of(randomness.token_bytes(32))


def text_of(secret: bytes) -> str:
    """The form in which a secret is handed out."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def bytes_of(text: str) -> bytes:
    """The secret that was handed out as `text`. Raises ValueError."""
    try:
        secret = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except ValueError:
        secret = b""
    if not text.startswith(SECRET_PREFIX) or not SHORTEST_SECRET <= len(secret) <= LONGEST_SECRET:
        raise ValueError(f"A signing secret is “{SECRET_PREFIX}” and 24 to 64 bytes in base64.")
    return secret


def verify(secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """The id of a request that one of `secrets` has signed at most five minutes from `now`. Raises SignatureError."""
    found = {name.lower(): text for name, text in headers.items()}
    if missing := [name for name in (ID, TIMESTAMP, SIGNATURE) if not found.get(name)]:
        raise SignatureError(f"Requests with this key must be signed (Standard Webhooks); missing: {_listed(missing)}.")
    identifier, timestamp = found[ID], found[TIMESTAMP]
    if not _ID.fullmatch(identifier):
        raise SignatureError(f"{ID} must be 1 to 255 visible ASCII characters without a full stop.")
    _check_time(timestamp, now)
    signed = b".".join((identifier.encode(), timestamp.encode(), body))
    given = _signatures(found[SIGNATURE])
    if not given:
        raise SignatureError(f"{SIGNATURE} has no signature of version {_VERSION}: it must be “{_VERSION},<base64>”.")
    expected = [hmac.new(secret, signed, hashlib.sha256).digest() for secret in secrets]
    if not any([hmac.compare_digest(ours, theirs) for ours in expected for theirs in given]):  # noqa: C419 - compare all
        raise SignatureError(
            f"No signature in {SIGNATURE} matches: the secret is another one, or the body was changed after signing."
        )
    return identifier


def _check_time(timestamp: str, now: datetime) -> None:
    if not _SECONDS.fullmatch(timestamp):
        raise SignatureError(f"{TIMESTAMP} must be whole seconds since 1970 in digits.")
    late_s = now.timestamp() - int(timestamp)
    if abs(late_s) <= TOLERANCE_S:
        return
    way = "behind" if late_s > 0 else "ahead of"
    raise SignatureError(
        f"{TIMESTAMP} is {abs(late_s):,.0f} s {way} MUTT's clock; at most {TOLERANCE_S} s are allowed. Sign each"
        " attempt anew, and compare the clocks."
    )


def _signatures(text: str) -> list[bytes]:
    """The signatures of our version; others, and what is no signature, are passed over as the specification asks."""
    pairs = (entry.partition(",") for entry in text.split(" "))
    return [signature for version, _, encoded in pairs if version == _VERSION and (signature := _decoded(encoded))]


def _decoded(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError:
        return b""


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
