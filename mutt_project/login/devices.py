"""Browsers that have logged in before, known by a signed cookie for each user name."""

from secrets import token_hex

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseBase

from mutt_project.login.slowing import subject_of

_SALT = "mutt.login.device"
_DAYS = 180
_MAX_AGE_S = _DAYS * 24 * 60 * 60

STRANGER = ""


def device_of(request: HttpRequest, username: str) -> str:
    """The device's own id if this name has logged in on it; else STRANGER."""
    subject = subject_of(username)
    try:
        known = signing.loads(request.COOKIES.get(_cookie(subject), ""), salt=_SALT, max_age=_MAX_AGE_S)
    except signing.BadSignature:
        return STRANGER
    return str(known[1]) if known[0] == subject else STRANGER


def remember_device(request: HttpRequest, response: HttpResponseBase, username: str) -> None:
    subject = subject_of(username)
    device = device_of(request, username) or token_hex(16)
    response.set_cookie(
        _cookie(subject),
        signing.dumps([subject, device], salt=_SALT),
        max_age=_MAX_AGE_S,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )


def _cookie(subject: str) -> str:
    return f"mutt_device_{subject[:8]}"
