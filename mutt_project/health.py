"""Liveness, readiness and the metrics page."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from mutt_project.shared_metrics import process_metrics
from mutt_project.state_metrics import StateCollector
from mutt_project.status.readiness import is_ready, readiness


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django's signature
    """The process answers."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django's signature
    """Whether events can be accepted: 503 where they cannot. PostgreSQL is told of; 202s go on without it."""
    checks = readiness()
    ready = is_ready(checks)
    told = {check.name: "ok" if check.is_well else check.text for check in checks}
    return JsonResponse({"status": "ok" if ready else "unavailable", "checks": told}, status=200 if ready else 503)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """How MUTT stands, and what all processes that share PROMETHEUS_MULTIPROC_DIR count; without it, this process."""
    state = CollectorRegistry()
    state.register(StateCollector())
    page = generate_latest(process_metrics()) + generate_latest(state)
    return HttpResponse(page, content_type=CONTENT_TYPE_LATEST)
