"""API keys in admin; a new key's secret is shown once, after saving."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest

from ingest.models import ApiKey, Scope


class ApiKeyForm(forms.ModelForm[ApiKey]):
    scopes = forms.MultipleChoiceField(choices=Scope.choices, widget=forms.CheckboxSelectMultiple)


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin[ApiKey]):
    form = ApiKeyForm
    list_display = ("name", "prefix", "scopes", "is_active", "expires_at", "created_at")
    fields = ("name", "scopes", "is_active", "expires_at")

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        if change:
            super().save_model(request, obj, form, change)
            return
        secret = obj.set_new_secret()
        super().save_model(request, obj, form, change)
        text = f"The key is {secret} — copy it now: it is not kept and cannot be shown again."
        messages.warning(request, text)
