"""The OpenID Connect provider, where one is set up."""

from django.conf import settings

BACKEND = "mutt_project.login.provider_backend.ProviderBackend"


def name() -> str:
    """What the link on the login page calls it; empty without a provider."""
    return str(settings.MUTT_OIDC_NAME) if settings.MUTT_OIDC_ISSUER else ""
