"""What every operation of the REST API has in the OpenAPI document: its scope, its errors, an example."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from rest_framework.permissions import SAFE_METHODS

from ingest.authentication import HasAdminScope
from ingest.models import Scope
from mutt_project.deprecations import deprecation_of
from mutt_project.openapi_examples import EXAMPLES, PROBLEMS

_JSON, _PROBLEM = "application/json", "application/problem+json"


class MuttSchema(AutoSchema):
    """Adds what drf-spectacular cannot see: the scope that a key needs, and how the operation fails."""

    def map_parsers(self) -> list[str]:
        """Forms are taken for the browsable API's sake; programs send JSON."""
        return [_JSON]

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        operation = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        if not getattr(self.view, "needs_no_key", False):
            scope = self._scope().value
            described = operation.get("description", "")
            operation["description"] = f"{described}\n\nAn API key needs the scope `{scope}`.".strip()
            operation["x-required-scope"] = scope
        for status in self._failures(operation):
            operation["responses"].setdefault(status, _problem(status))
        return operation

    def _scope(self) -> Scope:
        permissions = self.view.get_permissions()
        if any(isinstance(permission, HasAdminScope) for permission in permissions):
            return Scope.ADMIN
        reads = self.method in SAFE_METHODS or getattr(self.view, "reads_only", False)
        return Scope.READ if reads else Scope.WRITE

    def _failures(self, operation: dict[str, Any]) -> list[str]:
        names = {parameter["name"] for parameter in operation.get("parameters", [])}
        changes = self.method not in SAFE_METHODS and not getattr(self.view, "reads_only", False)
        asks = "requestBody" in operation or any(one["in"] == "query" for one in operation.get("parameters", []))
        present = {
            "400": asks or "X-Change-Reason" in names or self.path.endswith("/rotate-signing-secret"),
            "401": True,
            "403": True,
            "404": "{" in self.path or "cursor" in names,
            "409": changes and not getattr(self.view, "needs_no_key", False),
            "412": "If-Match" in names,
            "413": "requestBody" in operation,
            "422": self.path.endswith("/resend"),
            "429": True,
            "503": True,
        }
        return [status for status, there in present.items() if there]


def _problem(status: str) -> dict[str, Any]:
    problem = PROBLEMS[status]
    schema = {"$ref": "#/components/schemas/Problem"}
    example = {"type": "about:blank", "title": problem.title, "status": int(status), "detail": problem.detail}
    if problem.errors:
        example["errors"] = problem.errors
    return {"description": problem.description, "content": {_PROBLEM: {"schema": schema, "example": example}}}


def add_examples(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:  # noqa: ARG001, FBT001 - the signature of drf-spectacular's hooks
    """Postprocessing hook of drf-spectacular: an example for each JSON body that is asked for or answered."""
    for path, operations in result["paths"].items():
        if not path.startswith("/api/"):
            continue
        for operation in operations.values():
            bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
            for body in bodies:
                content = body.get("content", {}).get(_JSON)
                if content and "example" not in content:
                    content["example"] = _example_of(operation["operationId"], content["schema"])
    return result


def _example_of(operation: str, schema: dict[str, Any]) -> Any:
    name = schema["$ref"].rpartition("/")[2]
    if name.startswith("Paginated"):
        item = EXAMPLES[name.removeprefix("Paginated").removesuffix("List")]
        return {"next": None, "previous": None, "results": [item]}
    return EXAMPLES.get(f"{operation}:{name}", EXAMPLES[name])


def mark_deprecated(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:  # noqa: ARG001, FBT001 - the signature of drf-spectacular's hooks
    """Postprocessing hook of drf-spectacular: what is on its way out says so, and since when."""
    for path, operations in result["paths"].items():
        names = {part for part in path.split("/") if part.startswith("{")}
        for method, operation in operations.items():
            found = deprecation_of(method.upper(), path, names)
            if found:
                operation["deprecated"] = True
                operation["description"] = f"{operation.get('description', '')}\n\n{found[0].sentence()}".strip()
    return result
