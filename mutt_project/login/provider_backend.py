"""Checks what the provider says of a person: mozilla-django-oidc asks, PyJWT verifies, and we look closer than both."""

from typing import Any

import jwt
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from mutt_project.login import provider
from mutt_project.login.provider_people import admit

_LEEWAY_S = 30


class ProviderBackend(provider.OurSettings, OIDCAuthenticationBackend):  # type: ignore[misc] # the library is untyped
    """An authentication backend of Django; with passwords it has nothing to do."""

    def __init__(self) -> None:  # the library's own asks for the endpoints, at each login by password as well
        self.UserModel = get_user_model()

    def authenticate(self, request: HttpRequest | None, *, nonce: str, code_verifier: str) -> User | None:
        """Raises what the library does, ProviderError and NotWelcome."""
        for name, value in provider.library_settings().items():
            setattr(self, name, value)
        person: User | None = super().authenticate(request, nonce=nonce, code_verifier=code_verifier)
        return person

    def verify_token(self, token: str, **kwargs: Any) -> dict[str, Any]:
        """The claims of an ID token (OpenID Connect Core 1.0, 3.1.3.7).

        The library checks signature and nonce, but neither for whom the token is nor from whom.
        """
        client: str = self.get_settings("OIDC_RP_CLIENT_ID")
        claims: dict[str, Any] = jwt.decode(
            token,
            self.retrieve_matching_jwk(token),
            algorithms=[self.get_settings("OIDC_RP_SIGN_ALGO")],
            audience=client,
            issuer=provider.issuer(),
            leeway=_LEEWAY_S,
            options={"require": ["exp", "iat", "aud", "iss", "sub"]},
        )
        nonce = kwargs.get("nonce")
        if not nonce or not constant_time_compare(str(claims.get("nonce", "")), nonce):
            raise SuspiciousOperation("the ID token is not the answer to this login")
        if claims.get("azp", client) != client:
            raise SuspiciousOperation("the ID token was issued to another client")
        return claims

    def retrieve_matching_jwk(self, token: str) -> Any:
        """The provider's key that has signed it; a token need not name it where there is but one."""
        known = provider.asked("GET", self.get_settings("OIDC_OP_JWKS_ENDPOINT"))
        named = jwt.get_unverified_header(token).get("kid")
        keys = jwt.PyJWKSet.from_dict(known).keys
        fitting = [one.key for one in keys if named in {None, one.key_id} and one.public_key_use in {None, "sig"}]
        if len(fitting) != 1:
            raise SuspiciousOperation("the provider has no such key, or several")
        return fitting[0]

    def get_token(self, payload: dict[str, Any]) -> Any:
        return provider.asked("POST", self.get_settings("OIDC_OP_TOKEN_ENDPOINT"), data=payload)

    def get_userinfo(self, access_token: str, id_token: str, payload: dict[str, Any]) -> Any:  # noqa: ARG002 - the library's signature
        headers = {"Authorization": f"Bearer {access_token}"}
        return provider.asked("GET", self.get_settings("OIDC_OP_USER_ENDPOINT"), headers=headers)

    def store_tokens(self, access_token: str, id_token: str) -> None:
        """They have served their purpose."""

    def get_or_create_user(self, access_token: str, id_token: str, payload: dict[str, Any]) -> User:
        told = self.get_userinfo(access_token, id_token, payload)
        if not isinstance(told, dict) or told.get("sub") != payload["sub"]:
            raise SuspiciousOperation("the provider tells about somebody else")
        return admit(provider.issuer(), {**payload, **told})

    def get_user(self, user_id: Any) -> User | None:
        """Django's own, which knows nobody who was deactivated."""
        person: User | None = super(OIDCAuthenticationBackend, self).get_user(user_id)
        return person
