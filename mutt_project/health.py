"""Liveness, readiness and the metrics page."""

import os
from collections.abc import Callable

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess
from redis.exceptions import RedisError

from audit.connections import redis_client


def healthz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django's signature
    """The process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django's signature
    """Whether events can be accepted: 503 while Redis is away. PostgreSQL is reported; 202s go on without it."""
    checks = {"redis": _state(_ping_redis), "postgresql": _state(_ping_postgresql)}
    ready = checks["redis"] == "ok"
    return JsonResponse({"status": "ok" if ready else "unavailable", "checks": checks}, status=200 if ready else 503)


def metrics(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """The metrics of all processes that share PROMETHEUS_MULTIPROC_DIR; without it, of this process alone."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call] # prometheus_client leaves it untyped
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


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
