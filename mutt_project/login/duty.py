"""Where a second factor is a duty, who has none can do nothing but set one up."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from ingest.problems import Problem
from mutt_project.login.provider import BACKEND

_ALWAYS = ("second-factor", "admin:logout", "admin:login", "login-code", "api-login", "api-logout", "admin:jsi18n")


class SecondFactorDutyMiddleware:
    """Holds for sessions alone: keys are no people, and who comes by the provider was asked for a code there."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.MUTT_TOTP != "required" or not _lacks_it(request):
            return self._get_response(request)
        if request.path in {reverse(name) for name in _ALWAYS}:
            return self._get_response(request)
        if request.path.startswith("/api/"):
            detail = f"This account needs a second factor first: set it up at {reverse('second-factor')}."
            return Problem(403, "A second factor is missing", detail).response()
        return HttpResponseRedirect(reverse("second-factor"))


def _lacks_it(request: HttpRequest) -> bool:
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return False
    try:
        if not request.user.is_authenticated or request.session.get(BACKEND_SESSION_KEY) == BACKEND:
            return False
        return not request.user.is_verified()  # type: ignore[attr-defined] # django-otp's middleware adds it
    except (OperationalError, InterfaceError):  # the view tells it in its own way
        return False
