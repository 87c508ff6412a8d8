"""Schemathesis tries rules, hosts and teams by the OpenAPI document: no 5xx, and every answer is as it says there."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from mutt_project.wsgi import application
from ops.local.stack import ROOT

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_rule_set", "redis_server")]

# Not whether bad input is refused: rules of ours are beyond JSON Schema, and a query's empty value means none.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

document = schemathesis.openapi.from_path(ROOT / "docs" / "openapi.yaml")
document.app = application
rules = document.include(path_regex=r"^/api/v1/(rules|dev-hosts|teams)")


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    """Requests run in the test's own transaction, whose connection they must not close."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@rules.parametrize()
@settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
def test_every_answer_is_as_the_document_says(case: Any, writer: Client):
    case.headers = {**(case.headers or {}), "X-API-KEY": writer.defaults["HTTP_X_API_KEY"]}
    case.call_and_validate(checks=CHECKS)
