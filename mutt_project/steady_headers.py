"""Headers of answers that are no pages: no nonce is in them, so all have the same."""

from collections.abc import Callable
from typing import Any

from csp.middleware import CSPMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django_permissions_policy import PermissionsPolicyMiddleware

from mutt_project.answer_headers import AnswerHeadersMiddleware

# As in MIDDLEWARE, from the inside out.
_SETTING_HEADERS = (
    PermissionsPolicyMiddleware,
    CSPMiddleware,
    XFrameOptionsMiddleware,
    AnswerHeadersMiddleware,
)


class SteadyHeadersMiddleware:
    """What the middleware for all answers sets, worked out once."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._headers = _of_any_answer()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        for name, value in self._headers:
            response.headers.setdefault(name, value)
        return response


def _of_any_answer() -> list[tuple[str, str]]:
    answer: Any = _empty
    for middleware in _SETTING_HEADERS:
        answer = middleware(answer)
    return [(name, value) for name, value in answer(HttpRequest()).items() if name != "Content-Type"]


def _empty(_: HttpRequest) -> HttpResponse:
    return HttpResponse()
