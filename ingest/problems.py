"""Errors as problem details (RFC 9457), for everything that answers over HTTP."""

from dataclasses import dataclass
from typing import Any

import orjson
from django.http import HttpResponse

from audit.storable import storable

CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong. `detail` says where, and how to mend it; `errors` name single fields by JSON Pointer."""

    status: int
    title: str
    detail: str
    errors: tuple[dict[str, Any], ...] = ()
    retry_after_s: int | None = None

    def as_json(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        told: dict[str, Any] = storable({**body, "errors": list(self.errors)} if self.errors else body)
        return told  # without what JSON could spell in a request and UTF-8 cannot in the answer

    def response(self) -> HttpResponse:
        response = HttpResponse(orjson.dumps(self.as_json()), status=self.status, content_type=CONTENT_TYPE)
        if self.retry_after_s is not None:
            response["Retry-After"] = str(self.retry_after_s)
        return response
