"""Calls to the API whose answers must have the right form."""

import json
from typing import Any

from django.test import Client

RULE = {"name": "Down", "match_string": "down", "prod_handling": "Page_only", "dev_handling": "Ignore"}


def get(client: Client, path: str, status: int = 200) -> Any:
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == status, answer.content
    media_type = "application/json" if status == 200 else "application/problem+json"
    assert answer["Content-Type"] == media_type
    return answer.json()


def send(client: Client, method: str, path: str, body: Any, status: int) -> Any:
    answer = client.generic(method, f"/api/v1/{path}", content_type="application/json", data=json.dumps(body))
    assert answer.status_code == status, answer.content
    return answer.json() if answer.content else None


def faults(problem: Any) -> dict[str, str]:
    return {error["pointer"]: error["detail"] for error in problem["errors"]}
