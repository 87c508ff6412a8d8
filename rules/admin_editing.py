"""What rules, hosts and teams have in common in admin: reasons, and a history with a way back."""

from contextlib import AbstractContextManager
from typing import Any, TypeVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.contrib.admin.options import IS_POPUP_VAR
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied, ValidationError
from django.db import IntegrityError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from audit.changes import MAX_REASON_LENGTH
from rules.changes import bring_back, changing, history_of
from rules.forms import ReasonedForm

M = TypeVar("M", bound=Model)
_NEEDS_REASON = "Nothing was changed: say why in the field “Reason”."


class ReasonedActions(ActionForm):
    """The row above a list: what is chosen or edited there needs a reason, too."""

    change_reason = forms.CharField(
        label="Reason",
        required=False,
        max_length=MAX_REASON_LENGTH,
        widget=forms.TextInput(attrs={"size": 40, "required": True}),
    )


class BooleanDropdown(admin.BooleanFieldListFilter):
    template = "rules/filter.html"


class ChoicesDropdown(admin.ChoicesFieldListFilter):
    template = "rules/filter.html"


class ValuesDropdown(admin.AllValuesFieldListFilter):
    template = "rules/filter.html"


class EditedAdmin(admin.ModelAdmin[M]):
    """Every change has an author and a reason, is kept, and can be undone with one click."""

    form = ReasonedForm
    action_form = ReasonedActions
    object_history_template = "rules/history.html"
    delete_confirmation_template = "rules/delete_confirmation.html"
    delete_selected_confirmation_template = "rules/delete_selected_confirmation.html"
    list_per_page = 100

    def changing(self, request: HttpRequest, reason: str | None = None) -> AbstractContextManager[Any]:
        """What is changed within this is this person's, for the reason that the page has asked for."""
        given = " ".join(request.POST.get("change_reason", "").split()) if reason is None else reason
        return changing(request.user.get_username(), "admin", given)

    def save_model(self, request: HttpRequest, obj: M, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        with self.changing(request):
            super().save_model(request, obj, form, change)

    def delete_model(self, request: HttpRequest, obj: M) -> None:
        with self.changing(request):
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[M]) -> None:
        with self.changing(request):
            super().delete_queryset(request, queryset)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        if not self.has_delete_permission(request):
            raise PermissionDenied
        if request.method == "POST" and not _gives_reason(request):
            messages.error(request, _NEEDS_REASON)
            return HttpResponseRedirect(request.get_full_path())
        return super().delete_view(request, object_id, extra_context)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        if request.method == "POST" and not _gives_reason(request):
            messages.error(request, _NEEDS_REASON)
            return HttpResponseRedirect(request.get_full_path())
        return super().changelist_view(request, extra_context)

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        back = self.admin_site.admin_view(self.bring_back_view)
        return [path("<int:object_id>/history/<int:change_id>/", back, name=f"{name}_bring_back"), *super().get_urls()]

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """All changes of one entry, also of one that has been deleted."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        changes = history_of(self.model, int(object_id)) if object_id.isdecimal() else []
        if not changes:
            raise Http404("Nothing is known of this entry.")
        context = {
            **self.admin_site.each_context(request),
            "title": f"History of “{changes[0].name}”",
            "opts": self.opts,
            "object_id": object_id,
            "exists": self.model._default_manager.filter(pk=object_id).exists(),  # noqa: SLF001 - Django's documented API
            "changes": changes,
            "may_bring_back": self._may_bring_back(request),
            "bring_back_name": f"admin:{self.opts.app_label}_{self.opts.model_name}_bring_back",
            **(extra_context or {}),
        }
        return TemplateResponse(request, self.object_history_template, context)

    def _may_bring_back(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request) and self.has_add_permission(request)

    def bring_back_view(self, request: HttpRequest, object_id: int, change_id: int) -> HttpResponse:
        """One click: the entry is again as it was after this change."""
        if request.method != "POST" or not self._may_bring_back(request):
            raise PermissionDenied
        change = next((one for one in history_of(self.model, object_id) if one.id == change_id), None)
        if change is None:
            raise Http404("There is no such change.")
        reason = f"Back to how it was on {change.at:%Y-%m-%d %H:%M:%S} UTC"
        try:
            with self.changing(request, reason):
                entry = bring_back(self.model, change_id)
        except (ValidationError, IntegrityError, ObjectDoesNotExist) as error:
            why = (
                " ".join(error.messages)
                if isinstance(error, ValidationError)
                else "It stands in the way of another entry."
            )
            messages.error(request, f"It cannot be brought back: {why}")
        else:
            self.log_change(request, entry, reason)  # type: ignore[arg-type] # an entry of this admin's model
            messages.success(request, f"“{change.name}” is as it was on {change.at:%Y-%m-%d %H:%M:%S} UTC.")
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_history"
        return HttpResponseRedirect(reverse(name, args=[object_id]))


def _gives_reason(request: HttpRequest) -> bool:
    return bool(request.POST.get("change_reason", "").strip()) or IS_POPUP_VAR in request.POST
