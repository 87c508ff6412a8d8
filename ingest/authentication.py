"""Who is calling: the API key of a request, looked up by its hash and remembered for a moment."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import Error
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from ingest.models import ApiKey, Scope, digest_of

if TYPE_CHECKING:
    # At run time this would be a circle: DRF's views import this module.
    from rest_framework.views import APIView

HEADER = "X-API-KEY"


class KeysUnavailableError(Exception):
    """PostgreSQL is away and this key was not seen before."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A known key. It stands where Django has a user."""

    name: str
    scopes: frozenset[str]
    expires_at: datetime | None = None
    is_authenticated: bool = True
    is_active: bool = True

    @property
    def pk(self) -> str:
        return self.name

    def may(self, scope: Scope, now: datetime) -> bool:
        return scope.value in self.scopes and (self.expires_at is None or now < self.expires_at)


class KnownKeys:
    """Keys by their hash. They are asked for again after `max_age_s`; while PostgreSQL is away, they stand."""

    def __init__(self, max_age_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_age_s = max_age_s
        self._clock = clock
        self._lock = threading.Lock()
        self._callers: dict[str, tuple[float, Caller]] = {}

    def find(self, secret: str) -> Caller | None:
        """The caller with this key; None if nobody has it. Raises KeysUnavailableError."""
        digest = digest_of(secret)
        with self._lock:
            known = self._callers.get(digest)
        if known and self._clock() - known[0] < self._max_age_s:
            return known[1]
        if known is None:
            return self._refresh(digest)
        # One request asks anew; the others, and all for a while after PostgreSQL did not answer, go by what is known.
        with self._lock:
            self._callers[digest] = (self._clock(), known[1])
        try:
            return self._refresh(digest)
        except KeysUnavailableError:
            return known[1]

    def _refresh(self, digest: str) -> Caller | None:
        try:
            caller = _look_up(digest)
        except Error as error:
            raise KeysUnavailableError from error
        with self._lock:
            if caller is None:
                self._callers.pop(digest, None)
            else:
                self._callers[digest] = (self._clock(), caller)
        return caller


def _look_up(digest: str) -> Caller | None:
    # The index finds a hash, not a secret: timing tells nothing about keys.
    key = ApiKey.objects.filter(digest=digest, is_active=True).first()
    return Caller(key.name, frozenset(key.scopes), key.expires_at) if key else None


known_keys = KnownKeys(max_age_s=settings.MUTT_KEY_MAX_AGE_S)


def caller_of(request: HttpRequest) -> Caller | None:
    """The caller of a request; None without a valid key. Raises KeysUnavailableError."""
    secret = request.headers.get(HEADER, "")
    return known_keys.find(secret) if secret else None


class KeysUnavailable(APIException):
    status_code = 503
    default_detail = "API keys cannot be checked just now: PostgreSQL is away. Try again in a few seconds."


class ApiKeyAuthentication(BaseAuthentication):
    """DRF's view of the same keys."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        if HEADER not in request.headers:
            return None
        try:
            caller = caller_of(request._request)  # noqa: SLF001 - DRF offers no other way to the HttpRequest
        except KeysUnavailableError as error:
            raise KeysUnavailable from error
        if caller is None:
            raise AuthenticationFailed("This API key is not known, or it was deactivated.")
        return caller, None

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - DRF's signature
        return f"ApiKey header={HEADER}"


class HasScope(BasePermission):
    """Keys need `read` to look and `write` to change; people need the model's Django permission."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        reading = request.method in SAFE_METHODS
        user: Any = request.user
        if isinstance(user, Caller):
            return user.may(Scope.READ if reading else Scope.WRITE, timezone.now())
        if not (user and user.is_authenticated and user.is_staff):
            return False
        return _person_may(user, request.method or "", view)


_ACTIONS = {
    "GET": "view",
    "HEAD": "view",
    "OPTIONS": "view",
    "POST": "add",
    "PUT": "change",
    "PATCH": "change",
    "DELETE": "delete",
}


def _person_may(user: Any, method: str, view: "APIView") -> bool:
    queryset = getattr(view, "queryset", None)
    if queryset is None:
        return method in SAFE_METHODS
    meta = queryset.model._meta  # noqa: SLF001 - Django's documented Model._meta API
    action = _ACTIONS.get(method)
    return action is not None and bool(user.has_perm(f"{meta.app_label}.{action}_{meta.model_name}"))
