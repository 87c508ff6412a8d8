"""Following events through MUTT: which request, batch and task a log line is about, and OpenTelemetry's spans.

What leads back to the requests stands in the journal, not in Celery's messages: so it does not matter who queues a
batch. Without an SDK (mutt_project/tracing.py) OpenTelemetry's API makes no spans, and nothing is kept of them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from structlog.contextvars import bound_contextvars, get_contextvars

from audit.journal import Claim

Attributes = Mapping[str, str | int | Sequence[str]]

_TRACEPARENT = "traceparent"
_w3c = TraceContextTextMapPropagator()


def correlation_id() -> str:
    """That of the request at hand; empty where there is none."""
    return str(get_contextvars().get("correlation_id", ""))


def correlation_fields(identifiers: Iterable[str]) -> dict[str, str | list[str]]:
    """The fields of a log line about events of these correlation ids."""
    distinct = [one for one in dict.fromkeys(identifiers) if one]
    if len(distinct) > 1:
        return {"correlation_ids": distinct}
    return {"correlation_id": distinct[0]} if distinct else {}


def traceparent() -> str:
    """The span at hand, as the journal keeps it; empty where there is none."""
    carrier: dict[str, str] = {}
    _w3c.inject(carrier)
    return carrier.get(_TRACEPARENT, "")


def context_of(parent: str) -> Context:
    """What a span goes on with whose parent is elsewhere; nothing where `parent` is empty, or no traceparent."""
    return _w3c.extract({_TRACEPARENT: parent} if parent else {}, Context())


@contextmanager
def at_work(stage: str, claims: Sequence[Claim]) -> Iterator[Span]:
    """Have log lines and a span say which batches a stage works on."""
    entries = [(claim, entry) for claim in claims for entry in claim.events]
    parents = dict.fromkeys(entry.get("traceparent", claim.traceparent) for claim, entry in entries)
    fields = correlation_fields(entry.get("correlation_id", claim.correlation_id) for claim, entry in entries)
    batches = [str(claim.batch) for claim in claims]
    attributes: Attributes = {"mutt.batch_ids": batches, "mutt.events": len(entries)}
    with bound_contextvars(**fields), _following(stage, [one for one in parents if one], attributes) as span:
        yield span


def _following(name: str, parents: Sequence[str], attributes: Attributes) -> AbstractContextManager[Span]:
    """A span that goes on with one request, or is linked to several."""
    contexts = [context_of(parent) for parent in parents]
    if len(contexts) == 1:
        return span_of(name, SpanKind.CONSUMER, contexts[0], attributes=attributes)
    linked = [trace.get_current_span(context).get_span_context() for context in contexts]
    links = [Link(context) for context in linked if context.is_valid]
    return span_of(name, SpanKind.CONSUMER, Context(), links, attributes)


@contextmanager
def span_of(
    name: str,
    kind: SpanKind,
    context: Context | None = None,
    links: Sequence[Link] = (),
    attributes: Attributes | None = None,
) -> Iterator[Span]:
    """A span that tells of an error its type only: messages may hold what senders sent."""
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):  # nobody wants spans
        yield trace.INVALID_SPAN
        return
    tracer = trace.get_tracer("mutt")
    with tracer.start_as_current_span(
        name, context, kind, attributes, links, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except Exception as error:
            span.set_status(StatusCode.ERROR, type(error).__name__)
            raise
