"""The OpenAPI document: each operation has examples that are valid, its errors and its scope."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from ops.local.stack import ROOT

DOCUMENT = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text(encoding="utf-8"))
REGISTRY: Any = Registry().with_resource("urn:mutt", DRAFT202012.create_resource(DOCUMENT))


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            if path.startswith("/api/"):
                yield path, method, operation


def bodies(operation: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        yield "request", media_type, content
    for status, response in operation["responses"].items():
        for media_type, content in response.get("content", {}).items():
            yield status, media_type, content


STREAMS = {"application/x-ndjson", "text/csv"}
ALL = list(operations())
IDS = [operation["operationId"] for _, _, operation in ALL]


def test_it_is_openapi_3_1_without_words_of_3_0():
    assert DOCUMENT["openapi"].startswith("3.1")
    assert "nullable:" not in (ROOT / "docs" / "openapi.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(("path", "method", "operation"), ALL, ids=IDS)
def test_every_body_has_an_example_that_is_valid(path: str, method: str, operation: dict[str, Any]):
    for what, media_type, content in bodies(operation):
        if media_type in STREAMS:  # a text of any length
            assert content["schema"] == {"type": "string"}
            continue
        assert media_type in {"application/json", "application/problem+json"}
        assert "example" in content, what
        schema = {"$ref": f"urn:mutt{content['schema']['$ref']}"}
        validator = Draft202012Validator(schema, registry=REGISTRY)
        assert [error.message for error in validator.iter_errors(content["example"])] == [], what


@pytest.mark.parametrize(("path", "method", "operation"), ALL, ids=IDS)
def test_every_operation_has_a_summary_its_errors_and_its_scope(path: str, method: str, operation: dict[str, Any]):
    assert operation["summary"]
    if not path.startswith("/api/v1/auth/"):  # for people, who have no key
        assert operation["x-required-scope"] in {"read", "write", "admin"}
        assert f"`{operation['x-required-scope']}`" in operation["description"]
    assert {"401", "403", "503"} <= set(operation["responses"])
    cursor = any(parameter["name"] == "cursor" for parameter in operation.get("parameters", []))
    assert ("404" in operation["responses"]) is ("{" in path or cursor)
    if "requestBody" in operation:
        assert "400" in operation["responses"]
    for status, response in operation["responses"].items():
        if status >= "400":
            assert response["content"]["application/problem+json"]["example"]["status"] == int(status)


def test_all_operations_have_names_of_their_own():
    assert len(IDS) == len(set(IDS))
