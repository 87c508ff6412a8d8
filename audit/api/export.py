"""Everything that a search finds, as a stream: NDJSON or CSV, the newest first."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import orjson
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

from audit.api.serializers import EventSerializer, ExportQuery
from audit.models import Record
from audit.searching import TooBroadError, every_page_of

COLUMNS = EventSerializer.Meta.fields
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the beginning of one
_TYPES = {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}


class EventExportView(APIView):
    """All records that a search finds, in one answer of any length."""

    queryset = Record.objects.none()  # whose permission a person needs

    @extend_schema(
        summary="Export events",
        parameters=[ExportQuery],
        responses={
            (200, "application/x-ndjson"): OpenApiResponse(OpenApiTypes.STR, "One JSON object a line."),
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "A line of column names, then one line an event."),
        },
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """The rows of the search, without the events as they were sent. An answer that breaks off is not complete."""
        query = ExportQuery(data=request.query_params)
        found = every_page_of(query.wanted)
        form = query.validated_data["form"]
        try:
            first = next(found, [])  # what is wrong with the search is said before anything is answered
        except TooBroadError as error:
            raise ValidationError(str(error)) from error
        pages = _with_first(first, found)
        body = _csv(pages) if form == "csv" else _ndjson(pages)
        name = {"Content-Disposition": f'attachment; filename="mutt-events.{form}"'}
        return StreamingHttpResponse(body, content_type=_TYPES[form], headers=name)


def _with_first(first: list[Record], rest: Iterator[list[Record]]) -> Iterator[list[Record]]:
    yield first
    yield from rest


def _rows(page: list[Record]) -> list[dict[str, Any]]:
    return EventSerializer(page, many=True).data  # type: ignore[return-value] # DRF's list is a list


def _ndjson(pages: Iterator[list[Record]]) -> Iterator[bytes]:
    for page in pages:
        yield b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in _rows(page))


def _csv(pages: Iterator[list[Record]]) -> Iterator[str]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")  # RFC 4180
    writer.writerow(COLUMNS)
    for page in pages:
        writer.writerows([_csv_value(row[name]) for name in COLUMNS] for row in _rows(page))
        yield text.getvalue()
        text.seek(0)
        text.truncate()


def _csv_value(value: Any) -> Any:
    """The value for a cell: a text that a device sent must not run as a formula where somebody opens the file."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    if isinstance(value, bool | list):
        return orjson.dumps(value).decode()
    return value
