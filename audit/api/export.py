"""Everything that a search finds, as a stream, the newest first: NDJSON, CSV, or events to be sent again."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
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
from audit.sending_again import to_send

COLUMNS = EventSerializer.Meta.fields
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the beginning of one
_NDJSON = "application/x-ndjson"
_TYPES = {"ndjson": _NDJSON, "events": _NDJSON, "csv": "text/csv; charset=utf-8"}


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
        form: str = query.validated_data["form"]
        pages = (
            [to_send(record) for record in page] if form == "events" else EventSerializer(page, many=True).data
            for page in found
        )
        return streamed("mutt-events", form, COLUMNS, pages)


def streamed(name: str, form: str, columns: Sequence[str], pages: Iterator[Any]) -> StreamingHttpResponse:
    """All rows, as a file of this name and form. What is wrong with the search is said before anything is answered."""
    try:
        first: Any = next(pages, [])
    except TooBroadError as error:
        raise ValidationError(str(error)) from error
    every = chain([first], pages)
    body = _csv(columns, every) if form == "csv" else _ndjson(every)
    ending = "csv" if form == "csv" else "ndjson"
    headers = {"Content-Disposition": f'attachment; filename="{name}.{ending}"'}
    return StreamingHttpResponse(body, content_type=_TYPES[form], headers=headers)


def _ndjson(pages: Iterable[Any]) -> Iterator[bytes]:
    for page in pages:
        yield b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in page)


def _csv(columns: Sequence[str], pages: Iterable[Any]) -> Iterator[str]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")  # RFC 4180
    writer.writerow(columns)
    for page in pages:
        writer.writerows([_csv_value(row[name]) for name in columns] for row in page)
        yield text.getvalue()
        text.seek(0)
        text.truncate()


def _csv_value(value: Any) -> Any:
    """The value for a cell: a text that a device sent must not run as a formula where somebody opens the file."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    if isinstance(value, bool | list | dict):
        return orjson.dumps(value).decode()
    return value
