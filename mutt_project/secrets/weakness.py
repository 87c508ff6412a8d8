"""What cannot be secret: placeholders that somebody forgot to replace."""

import re
from urllib.parse import unquote, urlsplit

_PLACEHOLDERS = {
    "changeit", "changeme", "default", "dummy", "example", "foobar", "insecure", "letmein", "password", "placeholder",
    "replaceme", "secret", "secretkey", "test", "todo", "topsecret", "yourkey", "yourpassword", "yoursecret",
}  # fmt: skip


def weakness(value: str) -> str:
    """Why nobody should believe that this is secret; empty if it may be. Of a URL its password counts."""
    value = _password_of(value) if "://" in value else value
    if not value:
        return ""
    if value.startswith("django-insecure-"):
        return "was made by Django for development"
    if len(set(value)) == 1:
        return "is one character, again and again"
    if value.startswith("<") or re.sub(r"[\W_0-9]", "", value).lower() in _PLACEHOLDERS:
        return "is a placeholder"
    return ""


def _password_of(url: str) -> str:
    try:
        return unquote(urlsplit(url).password or "")
    except ValueError:
        return ""
