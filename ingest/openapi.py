"""The webhook's part of the OpenAPI document: it is a plain Django view, so it is described by hand."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from ingest.reading import SOURCES
from ingest.validation import schema

_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def add_webhook(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:  # noqa: ARG001, FBT001 - the signature of drf-spectacular's hooks
    """Postprocessing hook of drf-spectacular."""
    schemas = result["components"].setdefault("schemas", {})
    schemas["EventAsSent"] = _as_sent()
    schemas["Problem"] = _problem()
    schemas["Receipt"] = _receipt()
    result["components"]["securitySchemes"] |= {
        "Bearer": {"type": "http", "scheme": "bearer"},
        "Basic": {"type": "http", "scheme": "basic", "description": "Any user name; the key is the password."},
    }
    result["paths"]["/webhook"] = {"post": _plain()}
    for name in SOURCES:
        result["paths"][f"/webhook/{name}"] = {"post": _of_source(name)}
        result["paths"][f"/webhook/{name}/{{token}}"] = {"post": _with_token(name)}
    return result


def _lone_or_many(event: dict[str, Any]) -> dict[str, Any]:
    """One event, which must be good; or an array, of which each element is judged by itself."""
    return {"oneOf": [event, {"type": "array", "items": {}}]}


_SENT = {"$ref": "#/components/schemas/EventAsSent"}

# What each source's path is for. Each element of an array is judged by itself, so an array is always answered 202.
_SUMMARIES = {
    "native": ("Send events in MUTT's words", ""),
    "syslog": ("Send what rsyslog or syslog-ng write", "A lone object is taken too, and raw lines as text/plain."),
    "snmptrap": (
        "Send traps",
        "Each as snmptrapd hands it on ({“traphandle”: text}) or in fields; a lone object or the text is taken, too.",
    ),
    "solarwinds": (
        "Send what a SolarWinds alert action posts",
        "Usually a lone object, be it broken by unescaped values, or a form (application/x-www-form-urlencoded).",
    ),
    "alertmanager": ("Send what Alertmanager or Grafana post", "Usually a lone object with “alerts”."),
}


def _plain() -> dict[str, Any]:
    return {
        **_operation(),
        "operationId": "webhook",
        "summary": "Send events",
        "description": "One JSON object, an array of objects, or NDJSON; told apart by the bytes, whatever the"
        " Content-Type says. What other sources send is recognised where it is beyond doubt. A batch is answered 202"
        " even where some of its events are refused. The body may be packed by gzip (Content-Encoding).",
        "requestBody": {"required": True, "content": {"application/json": {"schema": _lone_or_many(_SENT)}}},
    }


def _of_source(name: str) -> dict[str, Any]:
    summary, more = _SUMMARIES[name]
    schema = _lone_or_many(_SENT) if name == "native" else {"type": "array", "items": {}}
    operation = _operation()
    return {
        **operation,
        "operationId": f"webhook_{name}",
        "summary": summary,
        "description": f"{more} {operation['description']}".strip(),
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
    }


def _with_token(name: str) -> dict[str, Any]:
    operation = _of_source(name)
    token = {"name": "token", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    return {
        **operation,
        "operationId": f"webhook_{name}_token",
        "summary": f"{operation['summary']}; the key is in the path",
        "description": "For senders that cannot set a header; only with keys that were made for it.",
        "security": [],
        "parameters": [token, *operation["parameters"]],
    }


def _as_sent() -> dict[str, Any]:
    """What `native` takes: the schema, but for the timestamp, for which no event is refused."""
    event = {key: value for key, value in schema().items() if not key.startswith("$") and key != "title"}
    timestamp = {
        "description": "RFC 3339; of anything else the time is read if it can be, else the time of receipt is used.",
        "type": ["string", "number", "null"],
    }
    properties = {name: _by_type(one) if "enum" in one else one for name, one in event["properties"].items()}
    return {**event, "properties": {**properties, "timestamp": timestamp}}


def _by_type(schema: dict[str, Any]) -> dict[str, Any]:
    """An enumeration as generators of clients can take it: they know no mixed types, nor words in several cases."""
    words = "|".join(one for one in schema["enum"] if isinstance(one, str))
    numbers = [one for one in schema["enum"] if isinstance(one, int)]
    rest = {name: value for name, value in schema.items() if name not in {"enum", "type"}}
    kinds = [{"type": "string", "pattern": f"^({words})$"}, {"type": "integer", "enum": numbers}, {"type": "null"}]
    return {**rest, "anyOf": kinds}


def _operation() -> dict[str, Any]:
    header = {"type": "string", "maxLength": 255}
    return {
        "tags": ["webhook"],
        "description": "Beyond what is shown here, docs/senders.md says what is read.",
        "security": [{"ApiKey": []}, {"Bearer": []}, {"Basic": []}],
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "A repeated request with the same key is given the first answer and creates nothing.",
                "schema": header,
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
            "409": {"description": "The Idempotency-Key came before, with another body.", "content": _PROBLEM},
            "413": {"description": "Too many bytes or events.", "content": _PROBLEM},
            "415": {"description": "The Content-Encoding is not known.", "content": _PROBLEM},
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
        "required": ["reason", "error", "errors"],
        "properties": {
            "reason": {"type": "string", "description": "A word for counting, e.g. hostname_missing."},
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
