"""The webhook's part of the OpenAPI document: it is a plain Django view, so it is described by hand."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from ingest.validation import schema

_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def add_webhook(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:  # noqa: ARG001, FBT001 - the signature of drf-spectacular's hooks
    """Postprocessing hook of drf-spectacular."""
    schemas = result["components"].setdefault("schemas", {})
    schemas["Event"] = {key: value for key, value in schema().items() if not key.startswith("$")}
    schemas["Problem"] = _problem()
    result["paths"]["/webhook"] = {"post": _operation()}
    return result


def _operation() -> dict[str, Any]:
    event = {"$ref": "#/components/schemas/Event"}
    return {
        "operationId": "webhook",
        "summary": "Send events",
        "description": "One JSON object, an array of objects, or NDJSON; told apart by the bytes, whatever the"
        " Content-Type says. A batch is answered 202 even where some of its events are refused.",
        "tags": ["webhook"],
        "security": [{"ApiKey": []}],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"oneOf": [event, {"type": "array", "items": event}]}},
                "application/x-ndjson": {"schema": {"type": "string"}},
            },
        },
        "responses": {
            "202": {
                "description": "The accepted events are durable; each has an id.",
                "content": {"application/json": {"schema": _receipt()}},
            },
            "400": {
                "description": "The body cannot be read, or its one event is not valid.",
                "content": _PROBLEM,
            },
            "401": {"description": "No valid API key.", "content": _PROBLEM},
            "403": {"description": "The key may not send events.", "content": _PROBLEM},
            "413": {"description": "Too many bytes or events.", "content": _PROBLEM},
            "503": {"description": "Nothing was accepted; see Retry-After.", "content": _PROBLEM},
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
