"""The search over records in admin: a form above, a page of records below, and no counting."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from audit.api.moments import moment_of
from audit.outcomes import Outcome
from audit.searching import TooBroadError, Wanted, page_of, words_of

PAGE = 100
MAX_ID = 2**63 - 1


class MomentField(forms.CharField):
    """A moment: ISO 8601, or relative to now."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            return moment_of(text, timezone.now())
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class SearchForm(forms.Form):
    """What a search may ask for; the names are those of the API."""

    hostname = forms.CharField(label="Host", required=False, max_length=255)
    text = forms.CharField(
        label="Words",
        required=False,
        max_length=1000,
        help_text="All of them; the last may be cut.",
    )
    outcome = forms.ChoiceField(required=False, choices=[("", "any"), *((word, word) for word in Outcome)])
    rule_id = forms.IntegerField(label="Rule", required=False, min_value=1, max_value=MAX_ID, help_text="Its number.")
    team = forms.CharField(required=False, max_length=100)
    correlation_id = forms.CharField(label="Correlation id", required=False, max_length=128)
    batch = forms.UUIDField(label="Batch", required=False, help_text="Or an event of it.")
    since = MomentField(required=False, help_text="-1h, -2d or 2026-11-23T08:00Z")
    until = MomentField(required=False)
    before = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"]
        if text and not words_of(text):
            raise forms.ValidationError("There is no word in it: letters or digits.")
        return text

    @property
    def wanted(self) -> Wanted:
        """What is asked for; the form is valid."""
        return Wanted(**{name: value for name, value in self.cleaned_data.items() if value not in (None, "")})


def show_search(request: HttpRequest) -> HttpResponse:
    """The page. People without the right to look at records have been turned away before."""
    form = SearchForm(request.GET)
    context = searched(request, form, lambda most: page_of(form.wanted, most), "records", PAGE)
    names = {"title": "What became of events", "export": reverse("event-export")}
    return TemplateResponse(request, "audit/search.html", context | names)


def searched(
    request: HttpRequest, form: forms.Form, find: Callable[[int], Sequence[Model]], called: str, page: int
) -> dict[str, Any]:
    """What a page of a search is made of: the form, and if it is right up to `page` of what is found, as `called`.

    `older` is the last one shown, if there are more.
    """
    asked = {name: value for name, value in request.GET.items() if value and name in form.fields and name != "before"}
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "form": form,
        "asked": urlencode(asked),
        "narrowed": bool(asked),
        "paged": "before" in request.GET,
    }
    if form.is_valid():
        try:
            found = find(page + 1)
        except TooBroadError as error:
            form.add_error(None, str(error))
        else:
            older = found[page - 1].pk if len(found) > page else None
            context |= {called: found[:page], "older": older}
    return context
