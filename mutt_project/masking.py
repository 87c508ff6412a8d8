"""Keeps secrets out of logs.

They are API keys, signing secrets, credentials, what follows /webhook/<source>/ in a path, parameters like `api_key`,
and what this process itself was told in its environment.
"""

import logging
import os
import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote, urlsplit

from mutt_project.secrets.names import SECRETS

MASK = "***"

_HINTS = (
    "mutt",
    "whsec",
    "/webhook/",
    "basic",
    "bearer",
    "://",
    "key=",
    "token=",
    "secret=",
    "password=",
    "authorization=",
)
_KEY = re.compile(r"mutt(?:_|%5f)[a-z0-9_%-]{16,}", re.IGNORECASE)
_NAME = re.compile(r"MUTT_[A-Z_]+")  # of a variable: no key is without digits and small letters
_SIGNING_SECRET = re.compile(r"whsec(?:_|%5f)[a-z0-9+/=_%-]{8,}", re.IGNORECASE)
_CREDENTIALS = re.compile(r"\b(basic|bearer)\s+[a-z0-9+/=._~-]{16,}", re.IGNORECASE)
_IN_URL = re.compile(r"(://)[^\s/@\"']*@")
# Nobody is let in by these, but some will try, and whatever they try may open another door.
_IN_QUERY = re.compile(r"([?&][a-z_-]*(?:key|token|secret|password|authorization)=)[^&#\s\"']+", re.IGNORECASE)
# Up to the end of the line, since a path that Django has decoded may hold blanks; but a quote ends it, and " HTTP/1.1".
_IN_PATH = re.compile(r"(/webhook/+[^\s/?#\"']*/+)(?:(?! HTTP/)[^\"'\n])+", re.IGNORECASE)

_SHORTEST = 12  # shorter ones may be words that a log needs
_OF_THE_CODE = {"name", "levelname", "pathname", "filename", "module", "funcName", "threadName", "processName"}
_plain = logging.Formatter()


def _own_secrets(environment: Mapping[str, str]) -> Iterator[str]:
    """What this process itself must not tell."""
    for name in {*SECRETS, "MUTT_VAULT_SECRET_ID", "MUTT_VAULT_WRAPPED_SECRET_ID"} - {"DATABASE_URL", "REDIS_URL"}:
        value = environment.get(name, "").strip()
        yield value
        yield value.partition(":")[2]
    yield from (part.strip() for part in environment.get("MUTT_SECRET_KEY_FALLBACKS", "").split(","))
    for name in ("DATABASE_URL", "REDIS_URL"):
        password = urlsplit(environment.get(name, "")).password or ""
        yield password
        yield unquote(password)


def _long_ones(environment: Mapping[str, str]) -> set[str]:
    return {one for one in _own_secrets(environment) if len(one) >= _SHORTEST}


_own = tuple(sorted(_long_ones(os.environ), key=len, reverse=True))
_lately: tuple[str, ...] = ()


def mask_also(secrets: Mapping[str, str]) -> None:
    """Mask these, by their names in the environment, as well as all that were known before."""
    global _own  # noqa: PLW0603 - what is logged anywhere in the process goes through it
    _own = tuple(sorted({*_own, *_long_ones(secrets)}, key=len, reverse=True))


def mask_texts(*texts: str) -> None:
    """Mask these as well, until twenty others have come: tokens and the like, which have no name."""
    global _lately  # noqa: PLW0603 - as above
    found = tuple(text for text in texts if len(text) >= _SHORTEST and text not in _lately)
    if found:
        _lately = (*_lately, *found)[-20:]


def masked(text: str) -> str:
    """The text with *** where it had a secret."""
    for secret in (*_own, *_lately):
        if secret in text:
            text = text.replace(secret, MASK)
    if text.isalnum() or not _has_hint(text.lower()):  # all that follows looks for a sign as well
        return text
    text = _IN_URL.sub(rf"\1{MASK}@", text)
    text = _IN_PATH.sub(rf"\1{MASK}", text)
    text = _IN_QUERY.sub(rf"\1{MASK}", text)
    text = _KEY.sub(lambda found: found[0] if _NAME.fullmatch(found[0]) else MASK, text)
    text = _SIGNING_SECRET.sub(MASK, text)
    return _CREDENTIALS.sub(rf"\1 {MASK}", text)


def _has_hint(lowered: str) -> bool:
    for hint in _HINTS:  # noqa: SIM110 - it is asked of every text of every line, and `any` takes twice as long
        if hint in lowered:
            return True
    return False


class MaskSecrets(logging.Filter):
    """Passes every record on, with its message, traceback and other texts masked."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.args:
            record.msg, record.args = _message(record), None
        elif not isinstance(record.msg, str):
            record.msg = _message(record)
        if record.exc_info and not record.exc_text:
            record.exc_text = _plain.formatException(record.exc_info)  # what formatters would do; they take this one
        for name, value in vars(record).items():
            if isinstance(value, str) and name not in _OF_THE_CODE:
                setattr(record, name, masked(value))
        return True


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # noqa: BLE001 - a message that cannot be made must not break the code that logs it
        return f"(no message: {type(error).__name__}) {type(record.msg).__name__}: {_own_text(record.msg)}"


def _own_text(message: object) -> str:
    return message if isinstance(message, str) else "?"
