"""Tells whoever calls a deprecated operation that it is one, and counts who still does."""

import logging
import threading
import time
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponseBase
from prometheus_client import Counter
from structlog.contextvars import get_contextvars

from ingest.authentication import Caller
from mutt_project.deprecations import Deprecation, deprecation_of

TOLD_EVERY_S = 3600.0
_MOST_TOLD = 1000

REQUESTS = Counter(
    "mutt_deprecated_requests_total", "Requests for deprecated operations, by API key.", ["operation", "api_key"]
)
logger = logging.getLogger(__name__)


class DeprecationMiddleware:
    """Headers for the caller; a count, and now and then a line in the log, for the operator."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._lock = threading.Lock()
        self._told: dict[tuple[str, str], float] = {}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        match = request.resolver_match
        if match is None:
            return response
        ending = f".{match.kwargs['format']}" if match.kwargs.get("format") else ""
        captured = {str(value) for value in match.kwargs.values()}
        found = deprecation_of(request.method or "", request.path_info.removesuffix(ending), captured)
        if found:
            deprecation, values = found
            headers = deprecation.headers(values)
            if "Link" in response.headers:
                headers["Link"] = f"{response.headers['Link']}, {headers['Link']}"
            for name, value in headers.items():
                response.headers[name] = value
            self._note(deprecation, request)
        return response

    def _note(self, deprecation: Deprecation, request: HttpRequest) -> None:
        key = _api_key(request)
        REQUESTS.labels(deprecation.operation, key).inc()
        who = f"API key {key}" if key else _person(request)
        now = time.monotonic()
        with self._lock:
            if now - self._told.get((deprecation.operation, who), -TOLD_EVERY_S) < TOLD_EVERY_S:
                return
            if len(self._told) >= _MOST_TOLD:
                self._told.clear()
            self._told[deprecation.operation, who] = now
        logger.warning("%s is deprecated, and is used by %s", deprecation.operation, who)


def _api_key(request: HttpRequest) -> str:
    """The name of the key, as the API and the webhook have found it; empty where there is none."""
    user = getattr(request, "user", None)
    return user.name if isinstance(user, Caller) else str(get_contextvars().get("api_key", ""))


def _person(request: HttpRequest) -> str:
    user = getattr(request, "user", None)
    try:
        return (user.get_username() if user else "") or "somebody without a key"
    except (OperationalError, InterfaceError):
        return "somebody"
