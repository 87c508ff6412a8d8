"""To the provider and back."""

import logging
from typing import Any

import jwt
import requests
from django.contrib import messages
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import SuspiciousOperation
from django.db import DataError, IntegrityError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView, OIDCAuthenticationRequestView
from urllib3.exceptions import HTTPError

from mutt_project.login import provider
from mutt_project.login.entering import TooManyAttempts, check_address, note_failure, note_success
from mutt_project.login.provider_people import NotWelcome
from mutt_project.login.sessions import begin_session

_NO_ANSWER = (
    *(requests.RequestException, HTTPError, jwt.PyJWTError, SuspiciousOperation, LookupError, TypeError, ValueError),
    *(IntegrityError, DataError),  # the same person twice at the same moment; a subject that is far too long
)

logger = logging.getLogger(__name__)


class _Away(provider.OurSettings, OIDCAuthenticationRequestView):  # type: ignore[misc] # the library is untyped
    """Sends to the provider, with state, nonce and PKCE."""


class _Back(provider.OurSettings, OIDCAuthenticationCallbackView):  # type: ignore[misc] # as above
    """Takes the provider's answer."""

    user: Any
    request: HttpRequest

    def get(self, request: HttpRequest) -> HttpResponse:
        """The library would log out whoever follows a link of somebody else with an error in it."""
        if request.GET.get("error"):
            return self.login_failure()
        response: HttpResponse = super().get(request)
        return response

    def login_success(self) -> HttpResponse:
        begin_session(self.request, self.user)
        response = HttpResponseRedirect(self.success_url)
        note_success(self.request, response, self.user, "the provider")
        return response

    def login_failure(self) -> HttpResponse:
        return _refused(self.request, f"{provider.name()} did not let you in, or this took too long. Try again.")


@require_GET
@never_cache
def to_provider(request: HttpRequest) -> HttpResponse:
    """It is here that attempts are counted: nobody comes back who was not sent."""
    if provider.name():
        try:
            check_address(request, "")
        except TooManyAttempts as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(reverse("admin:login"))
    return _shown(_Away, request)


@require_GET
@never_cache
def from_provider(request: HttpRequest) -> HttpResponse:
    return _shown(_Back, request)


def _shown(view: Any, request: HttpRequest) -> HttpResponse:
    if not provider.name():
        raise Http404
    try:
        response: HttpResponse = view.as_view()(request)
    except (provider.ProviderError, NotWelcome) as error:
        return _refused(request, str(error))
    except _NO_ANSWER as error:  # its text may hold what the provider has answered
        logger.warning("the OpenID Connect provider cannot be understood: %s", type(error).__name__)
        return _refused(request, f"What {provider.name()} answered cannot be used. Try again.")
    return response


def _refused(request: HttpRequest, why: str) -> HttpResponse:
    user_login_failed.send(sender=__name__, credentials={"provider": provider.issuer()}, request=request)
    note_failure(request, "", "by the provider")
    messages.error(request, why)
    return HttpResponseRedirect(reverse("admin:login"))
