"""The OpenID Connect provider, where one is set up, and what it says of itself (OpenID Connect Discovery 1.0)."""

import json
import threading
import time
from collections.abc import Mapping
from typing import Any

import requests
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from urllib3.exceptions import HTTPError

from mutt_project.settings.environment import web_address

BACKEND = "mutt_project.login.provider_backend.ProviderBackend"
CALLBACK = "provider-callback"
TIMEOUT_S = 5
MOST = 1_000_000
_KNOWN_FOR_S = 10 * 60
_AWAY_FOR_S = 5
_ENDPOINTS = {
    "OIDC_OP_AUTHORIZATION_ENDPOINT": "authorization_endpoint",
    "OIDC_OP_TOKEN_ENDPOINT": "token_endpoint",
    "OIDC_OP_USER_ENDPOINT": "userinfo_endpoint",
    "OIDC_OP_JWKS_ENDPOINT": "jwks_uri",
}


class ProviderError(Exception):
    """The provider does not say what is needed; the message is for people who log in, too."""


def name() -> str:
    """What the link on the login page calls it; empty without a provider."""
    return str(settings.MUTT_OIDC_NAME) if issuer() else ""


def issuer() -> str:
    return str(settings.MUTT_OIDC_ISSUER)


class _Endpoints:
    """What was discovered a while ago; for a moment also that nothing was, so that not every thread waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._issuer = ""
        self._found: Mapping[str, str] | ProviderError = {}
        self._until = 0.0

    def get(self, wanted: str) -> Mapping[str, str]:
        with self._lock:
            if wanted != self._issuer or time.monotonic() >= self._until:
                self._look(wanted)
            if isinstance(self._found, ProviderError):
                raise ProviderError(str(self._found))
            return self._found

    def _look(self, wanted: str) -> None:
        self._issuer = wanted
        try:
            self._found, known_for_s = _discovered(wanted), _KNOWN_FOR_S
        except ProviderError as error:
            self._found, known_for_s = error, _AWAY_FOR_S
        self._until = time.monotonic() + known_for_s


_endpoints = _Endpoints()


def library_settings() -> dict[str, Any]:
    """What mozilla-django-oidc wants to know, in its own words. Raises ProviderError."""
    return {
        **_endpoints.get(issuer()),
        "OIDC_RP_CLIENT_ID": settings.MUTT_OIDC_CLIENT_ID,
        "OIDC_RP_CLIENT_SECRET": settings.MUTT_SECRETS.get("MUTT_OIDC_CLIENT_SECRET", ""),
        "OIDC_RP_SIGN_ALGO": settings.MUTT_OIDC_ALGORITHM,
        "OIDC_RP_SCOPES": settings.MUTT_OIDC_SCOPES,
        "OIDC_USE_PKCE": True,
        "OIDC_TIMEOUT": TIMEOUT_S,
        "OIDC_AUTHENTICATION_CALLBACK_URL": CALLBACK,
        "LOGIN_REDIRECT_URL": "admin:index",
        "LOGIN_REDIRECT_URL_FAILURE": "admin:login",
    }


class OurSettings:
    """Gives the library's classes what MUTT's settings say, not Django's."""

    @staticmethod
    def get_settings(attribute: str, *default: Any) -> Any:
        ours = library_settings()
        if attribute not in ours and not default:
            raise ImproperlyConfigured(f"{attribute} is not known")
        return ours.get(attribute, *default)


def asked(method: str, address: str, **how: Any) -> Any:
    """The JSON that the provider answers: no redirects, since they could lead anywhere, and no more than MOST bytes.

    Raises requests' RequestException, ValueError and ProviderError.
    """
    with requests.request(method, address, timeout=TIMEOUT_S, allow_redirects=False, stream=True, **how) as answer:
        if answer.status_code != requests.codes.ok:
            raise ProviderError(f"{name()} does not answer as it should: {answer.status_code}.")
        body = answer.raw.read(MOST + 1, decode_content=True)
    if len(body) > MOST:
        raise ProviderError(f"{name()} answered more than {MOST:,} bytes.")
    return json.loads(body)


def _discovered(expected: str) -> dict[str, str]:
    address = f"{expected.rstrip('/')}/.well-known/openid-configuration"
    try:
        said = asked("GET", address)
    except (requests.RequestException, HTTPError, ValueError) as error:
        raise ProviderError(f"{name()} does not answer: {type(error).__name__}.") from None
    if not isinstance(said, dict) or str(said.get("issuer", "")).rstrip("/") != expected.rstrip("/"):
        raise ProviderError(f"{name()} does not say that it is what MUTT_OIDC_ISSUER names.")
    try:
        return {ours: web_address(str(said.get(theirs, ""))) for ours, theirs in _ENDPOINTS.items()}
    except ValueError as error:
        raise ProviderError(f"{name()} names an endpoint that cannot be used: {error}.") from None
