"""Cursor pages: no counting, stable while new rows come in."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request


class CursorPages(CursorPagination):
    """`?limit=` rows a page (at most 1,000); follow `next`."""

    page_size = 100
    max_page_size = 1000
    page_size_query_param = "limit"
    cursor_query_param = "cursor"

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        """One page. A cursor that somebody made up is refused like one that cannot be read."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValueError, ValidationError) as error:
            raise NotFound("Invalid cursor: follow `next` and `previous` as they are.") from error

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}  # as OpenAPI 3.1 says it
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }


class NewestFirst(CursorPages):
    """For events: in the reverse order of receipt."""

    ordering = "-event_id"

    def asked(self, request: Request) -> tuple[int, UUID | None]:
        """How many rows make this page and tell whether there is another, and the event that they come after.

        0 rows where it is a page back: its rows are looked for in the other direction.
        """
        cursor = self.decode_cursor(request)
        if cursor is not None and (cursor.reverse or cursor.offset):
            return 0, None
        size = self.get_page_size(request) or self.page_size
        try:
            return size + 1, UUID(str(cursor.position)) if cursor and cursor.position else None
        except ValueError:
            return 0, None  # somebody made it up: it is refused where the page is read
