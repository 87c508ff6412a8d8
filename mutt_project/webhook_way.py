"""The fork behind the door: requests to the webhook pass MIDDLEWARE_OF_WEBHOOK, all others MIDDLEWARE.

Both lists are in the settings, both ways end in the same urls.py. What is in MIDDLEWARE and not in the other list is
for people, their sessions and their pages, which the webhook has not.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponseBase
from django.utils.module_loading import import_string

WEBHOOK = "/webhook"
_BELOW = f"{WEBHOOK}/"


class WebhookWay:
    """First in MIDDLEWARE: whoever asks for the webhook does not come to what stands behind it there."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._long_way = get_response
        self._short_way = _ShortWay().answer

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info == WEBHOOK or request.path_info.startswith(_BELOW):
            return self._short_way(request)
        return self._long_way(request)


class _ShortWay(BaseHandler):
    """Django's way to a view, by the other list. Its middleware is called around the view, and at no other time."""

    def __init__(self) -> None:
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        answer: Any = convert_exception_to_response(self._get_response)  # type: ignore[attr-defined] # not in the stubs
        for path in reversed(settings.MIDDLEWARE_OF_WEBHOOK):
            answer = convert_exception_to_response(import_string(path)(answer))
        self.answer: Callable[[HttpRequest], HttpResponseBase] = answer
