"""Liveness, readiness and the metrics page."""

from collections.abc import Callable

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from redis.exceptions import RedisError

from audit.connections import redis_client
from mutt_project.shared_metrics import process_metrics
from mutt_project.state_metrics import StateCollector


def healthz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django's signature
    """The process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django's signature
    """Whether events can be accepted: 503 while Redis is away. PostgreSQL is reported; 202s go on without it."""
    checks = {"redis": _state(_ping_redis), "postgresql": _state(_ping_postgresql)}
    ready = checks["redis"] == "ok"
    return JsonResponse({"status": "ok" if ready else "unavailable", "checks": checks}, status=200 if ready else 503)


def metrics(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """How MUTT stands, and what all processes that share PROMETHEUS_MULTIPROC_DIR count; without it, this process."""
    state = CollectorRegistry()
    state.register(StateCollector())
    page = generate_latest(process_metrics()) + generate_latest(state)
    return HttpResponse(page, content_type=CONTENT_TYPE_LATEST)


def _ping_redis() -> None:
    redis_client().ping()


def _ping_postgresql() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _state(check: Callable[[], None]) -> str:
    try:
        check()
    except (RedisError, Error) as error:
        return f"unreachable ({type(error).__name__})"
    return "ok"
