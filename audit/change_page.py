"""The search over changes in admin: a form above, a page of changes below, and no counting."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from audit.change_search import Wanted, page_of
from audit.changes import Kind
from audit.search_page import MAX_ID, PAGE, MomentField, searched


class ChangesForm(forms.Form):
    """Which changes are wanted; the names are those of the API."""

    kind = forms.ChoiceField(
        label="Kind",
        required=False,
        choices=[("", "any"), *((kind.value, kind.value.replace("_", " ")) for kind in Kind)],
    )
    name = forms.CharField(required=False, max_length=255, help_text="Of what was changed; or the beginning of it.")
    object = forms.CharField(label="Number", required=False, max_length=100, help_text="Of what was changed.")
    who = forms.CharField(required=False, max_length=200, help_text="A user, or “API key NAME”.")
    what = forms.CharField(required=False, max_length=50, help_text="added, changed, deleted, …")
    correlation_id = forms.CharField(label="Correlation id", required=False, max_length=128)
    since = MomentField(required=False, help_text="-1h, -7d or 2026-11-23T08:00Z")
    until = MomentField(required=False)
    before = forms.IntegerField(required=False, widget=forms.HiddenInput, min_value=1, max_value=MAX_ID)

    @property
    def wanted(self) -> Wanted:
        """What is asked for; the form is valid."""
        return Wanted(**{name: value for name, value in self.cleaned_data.items() if value not in (None, "")})


def show_changes(request: HttpRequest) -> HttpResponse:
    """The page. People without the right to look at changes have been turned away before."""
    form = ChangesForm(request.GET)
    context = searched(request, form, lambda most: page_of(form.wanted, most), "changes", PAGE)
    names = {"title": "Who changed what", "export": reverse("change-export")}
    return TemplateResponse(request, "audit/changes.html", context | names)
