"""Who is calling: the API key of a request, looked up by its hash and remembered for a moment."""

import base64
import hmac
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import Error, transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from audit.changes import found_to_be
from audit.tuning.present import tuned
from ingest.answers import Why
from ingest.models import ApiKey, Scope, digest_of
from ingest.sealing import SealError, unseal

if TYPE_CHECKING:
    # At run time this would be a circle: DRF's views import this module.
    from rest_framework.views import APIView

HEADER = "X-API-KEY"
_AS_IN_META = "HTTP_X_API_KEY"
LAST_USED_EVERY = timedelta(minutes=1)
MOST_KNOWN = 10_000

logger = logging.getLogger(__name__)


class KeysUnavailableError(Exception):
    """PostgreSQL is away and this key was not seen before."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A known key. It stands where Django has a user. An empty `rate_limit` means: as MUTT_KEY_RATE says."""

    name: str
    scopes: frozenset[str]
    expires_at: datetime | None = None
    is_authenticated: bool = True
    is_active: bool = True
    allowed_sources: frozenset[str] = frozenset()
    in_url: bool = False
    rate_limit: str = ""
    signing_secrets: tuple[bytes, ...] = field(default=(), repr=False)
    key_id: int | None = field(default=None, compare=False)

    @property
    def pk(self) -> str:
        return self.name

    def may(self, scope: Scope, now: datetime) -> bool:
        return scope.value in self.scopes and not self.has_expired(now)

    def has_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and now >= self.expires_at

    def may_send(self, source: str) -> bool:
        """Whether the key is for this source; a key that names none is for all."""
        return not self.allowed_sources or source in self.allowed_sources


def rate_of(caller: Caller) -> str:
    """The most requests that its key may send, to the webhook and the API together."""
    return str(caller.rate_limit or tuned.MUTT_KEY_RATE)


@dataclass(frozen=True, slots=True)
class Found:
    """The caller; or why there is none, and the name of the key where there is one that cannot be used.

    Both are for operators: whoever holds such a key is told what whoever holds none is told.
    """

    caller: Caller | None
    why: Why | None = None
    name: str = ""


class KnownKeys:
    """Keys by their hash. They are asked for again after `max_age_s`; while PostgreSQL is away, they stand.

    Only hashes that are in the table are remembered, and MOST_KNOWN of them: guessing fills no memory.
    """

    def __init__(self, max_age_s: float, clock: Callable[[], float] = time.monotonic, most: int = MOST_KNOWN) -> None:
        self._max_age_s = max_age_s
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        self._found: dict[str, tuple[float, Found]] = {}

    def find(self, secret: str) -> Caller | None:
        """The caller with this key; None if nobody has it. Raises KeysUnavailableError."""
        return self.look(secret).caller

    def look(self, secret: str) -> Found:
        """The same, and why there is no caller. Raises KeysUnavailableError."""
        digest = digest_of(secret)
        with self._lock:
            known = self._found.get(digest)
        if known and self._clock() - known[0] < self._max_age_s:
            return known[1]
        if known is None:
            return self._refresh(digest)
        # One request asks anew; the others, and all for a while after PostgreSQL did not answer, go by what is known.
        self._remember(digest, known[1])
        try:
            return self._refresh(digest)
        except KeysUnavailableError:
            return known[1]

    def _refresh(self, digest: str) -> Found:
        try:
            key = _look_up(digest)
        except Error as error:
            raise KeysUnavailableError from error
        if key is None or not key.is_active:
            with self._lock:
                self._found.pop(digest, None)
            return Found(None, Why.REVOKED_KEY, key.name) if key else Found(None, Why.UNKNOWN_KEY)
        caller = _caller(key, key.expires_at if key.digest == digest else _earlier(key.expires_at, key.former_until))
        found = Found(caller) if caller else Found(None, Why.UNREADABLE_KEY, key.name)
        self._remember(digest, found)
        if caller:
            _note_use(key)
        return found

    def _remember(self, digest: str, found: Found) -> None:
        with self._lock:
            self._found.pop(digest, None)  # so that the first in the dictionary is the one asked for longest ago
            if len(self._found) >= self._most:
                del self._found[next(iter(self._found))]
            self._found[digest] = (self._clock(), found)


def _look_up(digest: str) -> ApiKey | None:
    # The index finds a hash, not a secret: its timing tells nothing about keys. What is found is compared once more,
    # in constant time, so that nothing hangs on how the database compares texts.
    former = Q(former_digest=digest, former_until__gt=timezone.now())
    key = ApiKey.objects.filter(Q(digest=digest) | former).first()
    same = key and (hmac.compare_digest(key.digest, digest) or hmac.compare_digest(key.former_digest, digest))
    return key if same else None


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((moment for moment in (one, other) if moment is not None), default=None)


def _caller(key: ApiKey, expires_at: datetime | None) -> Caller | None:
    """The key as a caller; None if its signing secrets cannot be read, for then nothing it sends can be believed."""
    try:
        signing_secrets = tuple(unseal(sealed) for sealed in key.signing_secrets)
    except SealError as error:
        logger.error("API key “%s” is refused: %s", key.name, error)  # noqa: TRY400 - the message says it all
        return None
    return Caller(
        key.name,
        frozenset(key.scopes),
        expires_at,
        allowed_sources=frozenset(key.allowed_sources),
        in_url=key.in_url,
        rate_limit=key.rate_limit,
        signing_secrets=signing_secrets,
        key_id=key.pk,
    )


def _note_use(key: ApiKey) -> None:
    """Note about once a minute that a key is in use. A PostgreSQL that cannot be written to keeps nobody out."""
    now = timezone.now()
    if key.last_used_at and now - key.last_used_at < LAST_USED_EVERY:
        return
    long_ago = Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USED_EVERY)
    try:
        with transaction.atomic():
            ApiKey.objects.filter(long_ago, pk=key.pk).update(last_used_at=now)
    except Error as error:
        logger.warning("the use of API key “%s” was not noted: %s", key.name, type(error).__name__)


known_keys = KnownKeys(max_age_s=settings.MUTT_KEY_MAX_AGE_S)


def caller_of(request: HttpRequest, url_token: str | None = None) -> Caller | None:
    """The caller of a request; None without a valid key. Raises KeysUnavailableError.

    The first of these that the request has is taken: X-API-KEY, Authorization (Bearer, or Basic with the key as
    password), and `url_token`, which counts only for keys that may be in the URL.
    """
    return look_for_caller(request, url_token).caller


def look_for_caller(request: HttpRequest, url_token: str | None = None) -> Found:
    """The same, and why there is no caller. Raises KeysUnavailableError."""
    secret = _secret_in_headers(request)
    if secret is not None:
        return known_keys.look(secret) if secret else Found(None, Why.NO_KEY)
    if not url_token:
        return Found(None, Why.NO_KEY)
    found = known_keys.look(url_token)
    if found.caller and not found.caller.in_url:
        return Found(None, Why.KEY_IN_URL, found.caller.name)
    return found


def _secret_in_headers(request: HttpRequest) -> str | None:
    """The key in the headers: empty if there is something that is none, None if there is nothing."""
    # META and not `headers`, which would be made of all headers for each request.
    if given := request.META.get(_AS_IN_META):
        return str(given)
    authorization: str = request.META.get("HTTP_AUTHORIZATION", "")
    scheme, _, credentials = authorization.strip().partition(" ")
    match scheme.lower():
        case "bearer":
            return credentials.strip()
        case "basic":
            return _password(credentials.strip())
    return None


def _password(credentials: str) -> str:
    """The password of Basic credentials (RFC 7617), empty if they are malformed; the user name may be anything."""
    try:
        pair = base64.b64decode(credentials.encode(), validate=True)
    except ValueError:
        return ""
    return pair.partition(b":")[2].decode("utf-8", "replace")


class KeysUnavailable(APIException):
    status_code = 503
    default_detail = "API keys cannot be checked just now: PostgreSQL is away. Try again in a few seconds."


class ApiKeyAuthentication(BaseAuthentication):
    """DRF's view of the same keys."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        http = request._request  # noqa: SLF001 - DRF offers no other way to the HttpRequest
        if HEADER not in http.headers and _secret_in_headers(http) is None:
            return None  # a person, perhaps, whom the session knows
        try:
            caller = caller_of(http)
        except KeysUnavailableError as error:
            raise KeysUnavailable from error
        if caller is None:
            raise AuthenticationFailed("This API key is not known, or it was deactivated.")
        if caller.signing_secrets:
            raise AuthenticationFailed("This API key signs what it sends; it is for the webhook only.")
        found_to_be(f"API key {caller.name}")
        return caller, None

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - DRF's signature
        return f"ApiKey header={HEADER}"


class HasScope(BasePermission):
    """Keys need `read` to look and `write` to change; people need the model's Django permission."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        user: Any = request.user
        if isinstance(user, Caller):
            scope = Scope.READ if getattr(view, "reads_only", False) else self.scope_for(request)
            return user.may(scope, timezone.now())
        if not (user and user.is_authenticated and user.is_staff):
            return False
        return _person_may(user, request.method or "", view)

    def scope_for(self, request: Request) -> Scope:
        return Scope.READ if request.method in SAFE_METHODS else Scope.WRITE


class HasAdminScope(HasScope):
    """Keys need `admin` for whatever they do; people need the model's Django permission."""

    def scope_for(self, request: Request) -> Scope:  # noqa: ARG002 - the same for all
        return Scope.ADMIN


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
    if getattr(view, "for_all_staff", False):
        return method in SAFE_METHODS
    queryset = getattr(view, "queryset", None)
    if queryset is None:
        return False  # a view that does not say whose rights it needs is for nobody
    meta = queryset.model._meta  # noqa: SLF001 - Django's documented Model._meta API
    actions = _people_need(view, method)
    named = [f"{meta.app_label}.{action}_{meta.model_name}" for action in actions]
    also: tuple[str, ...] = getattr(view, "people_also_need", {}).get(getattr(view, "action", None), ())
    return bool(actions) and user.has_perms([*named, *also])


def _people_need(view: "APIView", method: str) -> tuple[str, ...]:
    """Django's permissions that a person needs; none where nobody may."""
    if getattr(view, "reads_only", False):
        return ("view",)
    named: tuple[str, ...] | None = getattr(view, "people_need", {}).get(getattr(view, "action", None))
    if named:
        return named
    # A POST to an entry, rather than to the list, changes that entry.
    if method == "POST" and getattr(view, "detail", False):
        return ("change",)
    return (_ACTIONS[method],) if method in _ACTIONS else ()
