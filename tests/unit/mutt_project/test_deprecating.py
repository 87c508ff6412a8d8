"""Whoever calls a deprecated operation is told so, and who still does is counted and named."""

import logging
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from prometheus_client import REGISTRY

from mutt_project import deprecations
from mutt_project.deprecations import DEPRECATIONS, LEAST_NOTICE, Deprecation
from tests.unit.mutt_project.calls import RULE, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]

SINCE = datetime(2020, 1, 1, tzinfo=UTC)
SUNSET = SINCE + LEAST_NOTICE


@pytest.fixture
def deprecated(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Deprecates what it is called with."""

    def register(path: str, **fields: Any) -> Deprecation:
        one = Deprecation(path=path, **{"since": SINCE, **fields})
        monkeypatch.setattr(deprecations, "DEPRECATIONS", (*deprecations.DEPRECATIONS, one))
        return one

    return register


def counted(operation: str, key: str) -> float:
    labels = {"operation": operation, "api_key": key}
    return REGISTRY.get_sample_value("mutt_deprecated_requests_total", labels) or 0.0


def test_an_answer_says_since_when_until_when_and_what_comes_instead(reader: Client, writer: Client, deprecated):
    identifier = send(writer, "POST", "rules", RULE, 201)["id"]
    deprecated("/api/v1/rules/{pk}", method="GET", sunset=SUNSET, successor="/api/v2/rules/{pk}")
    answer = reader.get(f"/api/v1/rules/{identifier}")
    assert answer.status_code == 200
    assert answer["Deprecation"] == f"@{int(SINCE.timestamp())}"
    assert parsedate_to_datetime(answer["Sunset"]) == SUNSET
    assert '</api/v1/docs>; rel="deprecation"' in answer["Link"]
    assert f'</api/v2/rules/{identifier}>; rel="successor-version"' in answer["Link"]
    for other in (reader.get("/api/v1/rules"), writer.delete(f"/api/v1/rules/{identifier}")):
        assert "Deprecation" not in other


def test_without_an_end_and_a_successor_only_the_beginning_is_said(reader: Client, deprecated):
    deprecated("/api/v1/ledger")
    answer = reader.get("/api/v1/ledger")
    assert answer["Deprecation"]
    assert "Sunset" not in answer
    assert "successor" not in answer["Link"]


def test_a_whole_version_can_be_deprecated_and_nothing_beside_it(reader: Client, deprecated):
    deprecated("/api/v1/*")
    assert all("Deprecation" in reader.get(path) for path in ("/api/v1/rules", "/api/v1/rules.json", "/api/v1/"))
    assert "Deprecation" in reader.head("/api/v1/rules")
    assert not any("Deprecation" in reader.get(path) for path in ("/healthz", "/api/v10/rules", "/admin/login/"))


def test_an_address_that_looks_like_an_id_is_none(reader: Client, deprecated):
    deprecated("/api/v1/events/{event_id}")
    assert "Deprecation" not in reader.get("/api/v1/events/why-not?q=a-host")
    assert "Deprecation" in reader.get("/api/v1/events/01936f2c-8a3e-7c11-9f0e-5d2b8c1a4e77")


def test_one_source_of_the_webhook_can_be_deprecated(make_key, deprecated):
    deprecated("/webhook/solarwinds")
    client = Client(headers={"X-API-KEY": make_key("ingest", name="orion")})
    for source, is_told in (("solarwinds", True), ("syslog", False)):
        answer = client.post(f"/webhook/{source}", "[]", content_type="application/json")
        assert ("Deprecation" in answer) is is_told
    assert counted("* /webhook/solarwinds", "orion") == 1


def test_who_still_asks_is_counted_each_time_and_logged_once_an_hour(reader: Client, deprecated, caplog):
    one = deprecated("/api/v1/slo", method="GET")
    before = counted(one.operation, "a reader")
    with caplog.at_level(logging.WARNING, "mutt_project.deprecating"):
        for _ in range(3):
            reader.get("/api/v1/slo")
        Client().get("/api/v1/slo")
    assert counted(one.operation, "a reader") == before + 3
    told = [record.getMessage() for record in caplog.records if record.name == "mutt_project.deprecating"]
    assert told == [
        "GET /api/v1/slo is deprecated, and is used by API key a reader",
        "GET /api/v1/slo is deprecated, and is used by somebody without a key",
    ]


def test_the_openapi_document_marks_what_is_deprecated_and_nothing_else(deprecated):
    deprecated("/api/v1/rules/{pk}", method="DELETE", sunset=SUNSET, successor="/api/v2/rules/{pk}")
    deprecated("/webhook/solarwinds/{token}")
    document = SchemaGenerator(api_version="v1").get_schema(request=None, public=True)
    marked = {
        (method, path): operation["description"]
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if operation.get("deprecated")
    }
    assert marked.keys() == {("delete", "/api/v1/rules/{id}"), ("post", "/webhook/solarwinds/{token}")}
    assert "it may be gone after 2020-06-29. Instead: `/api/v2/rules/{pk}`." in marked["delete", "/api/v1/rules/{id}"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"since": SINCE.replace(tzinfo=None)}, "times need a zone"),
        ({"sunset": SUNSET - timedelta(seconds=1)}, "180 days after"),
        ({"successor": "/api/v2/rules/{name}"}, "name"),
    ],
)
def test_a_deprecation_that_breaks_the_policy_is_refused(fields, words):
    with pytest.raises(ValueError, match=words):
        Deprecation(**{"path": "/api/v1/rules/{pk}", "since": SINCE, **fields})


def test_each_that_is_registered_is_of_an_operation_that_there_is():
    document = SchemaGenerator(api_version="v1").get_schema(request=None, public=True)
    for one in DEPRECATIONS:
        assert any(
            one.values(method.upper(), path, {part for part in path.split("/") if part.startswith("{")}) is not None
            for path, operations in document["paths"].items()
            for method in operations
        ), one.operation
