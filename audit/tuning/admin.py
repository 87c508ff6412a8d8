"""Settings in admin: one page, on which those that can be changed at run time are seen and changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from constance.admin import Config
from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import Error
from django.forms import BoundField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from redis.exceptions import RedisError

from audit.changes import MAX_REASON_LENGTH
from audit.tuning.models import Setting
from audit.tuning.storing import ChangedSinceError, Difference, InvalidError, Standing, change, standing
from audit.tuning.tunables import TOPICS, TUNABLES, as_text
from audit.uneditable_admin import OnePageAdmin

_MAY_CHANGE = "audit.change_setting"
admin.site.unregister([Config])  # constance's own page knows neither bounds nor reasons


class ConfigForm(forms.Form):
    """A field for each setting, empty where its default holds; what is wrong is said by `change`, beside the field."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.CharField(
        label="Why",
        max_length=MAX_REASON_LENGTH,
        widget=forms.TextInput(attrs={"size": 60}),
        help_text="It is kept with the change.",
    )

    def __init__(self, version: int, settings: list[Standing], given: Any = None) -> None:
        super().__init__(given)
        self._settings = settings
        self.initial["version"] = version
        for one in settings:
            name, default = one.tunable.name, as_text(one.default)
            self.fields[name] = forms.CharField(
                label=name,
                required=False,
                max_length=200,
                initial="" if one.stored is None else as_text(one.stored),
                widget=forms.TextInput(attrs={"size": 20, "placeholder": default}),
            )

    def wanted(self) -> dict[str, str | None]:
        """What is to be changed: by its name the new value, None for the default."""
        return {
            one.tunable.name: self.cleaned_data[one.tunable.name] or None
            for one in self._settings
            if self.cleaned_data[one.tunable.name] != self.fields[one.tunable.name].initial
        }


@dataclass(frozen=True, slots=True)
class Shown:
    """A setting as the page shows it; `field` is None for who may only look."""

    standing: Standing
    value: str
    default: str
    field: BoundField | None


def _topics(settings: list[Standing], form: ConfigForm | None) -> Iterator[tuple[str, list[Shown]]]:
    by_name = {one.tunable.name: one for one in settings}
    for topic, names in TOPICS.items():
        yield (
            topic,
            [
                Shown(
                    by_name[name],
                    as_text(by_name[name].value),
                    as_text(by_name[name].default),
                    form[name] if form else None,
                )
                for name in names
            ],
        )


@admin.register(Setting)
class SettingAdmin(OnePageAdmin[Setting]):
    """There is one page for all of them."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return request.user.has_perm("audit.view_setting")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:  # noqa: ARG002
        if not self.has_view_permission(request):
            raise PermissionDenied
        may_change = request.user.has_perm(_MAY_CHANGE)
        if request.method == "POST" and not may_change:
            raise PermissionDenied
        version, settings = standing()
        form = ConfigForm(version, settings, request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid() and self._change(request, form):
            return HttpResponseRedirect(request.path)
        context = {
            **self.admin_site.each_context(request),
            "title": "Settings at run time",
            "opts": Setting._meta,  # noqa: SLF001 - Django's documented Model._meta API
            "form": form if may_change else None,
            "topics": list(_topics(settings, form if may_change else None)),
        }
        return TemplateResponse(request, "audit/settings.html", context)

    def _change(self, request: HttpRequest, form: ConfigForm) -> bool:
        """Do it, and say so; False where it cannot be, with the reason on the form."""
        wanted = form.wanted()
        try:
            changes = change(wanted, expected=form.cleaned_data["version"])
        except InvalidError as error:
            for name, fault in error.faults.items():
                form.add_error(name if name in TUNABLES else None, fault)
        except ChangedSinceError:
            form.add_error(None, "Somebody has changed settings since you opened this page. Open it anew, then decide.")
        except RedisError:
            form.add_error(None, "Redis is away: nothing was changed.")
        except Error:
            form.add_error(None, "PostgreSQL does not answer: nothing was changed.")
        else:
            _tell(request, changes)
            return True
        return False


def _tell(request: HttpRequest, changes: list[Difference]) -> None:
    if not changes:
        messages.info(request, "Nothing was changed.")
    for one in changes:
        said = f"{one.name}: {as_text(one.before)} → {as_text(one.after)}, in all processes within a few seconds."
        if one.risk:
            messages.warning(request, f"{said} {one.risk}")
        else:
            messages.success(request, said)
