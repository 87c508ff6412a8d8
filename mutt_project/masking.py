"""Keeps secrets out of logs: API keys, signing secrets, credentials, and what follows /webhook/<source>/ in a path."""

import logging
import re

MASK = "***"

_HINTS = ("mutt", "whsec", "/webhook/", "basic", "bearer")
_KEY = re.compile(r"mutt(?:_|%5f)[a-z0-9_%-]{16,}", re.IGNORECASE)
_SIGNING_SECRET = re.compile(r"whsec(?:_|%5f)[a-z0-9+/=_%-]{8,}", re.IGNORECASE)
_CREDENTIALS = re.compile(r"\b(basic|bearer)\s+[a-z0-9+/=._~-]{16,}", re.IGNORECASE)
# Up to the end of the line, since a path that Django has decoded may hold blanks; but a quote ends it, and " HTTP/1.1".
_IN_PATH = re.compile(r"(/webhook/+[^\s/?#\"']*/+)(?:(?! HTTP/)[^\"'\n])+", re.IGNORECASE)

_plain = logging.Formatter()


def masked(text: str) -> str:
    """The text with *** where it had a secret."""
    lowered = text.lower()
    if not any(hint in lowered for hint in _HINTS):
        return text
    text = _IN_PATH.sub(rf"\1{MASK}", text)
    text = _KEY.sub(MASK, text)
    text = _SIGNING_SECRET.sub(MASK, text)
    return _CREDENTIALS.sub(rf"\1 {MASK}", text)


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
            if isinstance(value, str):
                setattr(record, name, masked(value))
        return True


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # noqa: BLE001 - a message that cannot be made must not break the code that logs it
        return f"(no message: {type(error).__name__}) {type(record.msg).__name__}: {_own_text(record.msg)}"


def _own_text(message: object) -> str:
    return message if isinstance(message, str) else "?"
