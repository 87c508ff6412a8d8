"""The page of admin on which people set up, renew or remove their own second factor."""

import logging
from base64 import b32encode
from typing import Any

import qrcode
from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.generic import View
from django_otp import login as note_device
from django_otp.util import random_hex

from ingest.addresses import address_of
from mutt_project.login import second_factor
from mutt_project.login.devices import device_of
from mutt_project.login.entering import LONGEST_PASSWORD, TooManyAttempts, WrongCredentials, check_password
from mutt_project.login.slowing import forgive

_KEY = "mutt_new_totp_key"
_KEY_BYTES = 20  # RFC 4226 recommends 160 bits
_WRONG = "This code is not right. Is the phone's clock? After wrong ones, wait a little longer."

logger = logging.getLogger(__name__)


class OwnCodeForm(forms.Form):
    code = forms.CharField(
        max_length=16, widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autocapitalize": "none"})
    )


class NewCodeForm(OwnCodeForm):
    """With the password of today: somebody else may sit before a screen that was left open."""

    password = forms.CharField(
        max_length=LONGEST_PASSWORD,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class SecondFactorPage(View):
    """What is there already can only be changed with a code of it; where nothing is, with the password."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not second_factor.is_on() or not isinstance(request.user, User):
            raise Http404
        self.user: User = request.user
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(request, self._form_class()())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self._form_class()(request.POST)
        if not form.is_valid():
            return self._page(request, form)
        if second_factor.device_of(self.user) is None:
            return self._enrol(request, form)
        device = second_factor.verified(self.user, form.cleaned_data["code"])
        if device is None:
            form.add_error("code", _WRONG)
            return self._page(request, form)
        note_device(request, device)
        if "_remove" in request.POST:
            second_factor.remove(self.user)
            self._log(request, "removed")
            return HttpResponseRedirect(reverse("second-factor"))
        self._log(request, "given new recovery codes")
        return self._page(request, OwnCodeForm(), second_factor.new_recovery_codes(self.user))

    def _form_class(self) -> type[OwnCodeForm]:
        """Who came by the provider has no password here."""
        asks = second_factor.device_of(self.user) is None and self.user.has_usable_password()
        return NewCodeForm if asks else OwnCodeForm

    def _enrol(self, request: HttpRequest, form: OwnCodeForm) -> HttpResponse:
        if not self._is_owner(request, form):
            return self._page(request, form)
        key = request.session.get(_KEY)
        device = second_factor.enrol(self.user, key, form.cleaned_data["code"]) if key else None
        if device is None:
            form.add_error("code", _WRONG)
            return self._page(request, form)
        del request.session[_KEY]
        request.session.cycle_key()
        note_device(request, device)
        self._log(request, "enrolled")
        return self._page(request, OwnCodeForm(), second_factor.new_recovery_codes(self.user))

    def _is_owner(self, request: HttpRequest, form: OwnCodeForm) -> bool:
        if not isinstance(form, NewCodeForm):
            return True
        username = self.user.get_username()
        try:
            check_password(request, username, form.cleaned_data["password"])
        except (TooManyAttempts, WrongCredentials) as error:
            form.add_error("password", str(error) or "This is not your password.")
            return False
        forgive(username, device_of(request, username))
        return True

    def _page(self, request: HttpRequest, form: OwnCodeForm, codes: list[str] | None = None) -> HttpResponse:
        device = second_factor.device_of(self.user)
        context = {"title": "Second factor", "form": form, "device": device, "codes": codes}
        if device is None:
            key = request.session.setdefault(_KEY, random_hex(_KEY_BYTES))
            context |= {"duty": settings.MUTT_TOTP == "required", "key": _in_groups(key), **self._picture(key)}
        else:
            context["codes_left"] = second_factor.codes_left(self.user)
        site = admin.site.each_context(request)
        return TemplateResponse(request, "mutt_project/second_factor.html", {**site, **context})

    def _picture(self, key: str) -> dict[str, Any]:
        """The QR code as a path of SVG, which needs no style of its own."""
        code = qrcode.QRCode(border=0)
        code.add_data(second_factor.address_for_app(self.user, key))
        rows = code.get_matrix()
        path = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
        return {"qr_path": path, "qr_size": len(rows)}

    def _log(self, request: HttpRequest, what: str) -> None:
        logger.warning("second factor %s: user “%s” from %s", what, self.user.get_username(), address_of(request))


def _in_groups(key: str) -> str:
    """As people type it into an app that has no camera."""
    text = b32encode(bytes.fromhex(key)).decode()
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))
