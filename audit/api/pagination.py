"""Cursor pages: no counting, stable while new rows come in."""

from rest_framework.pagination import CursorPagination


class CursorPages(CursorPagination):
    """`?limit=` rows a page (at most 1,000); follow `next`."""

    page_size = 100
    max_page_size = 1000
    page_size_query_param = "limit"
    cursor_query_param = "cursor"


class NewestFirst(CursorPages):
    """For events: in the reverse order of receipt."""

    ordering = "-event_id"
