"""Pages of admin on which rules are tried out, and many hosts are pasted at once."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views import View

from audit.models import Record
from rules.api.testing import DEFAULT_EVENTS, begin_backtest, explained
from rules.backtest_models import Backtest
from rules.event import Event, NotAnEventError
from rules.explaining import Candidate, Explanation
from rules.forms import DraftForm, rule_called
from rules.matching import Rule as MatchedRule
from rules.models import UNSAVED, Rule
from rules.recorded import as_text, event_of, record_called

RECENT = 15
MOST_SHOWN = 100
_EXAMPLE = '{"hostname": "core-router-01", "message": "…", "syslog_severity": "Error"}'


class AdminPage(View):
    """A page within admin, for those who have certain permissions on rules."""

    permissions: tuple[str, ...] = ("rules.view_rule",)
    template = ""
    fragment = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not all(request.user.has_perm(name) for name in self.permissions):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def shown(self, request: HttpRequest, **context: Any) -> HttpResponse:
        """The page; or the part of it that a script puts beside the form."""
        if request.headers.get("X-Fragment"):
            return TemplateResponse(request, self.fragment, context)
        return TemplateResponse(request, self.template, {**admin.site.each_context(request), **context})


def draft_in(request: HttpRequest) -> tuple[Rule | None, dict[str, Any]]:
    """The rule as it stands in the form that was sent, or what is wrong with it; (None, {}) if none was sent."""
    if "prod_handling" not in request.POST:
        return None, {}
    rule = rule_called(request.GET.get("rule", ""))
    form = DraftForm(request.POST, instance=rule)
    if not form.is_valid():
        return None, {"draft_errors": form.errors}
    draft: Rule = form.instance
    return draft, {"draft": draft}


class ExplainPage(AdminPage):
    """What the rules make of an event, and why."""

    permissions = ("rules.view_rule", "audit.view_record")
    template = "rules/explain.html"
    fragment = "rules/explanation.html"
    # What sources send is ingest's to read, which stands above this app: urls.py hands its reader in.
    read_event: Callable[[Any, datetime], Event] | None = None

    def get(self, request: HttpRequest) -> HttpResponse:
        chosen = request.GET.get("event", "")
        record = record_called(chosen)
        context = self._explained(event_of(record), None) if record else {}
        if chosen and not record:
            context = {"error": f"There is no event {chosen} any more."}
        return self._page(request, as_text(record) if record else "", context)

    def post(self, request: HttpRequest) -> HttpResponse:
        text = request.POST.get("try_event", "").strip()
        draft, context = draft_in(request)
        if "draft_errors" not in context:
            try:
                context |= self._explained(self._read(text), draft)
            except NotAnEventError as error:
                context["error"] = str(error)
        return self._page(request, text, context)

    def _read(self, text: str) -> Event:
        if not text:
            raise NotAnEventError([("", f"Paste an event: a line of a log, or JSON such as {_EXAMPLE}.")])
        try:
            sent = json.loads(text)
        except (ValueError, RecursionError):
            sent = text if not text.startswith("{") else None
        if sent is None:
            raise NotAnEventError([("", f"It begins like JSON, but is none. An event is like {_EXAMPLE}.")])
        if isinstance(sent, str) and not sent.startswith("<"):
            sent = {"message": sent}  # a bare text
        if self.read_event is None:
            raise RuntimeError("urls.py has not said how events are read")
        return self.read_event(sent, timezone.now())

    def _explained(self, event: Event, draft: Rule | None) -> dict[str, Any]:
        explanation = explained(event, draft)
        return {
            "explanation": explanation,
            "message": highlighted(explanation),
            "candidates": [candidate_row(one, event) for one in explanation.candidates],
            "near_misses": [candidate_row(one, event) for one in explanation.near_misses],
            "loses": draft is not None and all(one.rule.id != (draft.pk or UNSAVED) for one in explanation.candidates),
        }

    def _page(self, request: HttpRequest, text: str, context: dict[str, Any]) -> HttpResponse:
        recent = [] if request.headers.get("X-Fragment") else list(Record.objects.order_by("-event_id")[:RECENT])
        title = "What would the rules do?"
        return self.shown(request, title=title, text=text, recent=recent, example=_EXAMPLE, **context)


def candidate_row(candidate: Candidate, event: Event) -> dict[str, Any]:
    """A line of the table of rules that matched, or nearly did."""
    rule = candidate.rule
    return {
        "rule": rule,
        "saved": rule.id != UNSAVED,
        "wins": candidate.wins,
        "why": candidate.why,
        "matched": [(one.field, getattr(event, one.field)[one.begin : one.end]) for one in candidate.highlights],
        "conditions": _conditions(rule),
    }


def _conditions(rule: MatchedRule) -> str:
    return Rule(
        match_type=rule.match_type,
        match_string=rule.match_string,
        trap_oid=rule.trap_oid,
        syslog_severity=rule.syslog_severity,
    ).condition()


def highlighted(explanation: Explanation) -> SafeString:
    """The message, with what the winner has matched in it marked."""
    message = explanation.event.message
    winner = explanation.candidates[0] if explanation.candidates else None
    for one in winner.highlights if winner else ():
        if one.field == "message":
            parts = (message[: one.begin], message[one.begin : one.end], message[one.end :])
            return format_html("{}<mark>{}</mark>{}", *parts)
    return format_html("{}", message)


class BacktestPage(AdminPage):
    """Begins a backtest of what stands in a rule's form."""

    permissions = ("rules.view_rule", "rules.change_rule", "audit.view_record")
    template = "rules/backtest.html"
    fragment = "rules/backtest_result.html"

    def post(self, request: HttpRequest) -> HttpResponse:
        draft, context = draft_in(request)
        amount, _, unit = request.POST.get("try_over", f"{DEFAULT_EVENTS} events").partition(" ")
        title = "What would this change?"
        if draft is None:
            return self.shown(request, title=title, **context)
        whole = int(amount) if amount.isdecimal() and len(amount) < 9 else 0  # noqa: PLR2004 - ten million are many
        if unit not in {"events", "days"} or not whole:
            return self.shown(request, title=title, error="Choose over how many events or days to try it.")
        over = {"events": whole, "days": None} if unit == "events" else {"events": None, "days": whole}
        backtest = begin_backtest(draft, request.user.get_username(), **over)
        url = reverse("rule-backtest", args=[backtest.pk])
        if request.headers.get("X-Fragment"):
            return self.shown(request, backtest=backtest, url=url)
        return HttpResponseRedirect(url)


class BacktestResultPage(AdminPage):
    """How far a backtest is, and what it has found."""

    permissions = BacktestPage.permissions
    template = BacktestPage.template
    fragment = BacktestPage.fragment

    def get(self, request: HttpRequest, id: UUID) -> HttpResponse:  # noqa: A002 - named in urls.py
        backtest = Backtest.objects.filter(pk=id).first()
        if backtest is None:
            raise Http404("There is no such backtest any more.")
        context = {"title": "What would this change?", "backtest": backtest, "url": request.path}
        response = self.shown(request, **context)
        if backtest.status == Backtest.Status.RUNNING and not request.headers.get("X-Fragment"):
            response["Refresh"] = "1"
        return response
