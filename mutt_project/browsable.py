"""The API as pages for a browser, under a Content-Security-Policy that knows no inline style."""

import re
from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BrowsableAPIRenderer
from rest_framework.request import Request

# Only templates can write this: in whatever else stands on the page, quotes are escaped.
_STYLE = re.compile(r' style="[^"]*"')
_BUTTONS = {"DELETE", "OPTIONS"}


class PlainBrowsableRenderer(BrowsableAPIRenderer):
    """DRF's pages without inline styles, and with forms for JSON alone."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> str:
        return _STYLE.sub("", super().render(data, accepted_media_type, renderer_context))

    def get_context(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context(*args, **kwargs), "code_style": None}

    def get_rendered_html_form(self, data: Any, view: Any, method: str, request: Request) -> Any:
        return super().get_rendered_html_form(data, view, method, request) if method in _BUTTONS else None
