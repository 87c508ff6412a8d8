"""A page of admin on which thousands of hosts are pasted into a list."""

import csv
from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from audit.changes import MAX_REASON_LENGTH
from rules.bulk import MOST, BulkError, Done, Wanted, change_many
from rules.changes import changing
from rules.models import DevelopmentHost, DeviceTeam
from rules.pages import AdminPage

MOST_SHOWN = 100


class PasteForm(forms.Form):
    """Many lines at once."""

    lines = forms.CharField(
        label="Lines",
        strip=False,
        max_length=4_000_000,
        widget=forms.Textarea(attrs={"rows": 16, "cols": 90, "spellcheck": "false"}),
    )
    others_go = forms.BooleanField(label="Take everything off the list that is not among these lines", required=False)
    change_reason = forms.CharField(
        label="Reason", max_length=MAX_REASON_LENGTH, widget=forms.TextInput(attrs={"size": 80})
    )


class PastePage(AdminPage):
    """Thousands of hosts pasted into a list; looked at first, then saved."""

    template = "rules/paste.html"
    model: type[Model] = DevelopmentHost

    @property
    def _second(self) -> str:
        return "team" if self.model is DeviceTeam else "description"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        name = self.model._meta.model_name  # noqa: SLF001 - Django's documented Model._meta API
        self.permissions = tuple(f"rules.{action}_{name}" for action in ("view", "add", "change", "delete"))
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(request, PasteForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Look at what would be done, or do it."""
        form = PasteForm(request.POST)
        if not form.is_valid():
            return self._page(request, form)
        numbered = list(self._entries(form.cleaned_data["lines"]))
        if len(numbered) > MOST:
            form.add_error("lines", f"These are {len(numbered):,} lines: at most {MOST:,} at once, please.")
            return self._page(request, form)
        save = "_save" in request.POST
        wanted = Wanted([entry for _, entry in numbered], others_go=form.cleaned_data["others_go"], dry_run=not save)
        try:
            with changing(request.user.get_username(), "admin", form.cleaned_data["change_reason"]):
                done = change_many(self.model, wanted)
        except BulkError as error:
            for line, detail in _by_line(error, numbered)[:MOST_SHOWN]:
                form.add_error("lines", f"Line {line}: {detail}")
            if len(error.errors) > MOST_SHOWN:
                form.add_error("lines", f"… and {len(error.errors) - MOST_SHOWN:,} more.")
            return self._page(request, form)
        if not save:
            return self._page(request, form, done)
        counts = (
            f"Added {done.count('create'):,}, changed {done.count('update'):,}, taken off {done.count('delete'):,}."
        )
        messages.success(request, counts)
        return HttpResponseRedirect(self._list)

    @property
    def _list(self) -> str:
        return reverse(f"admin:rules_{self.model._meta.model_name}_changelist")  # noqa: SLF001 - as above

    def _entries(self, text: str) -> Iterator[tuple[int, dict[str, str]]]:
        """Each line that holds something, with its number: a host, comma, semicolon, tab or blank, and the rest."""
        for number, line in enumerate(text.splitlines(), 1):
            stripped = line.strip().lstrip("\ufeff")
            if not stripped or stripped.startswith("#"):
                continue
            delimiter = next((one for one in "\t;," if one in stripped), " ")
            cells = next(csv.reader([stripped], delimiter=delimiter, skipinitialspace=True), [""])
            hostname, rest = cells[0].strip(), (delimiter + " " * (delimiter == ",")).join(cells[1:]).strip()
            if number == 1 and hostname.lower() in {"hostname", "host"}:
                continue
            yield number, {"hostname": hostname, **({self._second: rest} if rest or self._second == "team" else {})}

    def _page(self, request: HttpRequest, form: PasteForm, done: Done | None = None) -> HttpResponse:
        meta = self.model._meta  # noqa: SLF001 - as above
        return self.shown(
            request,
            title=f"Paste {meta.verbose_name_plural}",
            opts=meta,
            list_url=self._list,
            form=form,
            second=self._second,
            done=done,
            counts={word: done.count(action) for action, word in _WORDS.items()} if done else {},
            steps=done.steps[:MOST_SHOWN] if done else [],
            more=max(len(done.steps) - MOST_SHOWN, 0) if done else 0,
        )


_WORDS = {"create": "added", "update": "changed", "delete": "taken off"}


def _by_line(error: BulkError, numbered: list[tuple[int, Any]]) -> list[tuple[int, str]]:
    return [(numbered[int(pointer.split("/")[2])][0], detail) for pointer, detail in error.errors]
