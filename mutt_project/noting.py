"""Whose request it is, from where and why: told to the database before anything is changed."""

from collections.abc import Callable

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponseBase, UnreadablePostError
from django.http.multipartparser import MultiPartParserError

from audit.changes import noted_as
from audit.following import correlation_id
from ingest.addresses import address_of
from rules.api.editing import reason_of, via_of

ADMIN, API = "/admin/", "/api/"
NOBODY = "(not logged in)"
_LOOKING = {"GET", "HEAD", "OPTIONS", "TRACE"}
_BACK_FROM_PROVIDER = "/admin/login/provider/callback/"  # a GET, and somebody is logged in by it
_REASONS = ("change_reason", "why", "reason")  # as the forms of admin name it


class ChangesMiddleware:
    """What a request changes is noted with who, from where and why; the webhook changes nothing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        in_admin = request.path_info.startswith(ADMIN)
        looking = request.method in _LOOKING and request.path_info != _BACK_FROM_PROVIDER
        if looking or not (in_admin or request.path_info.startswith(API)):
            return self._get_response(request)
        via, reason = ("admin", _reason_in(request)) if in_admin else (via_of(request), reason_of(request))
        with noted_as(_person(request), via, reason, address_of(request), correlation_id()):
            return self._get_response(request)


def _person(request: HttpRequest) -> str:
    """Whose session it is; an API key is known only later."""
    try:
        return request.user.get_username() or NOBODY
    except (OperationalError, InterfaceError):  # the view will meet it, too, and say so
        return NOBODY


def _reason_in(request: HttpRequest) -> str:
    try:
        given = next((request.POST[name] for name in _REASONS if request.POST.get(name)), "")
    except (BadRequest, SuspiciousOperation, MultiPartParserError, UnreadablePostError):
        return ""  # no form, or half of one: it changes nothing
    return " ".join(given.replace("\0", "").split())
