"""OpenTelemetry's tracing: off unless MUTT_TRACING says so; the OTEL_* variables say where spans go, and how many."""

import os
from importlib import import_module

from django.conf import settings
from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def start(service: str) -> None:
    """Have this process export its spans, if that is wanted."""
    if settings.MUTT_TRACING:
        exporter = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")  # large: only where wanted
        trace.set_tracer_provider(provider(service, BatchSpanProcessor(exporter.OTLPSpanExporter())))


def provider(service: str, processor: SpanProcessor) -> TracerProvider:
    """What makes spans and hands them to `processor`. OTEL_SERVICE_NAME comes before the name of the service."""
    made = TracerProvider(resource=Resource.create({SERVICE_NAME: os.environ.get("OTEL_SERVICE_NAME") or service}))
    made.add_span_processor(processor)
    return made
