"""The webhook's part of the OpenAPI document: it is a plain Django view, so it is described by hand."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from ingest.reading import SOURCES
from ingest.validation import schema

_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def add_webhook(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:  # noqa: ARG001, FBT001 - the signature of drf-spectacular's hooks
    """Postprocessing hook of drf-spectacular."""
    schemas = result["components"].setdefault("schemas", {})
    schemas["Event"] = {key: value for key, value in schema().items() if not key.startswith("$")}
    schemas["Problem"] = _problem()
    schemas["Receipt"] = _receipt()
    result["components"]["securitySchemes"] |= {
        "Bearer": {"type": "http", "scheme": "bearer"},
        "Basic": {"type": "http", "scheme": "basic", "description": "Any user name; the key is the password."},
    }
    result["paths"]["/webhook"] = {"post": _plain()}
    result["paths"]["/webhook/{source}"] = {"post": _of_source()}
    result["paths"]["/webhook/{source}/{token}"] = {"post": _with_token()}
    return result


def _plain() -> dict[str, Any]:
    event = {"$ref": "#/components/schemas/Event"}
    return {
        **_operation(),
        "operationId": "webhook",
        "summary": "Send events",
        "description": "One JSON object, an array of objects, or NDJSON; told apart by the bytes, whatever the"
        " Content-Type says. What other sources send is recognised where it is beyond doubt. A batch is answered 202"
        " even where some of its events are refused.",
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"oneOf": [event, {"type": "array", "items": event}]}},
                "application/x-ndjson": {"schema": {"type": "string"}},
            },
        },
    }


def _of_source() -> dict[str, Any]:
    operation = _operation()
    return {
        **operation,
        "operationId": "webhookOfSource",
        "summary": "Send what a source sends",
        "description": "The body is as the source writes it; docs/senders.md shows each.",
        "parameters": [_path("source", {"type": "string", "enum": list(SOURCES)}), *operation["parameters"]],
        "requestBody": _any_body(),
        "responses": {**operation["responses"], "404": {"description": "No such source.", "content": _PROBLEM}},
    }


def _with_token() -> dict[str, Any]:
    operation = _of_source()
    token = _path("token", {"type": "string"})
    return {
        **operation,
        "operationId": "webhookWithToken",
        "summary": "Send what a source sends, with the key in the path",
        "description": "For senders that cannot set a header; only with keys that were made for it.",
        "security": [],
        "parameters": [token, *operation["parameters"]],
    }


def _path(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _any_body() -> dict[str, Any]:
    kinds = ("application/json", "application/x-ndjson", "application/x-www-form-urlencoded", "text/plain")
    return {"required": True, "content": {kind: {"schema": {}} for kind in kinds}}


def _operation() -> dict[str, Any]:
    header = {"type": "string", "maxLength": 255}
    return {
        "tags": ["webhook"],
        "security": [{"ApiKey": []}, {"Bearer": []}, {"Basic": []}],
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "A repeated request with the same key is given the first answer and creates nothing.",
                "schema": header,
            },
            {
                "name": "Content-Encoding",
                "in": "header",
                "schema": {"type": "string", "enum": ["gzip", "identity"]},
            },
        ],
        "responses": {
            "202": {
                "description": "The accepted events are durable; each has an id.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Receipt"}}},
            },
            "400": {
                "description": "The body cannot be read, or its one event is not valid.",
                "content": _PROBLEM,
            },
            "401": {"description": "No valid API key, or no valid signature.", "content": _PROBLEM},
            "403": {"description": "The key may not send events, or not here.", "content": _PROBLEM},
            "413": {"description": "Too many bytes or events.", "content": _PROBLEM},
            "415": {"description": "The Content-Encoding is not known.", "content": _PROBLEM},
            "422": {"description": "The Idempotency-Key came before, with another body.", "content": _PROBLEM},
            "429": {"description": "The key is over its own limit; see Retry-After.", "content": _PROBLEM},
            "503": {
                "description": "Nothing was accepted: a store is away or full; see Retry-After.",
                "content": _PROBLEM,
            },
        },
    }


def _receipt() -> dict[str, Any]:
    identifier = {"type": "string", "format": "uuid"}
    refusal = {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {"type": "string"},
            "errors": {
                "type": "array",
                "items": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        },
    }
    accepted = {"type": "object", "required": ["id"], "properties": {"id": identifier}}
    return {
        "type": "object",
        "required": ["batch", "accepted", "rejected", "events"],
        "properties": {
            "batch": identifier,
            "accepted": {"type": "integer"},
            "rejected": {"type": "integer"},
            "events": {
                "type": "array",
                "description": "In the order of the request.",
                "items": {"oneOf": [accepted, refusal]},
            },
        },
    }


def _problem() -> dict[str, Any]:
    pointed = {"type": "object", "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}}}
    return {
        "type": "object",
        "description": "Problem details (RFC 9457).",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "errors": {"type": "array", "items": pointed},
        },
    }


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # drf-spectacular registers by subclassing
    """How the document names our keys."""

    target_class = "ingest.authentication.ApiKeyAuthentication"
    name = "ApiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:  # noqa: ARG002 - its signature
        return {"type": "apiKey", "in": "header", "name": "X-API-KEY"}
