"""Headers of every answer that Django and its libraries do not set."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

_HEADERS = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",  # SecurityMiddleware sets it, but on no answer that comes before it
    "Cache-Control": "no-store",  # what MUTT tells is for who asked; static files bring their own
}


class AnswerHeadersMiddleware:
    """What is not set yet."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response
