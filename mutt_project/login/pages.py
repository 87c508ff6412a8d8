"""Admin's own login: the same limits and the same way in as over the API, and a second step for who has a device."""

import time
from typing import Any

from django import forms
from django.contrib import admin, auth
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, RedirectURLMixin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView

from mutt_project.login import provider, second_factor
from mutt_project.login.entering import (
    LONGEST_PASSWORD,
    TooManyAttempts,
    WrongCredentials,
    check_address,
    check_password,
    note_failure,
    note_success,
)
from mutt_project.login.sessions import begin_session

_HALF_IN = "mutt_half_in"
_HALF_IN_FOR_S = 5 * 60


class LimitedForm:
    """Says when to come again, if that is what is wrong."""

    wait_s = 0

    def limited(self, error: TooManyAttempts) -> ValidationError:
        self.wait_s = error.wait_s
        return ValidationError(str(error))


class PasswordForm(LimitedForm, AdminAuthenticationForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].max_length = LONGEST_PASSWORD  # type: ignore[attr-defined] # it is a CharField

    def clean(self) -> dict[str, Any]:
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if name and password and self.request:
            try:
                self.user_cache = check_password(self.request, name, password)
            except TooManyAttempts as error:
                raise self.limited(error) from error
            except WrongCredentials as error:
                raise ValidationError(error.text) from error
        return self.cleaned_data


class CodeForm(LimitedForm, forms.Form):
    """The second step."""

    code = forms.CharField(
        label="Code",
        max_length=16,
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "one-time-code", "autocapitalize": "none"}),
    )

    def __init__(self, *args: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._request = request
        self.user = user

    def clean_code(self) -> str:
        username = self.user.get_username()
        try:
            check_address(self._request, username)
        except TooManyAttempts as error:
            raise self.limited(error) from error
        code = str(self.cleaned_data["code"])
        self.user.otp_device = second_factor.verified(self.user, code)  # type: ignore[attr-defined] # for django-otp
        if self.user.otp_device is None:  # type: ignore[attr-defined] # as above
            note_failure(self._request, username, "code")
            raise ValidationError("This code is not right, or was used before. After wrong ones, wait a little longer.")
        return code


class _EntrancePage(RedirectURLMixin):
    """What both steps have in common."""

    next_page = "admin:index"
    request: HttpRequest

    def form_invalid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)  # type: ignore[misc] # of the view beside this mixin
        if form.wait_s:
            response.status_code = 429
            response.headers["Retry-After"] = str(form.wait_s)
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc] # as above
        site = {**admin.site.each_context(self.request), "has_permission": False}
        ours = {"title": "Log in", "subtitle": None, "app_path": self.request.get_full_path()}
        return {**context, **site, **ours, "next": self.get_redirect_url(), "provider": provider.name()}

    def enter(self, user: User, backend: str | None = None) -> HttpResponse:
        begin_session(self.request, user, backend)
        response = HttpResponseRedirect(self.get_success_url())
        note_success(self.request, response, user)
        return response


@method_decorator(sensitive_post_parameters(), name="dispatch")
@method_decorator(never_cache, name="dispatch")
class LoginPage(_EntrancePage, LoginView):
    """User name and password."""

    authentication_form = PasswordForm
    template_name = "mutt_project/login.html"
    http_method_names = ("get", "post", "head", "options")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if admin.site.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        return super().get(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        user = form.get_user()
        if not second_factor.needs_code(user):
            return self.enter(user)
        until = int(time.time()) + _HALF_IN_FOR_S
        self.request.session[_HALF_IN] = [user.pk, user.backend, user.get_session_auth_hash(), until]
        query = urlencode({"next": self.get_redirect_url()}) if self.get_redirect_url() else ""
        return HttpResponseRedirect(f"{reverse('login-code')}{'?' if query else ''}{query}")


@method_decorator(sensitive_post_parameters(), name="dispatch")
@method_decorator(never_cache, name="dispatch")
class LoginCodePage(_EntrancePage, FormView[CodeForm]):
    """The code, within five minutes after the password."""

    form_class = CodeForm
    template_name = "mutt_project/login_code.html"
    http_method_names = ("get", "post", "head", "options")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        user, self._backend = _half_in(request)
        if user is None:
            return HttpResponseRedirect(reverse("admin:login"))
        self._user = user
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request, "user": self._user}

    def form_valid(self, form: CodeForm) -> HttpResponse:
        del self.request.session[_HALF_IN]
        return self.enter(form.user, self._backend)


def _half_in(request: HttpRequest) -> tuple[User | None, str]:
    """Whose password was right a moment ago, and is so still; and what has checked it."""
    key, backend, digest, until = request.session.get(_HALF_IN, (None, "", "", 0))
    if key is None or time.time() > until:
        return None, ""
    user = auth.load_backend(backend).get_user(key)  # none if the person was deactivated
    if user is None or not user.is_staff or not constant_time_compare(digest, user.get_session_auth_hash()):
        return None, ""
    return user, backend
