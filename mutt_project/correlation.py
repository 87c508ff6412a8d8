"""The correlation id of a request: the sender's own or a new one, in what is answered, logged and recorded."""

import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponseBase
from structlog.contextvars import bind_contextvars, clear_contextvars

from audit.ids import new_batch_id
from mutt_project.masking import masked

logger = logging.getLogger(__name__)

HEADER = "X-Correlation-ID"
_USABLE = re.compile(r"[ -~]{1,128}")


class CorrelationMiddleware:
    """Gives each request its id, and its log lines that id alone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        clear_contextvars()
        identifier, why_not = _identifier(request.META.get("HTTP_X_CORRELATION_ID", "").strip())
        bind_contextvars(correlation_id=identifier)
        if why_not:
            logger.info("the sender's %s is not taken: %s", HEADER, why_not)
        response = self._get_response(request)
        response.headers[HEADER] = identifier
        return response


def _identifier(given: str) -> tuple[str, str]:
    """The id, and why it is not the given one. No event is lost for an odd id."""
    if not given:
        return _new(), ""
    if not _USABLE.fullmatch(given):
        return _new(), "it must be at most 128 printable ASCII characters"
    if masked(given) != given:
        return _new(), "it looks like a secret"
    return given, ""


def _new() -> str:
    """In the order of time, as all ids here are: an index of them grows at its end."""
    return new_batch_id(datetime.now(UTC)).hex
