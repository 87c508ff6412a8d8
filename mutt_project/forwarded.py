"""What only a proxy may say of a request is believed of our own proxies alone."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from ingest.addresses import comes_from_proxy

_SAID_BY_PROXIES = (
    *("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST"),
    *("HTTP_X_FORWARDED_PORT", "HTTP_X_REAL_IP"),
)


class ForwardedMiddleware:
    """Takes forwarded headers away from requests that come from elsewhere, before anybody reads them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not comes_from_proxy(request):
            for name in _SAID_BY_PROXIES:
                request.META.pop(name, None)
        return self._get_response(request)
