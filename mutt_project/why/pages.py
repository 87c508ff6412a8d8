"""Admin's page on what became of one event and why, and the one on why something is no alert."""

import json
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from redis.exceptions import RedisError

from audit.ids import batch_of
from mutt_project.why.serializers import WhyNotQuery
from mutt_project.why.telling import Told, tell
from mutt_project.why.verdicts import TITLES
from mutt_project.why.why_not import WhyNot, why_not
from rules.pages import AdminPage, candidate_row, highlighted

_AWAY = "Redis is away: what is on its way cannot be told until it is back. What has ended is in the list of records."


class WhyPage(AdminPage):
    """One event, from its receipt to its end, or to where it waits now."""

    permissions = ("audit.view_record",)
    template = "mutt_project/why.html"

    def get(self, request: HttpRequest, id: UUID) -> HttpResponse:  # noqa: A002 - named in urls.py
        try:
            told = tell(id)
        except RedisError:
            return self.shown(request, title="An event", problem=_AWAY)
        if told is None:
            problem = f"There is no event {id}: it was never accepted here, or its record has been dropped."
            page = self.shown(request, title="An event", problem=problem, identifier=id)
            page.status_code = 404
            return page
        return self.shown(request, title=f"What became of an event of {told.record.hostname}", **_shown(told))


def _shown(told: Told) -> dict[str, Any]:
    record, decision = told.record, told.decision
    explanation = decision.explanation if decision else None
    candidates = explanation.candidates if explanation else []
    near_misses = explanation.near_misses if explanation else []
    event = explanation.event if explanation else None
    return {
        "told": told,
        "record": record,
        "batch": batch_of(record.event_id),
        "verdict": TITLES[told.verdict],
        "end": told.steps[-1].text,
        "body": record.event
        if isinstance(record.event, str)
        else json.dumps(record.event, indent=1, ensure_ascii=False),
        "explanation": explanation,
        "message": highlighted(explanation) if explanation else record.message,
        "candidates": [candidate_row(one, event) for one in candidates] if event else [],
        "near_misses": [candidate_row(one, event) for one in near_misses] if event else [],
    }


class WhyNotPage(AdminPage):
    """Paste a host, a text or an id that never became an alert."""

    permissions = ("audit.view_record", "ingest.view_quarantined")
    template = "mutt_project/why_not.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        text, answer, problem = request.GET.get("q", ""), None, ""
        if text.strip():
            query = WhyNotQuery(data=request.GET)
            if not query.is_valid():
                problem = "; ".join(str(error) for errors in query.errors.values() for error in errors)
            else:
                answer, problem = _asked(request, query.validated_data)
        if answer and [str(one.id) for one in answer.found if one.kind == "event"] == [text.strip().lower()]:
            return HttpResponseRedirect(reverse("why", args=[answer.found[0].id]))  # somebody has pasted its id
        title = "Why is it no alert?"
        found = [(one, TITLES[one.verdict]) for one in answer.found] if answer else []
        verdict = TITLES[answer.verdict] if answer else ""
        return self.shown(request, title=title, q=text, answer=answer, verdict=verdict, found=found, problem=problem)


def _asked(request: HttpRequest, wanted: dict[str, Any]) -> tuple[WhyNot | None, str]:
    try:
        return why_not(wanted["q"], timezone.now(), wanted["days"], request.build_absolute_uri("/webhook")), ""
    except RedisError:
        return None, _AWAY
