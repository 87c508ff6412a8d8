"""When sessions begin and end. Django ends them with a password change, since they hold a hash of the password's."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib import auth
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponseBase

_BEGAN, _SEEN = "mutt_began_at", "mutt_seen_at"
_NOTED_EVERY = 20  # so many times in an idle time: not each request writes

logger = logging.getLogger(__name__)


def begin_session(request: HttpRequest, user: Any, backend: str | None = None) -> datetime:
    """Log in under a new session id; the moment at which the session ends even if it is used."""
    auth.login(request, user, backend)
    now = int(time.time())
    request.session[_BEGAN] = request.session[_SEEN] = now
    return datetime.fromtimestamp(now + settings.MUTT_SESSION_MAX_S, UTC)


class SessionEndMiddleware:
    """Ends sessions that nobody has used for MUTT_SESSION_IDLE_S, or that are older than MUTT_SESSION_MAX_S."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            try:
                _look_at(request)
            except (OperationalError, InterfaceError) as error:  # the view tells it in its own way
                logger.warning("the session was not looked at: %s", type(error).__name__)
        return self._get_response(request)


def _look_at(request: HttpRequest) -> None:
    session, now = request.session, int(time.time())
    if auth.SESSION_KEY not in session:
        return
    began, seen = session.setdefault(_BEGAN, now), session.setdefault(_SEEN, now)
    if now - began >= settings.MUTT_SESSION_MAX_S or now - seen >= settings.MUTT_SESSION_IDLE_S:
        auth.logout(request)
    elif now - seen >= settings.MUTT_SESSION_IDLE_S / _NOTED_EVERY:
        session[_SEEN] = now
