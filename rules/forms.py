"""The forms of admin: a reason for every change, nobody's change overwritten unseen, examples one a line."""

import json
from typing import Any

from django import forms
from django.db.models import Model
from django.utils.timesince import timesince

from audit.changes import MAX_REASON_LENGTH
from rules.changes import etag_of, history_of
from rules.models import Rule

_DIGITS = 18  # of a bigint


def rule_called(text: str) -> Rule | None:
    """The rule whose id stands in an address, if there is one."""
    return Rule.objects.filter(pk=text).first() if text.isdecimal() and len(text) <= _DIGITS else None


class ReasonedForm(forms.ModelForm[Any]):
    """A form whose change has a reason; it is refused if somebody else has saved since it was opened."""

    change_reason = forms.CharField(
        label="Reason",
        max_length=MAX_REASON_LENGTH,
        help_text="Why you change this; it is kept in the history.",
        widget=forms.TextInput(attrs={"size": 80}),
        error_messages={"required": "Say why: it is kept in the history."},
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["seen"].initial = etag_of(self.instance)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        seen = cleaned.get("seen")
        current = type(self.instance)._default_manager.filter(pk=self.instance.pk).first()  # noqa: SLF001 - Django's documented API
        if seen and current is not None and seen != etag_of(current):
            self.add_error(None, _changed_since(current))
        return cleaned


def _changed_since(current: Model) -> str:
    last = next(iter(history_of(type(current), current.pk)), None)
    who = f"{last.author or 'Somebody'} ({timesince(last.at)} ago)" if last else "Somebody"
    return (
        f"{who} has saved this since you opened it. Open it again in another tab, and bring your changes into that one."
    )


class ExamplesWidget(forms.MultiWidget):
    """Two texts: the messages that must match, and those that must not, one a line."""

    template_name = "rules/examples.html"

    def __init__(self) -> None:
        lines = {"rows": 3, "cols": 90}
        super().__init__({"match": forms.Textarea(lines), "no_match": forms.Textarea(lines)})

    def decompress(self, value: Any) -> list[str]:
        if isinstance(value, str):  # as the form was sent
            value = json.loads(value)
        return [_as_lines((value or {}).get(kind, [])) for kind in ("match", "no_match")]


class ExamplesField(forms.MultiValueField):
    """Examples of a rule; a line that is a JSON object stands for one with more than a message."""

    widget = ExamplesWidget

    def __init__(self, **kwargs: Any) -> None:
        kwargs = {name: value for name, value in kwargs.items() if name not in {"encoder", "decoder"}}
        texts = [forms.CharField(required=False, strip=False), forms.CharField(required=False, strip=False)]
        super().__init__(fields=texts, require_all_fields=False, **{**kwargs, "required": False})

    def compress(self, data_list: list[str]) -> dict[str, list[Any]]:
        match, no_match = data_list or ["", ""]
        return {"match": _from_lines(match), "no_match": _from_lines(no_match)}


def _as_lines(examples: list[Any]) -> str:
    return "\n".join(
        one
        if isinstance(one, str) and not one.startswith("{") and "\n" not in one
        else json.dumps(_spelled(one), ensure_ascii=False)
        for one in examples
    )


def _spelled(example: Any) -> Any:
    return {"message": example} if isinstance(example, str) else example


def _from_lines(text: str) -> list[Any]:
    return [_example(line) for line in text.splitlines() if line.strip()]


def _example(line: str) -> Any:
    if line.lstrip().startswith("{"):
        try:
            return json.loads(line)
        except ValueError:
            return line
    return line


class RuleForm(ReasonedForm):
    examples = ExamplesField(label="Examples", help_text="They are checked whenever the rule is saved.")

    class Meta:
        model = Rule
        fields = "__all__"  # noqa: DJ007 - the admin's fieldsets name them
        widgets = {  # noqa: RUF012 - Django's way
            "description": forms.Textarea({"rows": 2, "cols": 90}),
            "notes": forms.Textarea({"rows": 3, "cols": 90}),
            "name": forms.TextInput({"size": 60}),
        }


class DraftForm(RuleForm):
    """The same form, to try out what stands in it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["change_reason"], self.fields["seen"]
