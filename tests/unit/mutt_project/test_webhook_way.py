"""The webhook's short way: past what is for people, and with all that its answers are promised to have."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, override_settings
from django.urls import include, path
from django.utils.module_loading import import_string
from prometheus_client import REGISTRY

from tests.unit.ingest.test_webhook import GOOD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]


def failing(*_: Any) -> Any:
    raise LookupError("nobody is here")


urlpatterns = [path("webhook", failing, name="webhook"), path("", include("mutt_project.urls"))]
handler500 = "mutt_project.problems.server_error"


@pytest.fixture
def sender(make_key) -> Client:
    return Client(headers={"X-API-KEY": make_key("ingest")})


def post(client: Client, address: str = "/webhook") -> Any:
    return client.post(address, json.dumps(GOOD), content_type="application/json")


@pytest.mark.parametrize(
    ("address", "is_short"),
    [
        *((address, True) for address in ("/webhook", "/webhook/syslog", "/webhook/syslog/key", "/webhook/a/b/c")),
        *((address, False) for address in ("/webhooks", "/healthz", "/api/v1/rules", "/admin/login/", "/")),
    ],
)
def test_only_requests_to_the_webhook_go_the_short_way(address, is_short):
    request = post(Client(), address).wsgi_request
    assert (not hasattr(request, "session")) is is_short
    assert (not hasattr(request, "user")) is is_short


def test_both_ways_answer_with_the_same_headers(sender):
    short, long = post(sender), sender.get("/healthz")
    assert (short.status_code, long.status_code) == (202, 200)
    its_own = ("Content-Type", "Content-Length", "X-Correlation-ID", "Vary")
    of_short, of_long = (
        {name: sorted(value.split("; ")) for name, value in answer.items() if name not in its_own}
        for answer in (short, long)
    )
    assert of_short == of_long
    assert short["Content-Length"] == str(len(short.content))


def test_the_short_list_keeps_the_order_of_the_long_one():
    shared = [name for name in settings.MIDDLEWARE_OF_WEBHOOK if name in settings.MIDDLEWARE]
    assert shared == [name for name in settings.MIDDLEWARE if name in settings.MIDDLEWARE_OF_WEBHOOK]
    assert settings.MIDDLEWARE[0] == "mutt_project.webhook_way.WebhookWay"


def test_no_middleware_of_the_short_list_expects_calls_that_it_would_not_get():
    for name in settings.MIDDLEWARE_OF_WEBHOOK:
        middleware = import_string(name)
        assert not {"process_view", "process_exception", "process_template_response"} & set(dir(middleware)), name


@override_settings(SECURE_SSL_REDIRECT=True, SECURE_HSTS_SECONDS=60)
def test_the_webhook_leads_to_tls_too(sender):
    answer = post(sender)
    assert (answer.status_code, answer["Location"]) == (301, "https://testserver/webhook")
    secure = sender.post("/webhook", json.dumps(GOOD), content_type="application/json", secure=True)
    assert (secure.status_code, secure["Strict-Transport-Security"]) == (202, "max-age=60")


@pytest.fixture
def counted() -> Callable[..., float]:
    """How much a metric has grown since the test began."""
    before: dict[Any, float] = {}

    def value(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, labels) or 0.0

    def grown(name: str, **labels: str) -> float:
        key = (name, *labels.items())
        if key not in before:
            before[key] = value(name, **labels)
        return value(name, **labels) - before[key]

    return grown


ANSWERS = "django_http_responses_total_by_status_view_method_total"
SECONDS = "django_http_requests_latency_seconds_by_view_method_count"


def test_its_answers_are_counted_by_status_and_view_and_timed(sender, counted):
    wanted = [
        ("/webhook", 202, "webhook"),
        ("/webhook/nowhere", 404, "webhook-source"),
        ("/webhook/a/b/c", 404, "<unnamed view>"),
    ]
    for address, status, view in wanted:
        labels = {"status": str(status), "view": view, "method": "POST"}
        of_view = {"view": view, "method": "POST"}
        counted(ANSWERS, **labels), counted(SECONDS, **of_view)
        counted("django_http_responses_total_by_status_total", status=str(status))
        assert post(sender, address).status_code == status
        assert counted(ANSWERS, **labels) == counted(SECONDS, **of_view) == 1
    assert counted("django_http_responses_total_by_status_total", status="404") == 2


def test_a_method_that_there_is_not_makes_no_series_of_its_own(counted):
    labels = {"status": "405", "view": "webhook", "method": "<invalid method>"}
    counted(ANSWERS, **labels)
    assert Client().generic("FETCH", "/webhook").status_code == 405
    assert counted(ANSWERS, **labels) == 1


@override_settings(ROOT_URLCONF=__name__)
def test_what_nobody_has_foreseen_is_answered_counted_and_has_its_headers(counted):
    labels = {"status": "500", "view": "webhook", "method": "POST"}
    counted(ANSWERS, **labels)
    answer = post(Client(raise_request_exception=False))
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert answer["X-Frame-Options"] == "DENY"
    assert counted(ANSWERS, **labels) == 1
