"""Tracing: one event can be followed from the webhook to the POST; without MUTT_TRACING there is no span at all."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from os import environ
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext, SpanKind, StatusCode
from opentelemetry.util._once import Once

from audit.connections import redis_client
from audit.following import span_of, traceparent
from audit.journal import BATCH, journal
from audit.models import Record
from forwarder.tasks import forward_batch, forward_together
from ingest.receiving import Sender, _commit, _Single
from ingest.sweeper import sweep
from ingest.tasks import validate_batch
from mutt_project import tracing
from rules.models import Rule
from rules.tasks import match_batch
from tests.unit.forwarder.conftest import destination, double
from tests.unit.mutt_project.calls import RULE

__all__ = ["destination", "double"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server", "fresh_rule_set", "destination")]

ROOT = Path(__file__).resolve().parents[3]
EVENT = {"hostname": "edge-1", "timestamp": "2026-11-23T08:30:00Z", "message": "the line is down"}
STAGES = ["validate_batch", "match_batch", "forward_batch"]


@pytest.fixture
def spans(monkeypatch, settings) -> Iterator[InMemorySpanExporter]:
    """Tracing is on, and this is where spans go. OpenTelemetry lets a process have one provider in its life."""
    exporter = InMemorySpanExporter()
    settings.MUTT_TRACING = True
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    provider = tracing.provider("mutt-test", SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    yield exporter
    provider.shutdown()


@pytest.fixture
def rule() -> Rule:
    return Rule.objects.create(**RULE)


def post(secret: str, body: Any = EVENT, **headers: str) -> Any:
    client = Client(headers={"X-API-KEY": secret, **headers})
    return client.post("/webhook", json.dumps(body), content_type="application/json")


def run(batch: str) -> None:
    """The stages, as workers would run them, one after the other: nothing but the batch id is handed on."""
    for stage in (validate_batch, match_batch, forward_batch):
        stage.run(batch)


def named(exporter: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in exporter.get_finished_spans() if span.name == name]


def only(exporter: InMemorySpanExporter, name: str) -> ReadableSpan:
    (span,) = named(exporter, name)
    return span


def parent_of(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent else None


def context_of(span: ReadableSpan) -> SpanContext:
    context = span.get_span_context()
    assert context is not None
    return context


def identity(span: ReadableSpan) -> int:
    return context_of(span).span_id


def test_one_event_is_one_trace_from_the_webhook_through_the_stages_to_the_post(spans, secret, rule, double):
    answer = post(secret)
    batch = answer.json()["batch"]
    run(batch)
    assert Record.objects.get().outcome == "delivered"
    assert len({context_of(span).trace_id for span in spans.get_finished_spans()}) == 1
    webhook, forward, posted = only(spans, "webhook"), only(spans, "forward_batch"), only(spans, "POST Moogsoft")
    assert (webhook.kind, posted.kind) == (SpanKind.SERVER, SpanKind.CLIENT)
    assert parent_of(webhook) is None
    assert [parent_of(only(spans, stage)) for stage in STAGES] == [identity(webhook)] * 3
    assert parent_of(posted) == identity(forward)
    assert webhook.attributes == {"mutt.batch_ids": (batch,), "mutt.events": 1, "http.response.status_code": 202}
    assert forward.attributes == {"mutt.batch_ids": (batch,), "mutt.events": 1}
    assert posted.attributes == {"mutt.events": 1, "http.response.status_code": 200}
    assert webhook.resource.attributes["service.name"] == "mutt-test"
    (request,) = double.requests
    assert "traceparent" not in {name.lower() for name in request.headers}


def test_spans_hold_neither_messages_nor_keys(spans, secret, rule, double):
    double.answer = lambda _: (401, {}, b"your key is wrong")
    batch = post(secret).json()["batch"]
    run(batch)
    told = "".join(span.to_json() for span in spans.get_finished_spans())
    assert not [word for word in (secret, EVENT["message"], EVENT["hostname"], "a-key-for-tests") if word in told]
    posted = only(spans, "POST Moogsoft")
    assert (posted.status.status_code, posted.status.description) == (StatusCode.ERROR, "DeliveryError")
    assert posted.attributes is not None
    assert posted.attributes["mutt.reason"] == "unauthorised"


def test_a_batch_that_the_sweeper_queued_goes_on_in_its_trace(spans, secret):
    batch = post(secret).json()["batch"]
    redis_client().delete("pipeline")  # Celery's message is lost
    redis_client().zadd("mutt:open", {batch: 0})
    assert sweep(journal(), redis_client()) == 1
    spans_before = only(spans, "webhook")
    validate_batch.run(batch)
    assert parent_of(only(spans, "validate_batch")) == identity(spans_before)


def test_the_senders_own_trace_goes_on(spans, secret):
    theirs = f"00-{'a' * 32}-{'b' * 16}-01"
    post(secret, traceparent=theirs)
    webhook = only(spans, "webhook")
    assert f"{context_of(webhook).trace_id:032x}" == "a" * 32
    assert parent_of(webhook) == int("b" * 16, 16)


@pytest.mark.parametrize("odd", ["", "nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "x" * 5000])
def test_an_odd_traceparent_costs_no_event(spans, secret, odd):
    assert post(secret, traceparent=odd).status_code == 202
    assert parent_of(only(spans, "webhook")) is None


def _requests(number: int) -> list[_Single]:
    """Single events of so many requests, each in a trace of its own."""
    singles = []
    for place in range(number):
        with span_of("webhook", SpanKind.SERVER):
            singles.append(_Single({"event": EVENT}, Sender("k", "a", f"request {place}", traceparent())))
    return singles


def test_a_batch_of_several_requests_is_linked_to_all_of_them(spans, rule, double):
    singles = _requests(3)
    _commit(singles)()
    run(str(singles[0].batch))
    webhooks = {identity(span) for span in named(spans, "webhook")}
    assert len(webhooks) == 3
    for stage in STAGES:
        span = only(spans, stage)
        assert parent_of(span) is None
        assert {link.context.span_id for link in span.links} == webhooks


def test_what_goes_together_to_moogsoft_is_linked_to_all_its_requests(spans, secret, rule, double):
    batches = [post(secret, {**EVENT, "hostname": f"edge-{place}"}).json()["batch"] for place in range(3)]
    for batch in batches:
        validate_batch.run(batch)
        match_batch.run(batch)
    forward_together.run(batches)
    span = only(spans, "forward_together")
    assert {link.context.span_id for link in span.links} == {identity(one) for one in named(spans, "webhook")}
    assert span.attributes == {"mutt.batch_ids": tuple(sorted(batches)), "mutt.events": 3}
    assert parent_of(only(spans, "POST Moogsoft")) == identity(span)
    assert [len(request.body) for request in double.requests] == [3]


def test_without_tracing_nothing_is_recorded_and_the_journal_keeps_no_trace(secret, rule, double):
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)  # nobody has started one
    answer = post(secret, traceparent=f"00-{'a' * 32}-{'b' * 16}-01")
    batch = UUID(answer.json()["batch"])
    assert not redis_client().hexists(BATCH + str(batch), "traceparent")
    with span_of("any", SpanKind.INTERNAL) as span:
        assert not span.is_recording()
        assert traceparent() == ""
    run(str(batch))
    assert Record.objects.get().outcome == "delivered"


EXPORTING = """
import django
django.setup()
from opentelemetry.trace import SpanKind
from audit.following import span_of
from mutt_project import tracing
tracing.start("mutt-web")
with span_of("a span", SpanKind.INTERNAL):
    pass
"""


@pytest.mark.parametrize(("tracing_is", "expected"), [("true", ["/v1/traces"]), ("false", [])])
def test_spans_go_where_the_usual_variables_say_and_only_if_tracing_is_on(tracing_is, expected):
    taken: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        told = {
            **environ,
            "DJANGO_SETTINGS_MODULE": "mutt_project.settings.checks",
            "MUTT_TRACING": tracing_is,
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
        }
        subprocess.run([sys.executable, "-W", "ignore", "-c", EXPORTING], cwd=ROOT, env=told, check=True)
        server.shutdown()
    assert [path for path, _ in taken] == expected
    assert all(b"a span" in body for _, body in taken)


STARTED = """
import os, django
django.setup()
from opentelemetry import trace
from mutt_project import tracing
tracing.start("mutt-web")
provider = trace.get_tracer_provider()
print(type(provider).__name__, getattr(provider, "resource", None) and provider.resource.attributes["service.name"])
"""


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "ProxyTracerProvider None\n"),
        ({"MUTT_TRACING": "true"}, "TracerProvider mutt-web\n"),
        ({"MUTT_TRACING": "true", "OTEL_SERVICE_NAME": "ours"}, "TracerProvider ours\n"),
    ],
)
def test_a_process_makes_spans_only_if_it_is_told_to(variables, expected):
    told = {**environ, "DJANGO_SETTINGS_MODULE": "mutt_project.settings.checks", **variables}
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", STARTED], cwd=ROOT, env=told, capture_output=True, check=True
    )
    assert ended.stdout.decode() == expected
