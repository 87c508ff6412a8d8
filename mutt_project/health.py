"""Liveness, readiness and the metrics page."""

import os
from collections.abc import Iterable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from audit.journal import journal
from forwarder.breaker import State
from forwarder.looking import delivering
from ingest import canary
from mutt_project.status.readiness import is_ready, readiness


def healthz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django's signature
    """The process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django's signature
    """Whether events can be accepted: 503 where they cannot. PostgreSQL is told of; 202s go on without it."""
    checks = readiness()
    ready = is_ready(checks)
    told = {check.name: "ok" if check.is_well else check.text for check in checks}
    return JsonResponse({"status": "ok" if ready else "unavailable", "checks": told}, status=200 if ready else 503)


class DeliveryCollector(Collector):
    """How delivery stands, as Redis says at the moment of the scrape; no process has it, so none can be asked."""

    def collect(self) -> Iterable[Metric]:
        try:
            now, waiting = delivering(), journal().waiting()
            open_batches = journal().totals().open_batches
        except RedisError:
            return  # the gauges are missing then, which Prometheus can tell from 0
        state = GaugeMetricFamily("mutt_breaker_state", "1 for the state of Moogsoft's breaker.", labels=["state"])
        for word in State:
            state.add_metric([word.value], float(now.breaker.state is word))
        yield state
        forced, paused = now.breaker.forced, now.breaker.paused
        gauges = {
            "mutt_breaker_forced": ("1 while somebody forces the breaker.", forced is not None),
            "mutt_destination_paused": (
                "1 while Moogsoft refuses the key in use.",
                paused is not None and paused.for_this_key,
            ),
            "mutt_breaker_failures": ("Failures within the window.", now.breaker.failures),
            "mutt_batches_parked": ("Batches that wait for Moogsoft.", now.parked),
            "mutt_batches_in_line": ("Batches that wait for an earlier alert of the same key.", now.in_line),
            "mutt_batches_open": ("Batches that are accepted and not finished.", open_batches),
        }
        for name, (meaning, value) in gauges.items():
            yield GaugeMetricFamily(name, meaning, value=float(value))
        queues = GaugeMetricFamily("mutt_queue_messages", "Messages that wait in Celery's queues.", labels=["queue"])
        for queue, depth in waiting.queues.items():
            queues.add_metric([queue], depth)
        yield queues


class CanaryCollector(Collector):
    """How long ago a canary came through; nothing where none is sent."""

    def collect(self) -> Iterable[Metric]:
        if not settings.MUTT_CANARY_EVERY_S:
            return
        try:
            age = canary.age_s(timezone.now())
        except RedisError:
            return
        if age is not None:
            meaning = "Seconds since the receipt of the newest canary that came through."
            yield GaugeMetricFamily("mutt_canary_age_seconds", meaning, value=age)


def metrics(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """The metrics of all processes that share PROMETHEUS_MULTIPROC_DIR; without it, of this process alone."""
    shared = CollectorRegistry()
    shared.register(DeliveryCollector())
    shared.register(CanaryCollector())
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.MultiProcessCollector(shared)  # type: ignore[no-untyped-call] # prometheus_client leaves it untyped
        return HttpResponse(generate_latest(shared), content_type=CONTENT_TYPE_LATEST)
    return HttpResponse(generate_latest(REGISTRY) + generate_latest(shared), content_type=CONTENT_TYPE_LATEST)
