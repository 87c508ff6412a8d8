"""DRF's errors as problem details, and the last resort for what nobody expected."""

import logging
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.shortcuts import render
from django.views.defaults import bad_request as bad_request_page
from django.views.defaults import page_not_found, permission_denied
from django.views.defaults import server_error as server_error_page
from psycopg2.errors import DeadlockDetected, LockNotAvailable
from redis.exceptions import RedisError
from rest_framework.exceptions import APIException, ParseError
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import exception_handler

from ingest.problems import CONTENT_TYPE, Problem
from rules.api.editing import PointedError

logger = logging.getLogger(__name__)

_MOST_IN_A_LINE = 20
_IN_THE_WAY = (DeadlockDetected, LockNotAvailable)
NON_FIELD_ERRORS_KEY = api_settings.NON_FIELD_ERRORS_KEY


def api_problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER: problem details with a pointer to each wrong field."""
    if isinstance(error.__cause__, _IN_THE_WAY):
        logger.warning("API: somebody else's change stood in the way: %s", type(error.__cause__).__name__)
        error = _InTheWay()
    if isinstance(error, RedisError | OperationalError | InterfaceError):
        logger.error("API: a store is away: %s", type(error).__name__)
        error = _StoreAway()
    if isinstance(error, UnicodeEncodeError):  # half of a surrogate pair, which JSON can spell and UTF-8 cannot
        error = ParseError("A text holds a lone surrogate (\\ud800 to \\udfff): it is no Unicode text.")
    if isinstance(error, IntegrityError):  # two clients at the same moment; checks come before the database's own
        error = _Conflict()
    if isinstance(error, RequestDataTooBig):
        error = _TooLarge()
    if isinstance(error, UnreadablePostError):
        error = ParseError("The connection ended before the whole body had come; nothing was changed. Send it again.")
    if isinstance(error, RecursionError):
        error = ParseError("The JSON is nested too deeply.")
    response = exception_handler(error, context)
    if response is None:
        return None
    detail, errors = _described(error, response.data)
    problem = Problem(response.status_code, HTTPStatus(response.status_code).phrase, detail, tuple(errors))
    response.data = problem.as_json()
    renderer = getattr(context["request"], "accepted_renderer", None)
    if renderer is None or renderer.format == "json":  # the browsable API shows problems as a page
        response.content_type = CONTENT_TYPE
    return response


class _Conflict(APIException):
    status_code = 409
    default_detail = "Somebody else has just written the same entry. Look at it, then try again."


class _InTheWay(APIException):
    status_code = 409
    default_detail = "Somebody else changes the same entries at this moment; nothing was changed. Try again."


class _TooLarge(APIException):
    status_code = 413
    default_detail = f"The body is larger than {settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} bytes. Send it in parts."


class _StoreAway(APIException):
    status_code = 503
    default_detail = "PostgreSQL or Redis is away (/readyz says which). Try again in a few seconds."


def _described(error: Exception, data: Any) -> tuple[str, list[dict[str, Any]]]:
    if isinstance(error, PointedError):
        return _in_a_line(error.pointed), error.pointed
    if isinstance(error, Http404) and not error.args:
        return "Nothing is at this address.", []
    if isinstance(data, dict) and set(data) == {"detail"}:
        return str(data["detail"]), []
    errors = list(_pointed("", data))
    return _in_a_line(errors), errors


def _in_a_line(errors: list[dict[str, Any]]) -> str:
    """The first of many errors; all of them are in `errors`."""
    shown = " ".join(": ".join(filter(None, (one["pointer"], one["detail"]))) for one in errors[:_MOST_IN_A_LINE])
    return f"{shown} … and {len(errors) - _MOST_IN_A_LINE} more." if len(errors) > _MOST_IN_A_LINE else shown


def _pointed(pointer: str, data: Any) -> list[dict[str, Any]]:
    """Flatten DRF's nested messages into pointers."""
    if isinstance(data, dict):
        data = {"" if name == NON_FIELD_ERRORS_KEY else f"/{name}": item for name, item in data.items()}
        return [found for name, item in data.items() for found in _pointed(pointer + name, item)]
    if isinstance(data, list) and all(isinstance(item, str) for item in data):
        return [{"pointer": pointer, "detail": str(item)} for item in data]
    if isinstance(data, list):
        return [found for place, item in enumerate(data) for found in _pointed(f"{pointer}/{place}", item)]
    return [{"pointer": pointer, "detail": str(data)}]


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_browser(request):
        return bad_request_page(request, exception)
    detail = "MUTT takes no such request."
    if isinstance(exception, DisallowedHost):
        detail = "MUTT does not answer to this host name: MUTT_ALLOWED_HOSTS says to which ones."
    return Problem(400, "Bad Request", detail).response()


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_browser(request):
        return permission_denied(request, exception)
    return Problem(403, "Forbidden", "You may not do this: docs/rights.md says who may.").response()


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without the token of its page: nothing was done."""
    if _is_browser(request):
        return render(request, "403_csrf.html", status=403)
    return Problem(403, "Forbidden", f"Nothing was done. {reason}").response()


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_browser(request):
        return page_not_found(request, exception)
    return Problem(404, "Not found", f"Nothing is at {request.path}.").response()


def server_error(request: HttpRequest) -> HttpResponse:
    if _is_browser(request):
        return server_error_page(request)
    return Problem(500, "Something went wrong in MUTT", "The log has the details; nothing was accepted.").response()


def _is_browser(request: HttpRequest) -> bool:
    return "text/html" in request.headers.get("Accept", "")
