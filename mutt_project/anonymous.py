"""How often the API answers somebody whom it does not know, with a wrong key or with none."""

from collections.abc import Callable

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from audit.tuning.present import tuned
from ingest.authentication import KeysUnavailableError, caller_of
from ingest.problems import Problem
from mutt_project import limits

API = "/api/"
LOGIN = "/api/v1/auth/login"


class AnonymousLimitMiddleware:
    """Counts requests to the API that bear neither a known key nor a session."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith(API) and not _logs_in(request) and _is_anonymous(request):
            wait_s = limits.wait_s(request, "anonymous", tuned.MUTT_ANONYMOUS_RATES)
            if wait_s:
                rates = " and ".join(tuned.MUTT_ANONYMOUS_RATES)
                detail = f"Without a valid API key {rates} requests are answered. Send a key, or come again later."
                return Problem(429, "Too many requests without a key", detail, retry_after_s=wait_s).response()
        return self._get_response(request)


def _logs_in(request: HttpRequest) -> bool:
    """Logging in has a limit of its own."""
    return request.path == LOGIN and request.method == "POST"


def _is_anonymous(request: HttpRequest) -> bool:
    """False, too, where PostgreSQL does not tell: the view says so in its own way."""
    try:
        caller = caller_of(request)
        is_good = caller is not None and not caller.signing_secrets and not caller.has_expired(timezone.now())
        return not is_good and not _has_session(request)
    except (KeysUnavailableError, OperationalError, InterfaceError):
        return False


def _has_session(request: HttpRequest) -> bool:
    return settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated
