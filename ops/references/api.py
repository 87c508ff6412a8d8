"""docs/reference/api.md, from docs/openapi.yaml."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from ops.references.markdown import plain, table

Json = Mapping[str, Any]

_HEAD = """# REST API

Written from [openapi.yaml](../openapi.yaml) by `make format`; that document has all schemas and an
example of each body, and a running MUTT shows it as Swagger UI (`/api/v1/docs`) and Redoc (`/api/v1/redoc`).

A key is sent in the header `X-API-KEY`; who else may do what is in [rights](../rights.md), and what stays as it is in
[upgrading](../upgrading.md). Errors are problem details (RFC 9457)."""
_LIST_OF_WORDS = re.compile(r"^\* `.*$", re.MULTILINE)
_SCOPE_SENTENCE = "An API key needs the scope"


def api_page(document: Json) -> str:
    """All operations by their first tag: a table of them, then each with what it takes and what it answers."""
    by_tag: dict[str, list[tuple[str, str, Json]]] = defaultdict(list)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            by_tag[operation["tags"][0]].append((method.upper(), path, operation))
    parts = [_HEAD, "## Errors", _errors(by_tag)]
    for tag, operations in sorted(by_tag.items()):
        parts.append(f"## {tag}")
        for method, path, operation in operations:
            parts.extend(_of_operation(method, path, operation, document["components"]["schemas"]))
    return "\n\n".join(parts) + "\n"


def _errors(by_tag: Mapping[str, list[tuple[str, str, Json]]]) -> str:
    """What each status says, as the most operations say it."""
    said: dict[str, list[str]] = defaultdict(list)
    for operations in by_tag.values():
        for _, _, operation in operations:
            for status, answer in operation["responses"].items():
                if status >= "400":
                    said[status].append(answer["description"])
    return table(
        ["status", "meaning"],
        [[status, plain(max(texts, key=texts.count))] for status, texts in sorted(said.items())],
    )


def _of_operation(method: str, path: str, operation: Json, schemas: Json) -> Iterator[str]:
    yield f"### {operation['summary']}"
    scope = operation.get("x-required-scope") or ("ingest" if path.startswith("/webhook") else "")
    first = f"`{method} {path}`" + (f" · scope `{scope}`" if scope else "")
    yield first + (" · **deprecated**" if operation.get("deprecated") else "")
    described = operation.get("description", "").partition(_SCOPE_SENTENCE)[0].strip()
    if described:
        yield plain(described)
    rows = [
        [f"`{one['name']}`", one["in"], _type_of(one["schema"], schemas), _meaning(one)]
        for one in operation.get("parameters", [])
    ]
    rows += _fields(operation, schemas)
    if rows:
        yield table(["parameter", "in", "type", "meaning"], rows)
    yield _answers(operation)


def _fields(operation: Json, schemas: Json) -> list[list[str]]:
    """The fields of the body, where it is one object."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = content.get("schema", {})
    named = schemas.get(_name_of(schema), {}) if "$ref" in schema else schema
    required = set(named.get("required", []))
    return [
        [
            f"`{name}`" + (" (required)" if name in required else ""),
            "body",
            _type_of(field, schemas),
            _meaning(field),
        ]
        for name, field in named.get("properties", {}).items()
    ]


def _meaning(described: Json) -> str:
    """Without the list of words that drf-spectacular puts below: the type has them."""
    return plain(_LIST_OF_WORDS.sub("", described.get("description", "")))


def _answers(operation: Json) -> str:
    good = [
        f"{status}" + (f" (`{name}`)" if (name := _body_of(answer)) else "")
        for status, answer in operation["responses"].items()
        if status < "400"
    ]
    bad = [status for status in operation["responses"] if status >= "400"]
    return f"Answers {', '.join(good)}; or {', '.join(bad)}."


def _body_of(answer: Json) -> str:
    for media_type, content in answer.get("content", {}).items():
        return _name_of(content["schema"]) or str(media_type)
    return ""


def _name_of(schema: Json) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _type_of(schema: Json, schemas: Json) -> str:
    """In a word or two: the bounds are in the document."""
    named = _name_of(schema)
    if named and "enum" in schemas[named]:
        schema = schemas[named]
    for several in ("oneOf", "anyOf", "allOf"):
        if several in schema:
            return " or ".join(filter(None, dict.fromkeys(_type_of(one, schemas) for one in schema[several])))
    if "enum" in schema and len(schema["enum"]) <= 8:  # noqa: PLR2004 - more fill the line
        return ", ".join(f"`{word}`" for word in schema["enum"] if word)
    if named:
        return f"`{named}`"
    kind = schema.get("type", "any")
    kinds = [one for one in ([kind] if isinstance(kind, str) else kind) if one != "null"]
    if kinds == ["array"]:
        return f"list of {_type_of(schema.get('items', {}), schemas)}"
    return str(schema.get("format") or " or ".join(kinds))
