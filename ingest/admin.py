"""API keys in admin; secrets are shown once, after they were made."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

# Here is where Django looks for admins.
from ingest.dead_letter_admin import DeadLetterAdmin, ReplayAdmin  # noqa: F401
from ingest.models import GRACE, ApiKey, Scope, SourceName
from ingest.quarantine_admin import QuarantinedAdmin  # noqa: F401
from ingest.refusal_admin import RefusedRequestsAdmin  # noqa: F401


class ApiKeyForm(forms.ModelForm[ApiKey]):
    scopes = forms.MultipleChoiceField(choices=Scope.choices, widget=forms.CheckboxSelectMultiple)
    allowed_sources = forms.MultipleChoiceField(
        choices=SourceName.choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text="The only sources it may send for; none chosen: all.",
    )


class NewApiKeyForm(ApiKeyForm):
    signed = forms.BooleanField(
        required=False, help_text="Make a signing secret, too: requests must then be signed (Standard Webhooks)."
    )
    signing_secret = ""

    def clean(self) -> dict[str, Any] | None:
        """Make the signing secret now, so that the model's checks see it."""
        if self.cleaned_data.get("signed"):
            self.signing_secret = self.instance.add_signing_secret()
        return super().clean()


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin[ApiKey]):
    list_display = (
        *("name", "prefix", "scopes", "sources", "signing", "is_active"),
        *("expires_at", "last_used_at", "created_at"),
    )
    list_filter = ("is_active", "in_url")
    search_fields = ("name",)
    readonly_fields = ("prefix", "former_until", "signing", "last_used_at", "created_at")
    actions = ("rotate_secret", "rotate_signing_secret", "drop_old_signing_secret")

    def get_form(self, request: HttpRequest, obj: ApiKey | None = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        return super().get_form(request, obj, change, **{"form": ApiKeyForm if obj else NewApiKeyForm, **kwargs})

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "expires_at" and field is not None:  # two inputs, of which Django names neither
            for widget, part in zip(field.widget.widgets, ("date", "time"), strict=True):
                widget.attrs["aria-label"] = f"Expires at: {part}"
        return field

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:  # noqa: ARG002 - as above
        form = ("name", "scopes", "allowed_sources", "in_url", "rate_limit", "is_active", "expires_at")
        return (*form, *self.readonly_fields) if obj else (*form, "signed")

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:  # noqa: FBT001 - as above
        if change:
            # Only what the form changed: `last_used_at` is written by others at the same time.
            obj.save(update_fields=[name for name in form.cleaned_data if name in form.changed_data])
            return
        secret = obj.set_new_secret()
        super().save_model(request, obj, form, change)
        _show_once(request, "The key", secret)
        if form.signing_secret:
            _show_once(request, "The signing secret", form.signing_secret)

    @admin.display(description="Sources")
    def sources(self, key: ApiKey) -> str:
        return ", ".join(key.allowed_sources) + (" (in the URL)" if key.in_url else "") or "all"

    @admin.display(description="Signatures")
    def signing(self, key: ApiKey) -> str:
        return ("not asked for", "one secret", "two secrets")[len(key.signing_secrets)]

    @admin.action(description="Make a new secret; the present one is taken for another day", permissions=["change"])
    def rotate_secret(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        with transaction.atomic():
            for key in queryset.select_for_update():
                if key.former_is_taken:
                    messages.error(request, f"{key.name}: its former secret is still taken; another change must wait.")
                    continue
                secret = key.change_secret(GRACE)
                key.save(update_fields=ApiKey.SECRET_FIELDS)
                self.log_change(request, key, "Made a new secret.")
                _show_once(request, f"The key {key.name}", secret)

    @admin.action(description="Make a signing secret; the one before it is still taken", permissions=["change"])
    def rotate_signing_secret(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        with transaction.atomic():
            for key in queryset.select_for_update():
                secret = key.add_signing_secret()
                try:
                    key.clean()
                except ValidationError as error:
                    messages.error(request, f"{key.name}: {' '.join(error.messages)}")
                    continue
                key.save(update_fields=["signing_secrets"])
                self.log_change(request, key, "Made a signing secret.")
                _show_once(request, f"The signing secret of {key.name}", secret)

    @admin.action(description="Drop the signing secret before the newest", permissions=["change"])
    def drop_old_signing_secret(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        with transaction.atomic():
            for key in queryset.select_for_update():
                if len(key.signing_secrets) <= 1:
                    messages.info(request, f"{key.name} has no older signing secret.")
                    continue
                key.drop_old_signing_secret()
                key.save(update_fields=["signing_secrets"])
                self.log_change(request, key, "Dropped the older signing secret.")
                messages.success(request, f"{key.name}: only the newest signing secret is taken now.")


def _show_once(request: HttpRequest, what: str, secret: str) -> None:
    messages.warning(request, f"{what} is {secret} — copy it now: it is not kept and cannot be shown again.")
