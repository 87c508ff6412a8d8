"""What only a proxy may say of a request is believed of our own proxies alone."""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from ingest.addresses import comes_from_proxy

logger = logging.getLogger(__name__)

_SAID_BY_PROXIES = (
    *("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST"),
    *("HTTP_X_FORWARDED_PORT", "HTTP_X_REAL_IP"),
)


class ForwardedMiddleware:
    """Takes forwarded headers away from requests that come from elsewhere, before anybody reads them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._told = False

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not comes_from_proxy(request):
            self._take_away(request)
        return self._get_response(request)

    def _take_away(self, request: HttpRequest) -> None:
        said = [name for name in _SAID_BY_PROXIES if request.META.pop(name, None) is not None]
        if said and not self._told:  # once: anybody can send such headers
            self._told = True
            logger.warning(
                "forwarded headers from %s are not believed; if it is your proxy, MUTT_TRUSTED_PROXIES must name it",
                request.META.get("REMOTE_ADDR", ""),
            )
