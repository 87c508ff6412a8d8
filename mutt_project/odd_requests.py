"""Refuses queries that no browser sends by itself and Django's admin would stumble over."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from ingest.problems import Problem

_ODD = re.compile(r"%00|\x00|(?:^|&)_to_field=(?:&|$)")


class RefuseOddQueries:
    """The API has words of its own for them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith("/admin/") and _ODD.search(request.META.get("QUERY_STRING", "")):
            return Problem(400, "Bad Request", "The query holds NUL, or an empty _to_field: leave it out.").response()
        return self._get_response(request)
