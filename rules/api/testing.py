"""Trying rules out over the REST API: on one event, and on the events of the past."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from rules import backtesting
from rules.api.editing import PointedError, author_of
from rules.api.serializers import (
    BacktestSerializer,
    ExplanationSerializer,
    NewBacktestSerializer,
    RuleTestSerializer,
    drafted,
)
from rules.backtest_models import Backtest
from rules.drafting import Drafted
from rules.event import Event, NotAnEventError
from rules.explaining import Explanation, explain
from rules.models import Rule
from rules.ruleset import current_rule_set, inactive_rules
from rules.tasks import queue_backtest

DEFAULT_EVENTS = 10_000
_SHOWS_EVENTS = {None: ("audit.view_record",)}  # a backtest has samples of what changes


def explained(event: Event, draft: Rule | None) -> Explanation:
    """The decision for an event by the current rules, with a draft if there is one."""
    matcher = current_rule_set.get(newest=True)
    if draft is None:
        return explain(event, matcher, inactive_rules())
    inactive = [rule for rule in inactive_rules() if rule.id != draft.pk]
    return explain(event, Drafted(matcher, draft.as_matched(), is_active=draft.is_active), inactive)


class RuleTestView(APIView):
    """What the rules say of an event, and why. Nothing is stored or sent."""

    queryset = Rule.objects.all()
    reads_only = True
    # What sources send is ingest's to read, which stands above this app: urls.py hands its reader in.
    read_event: Callable[[Any, datetime], Event] | None = None

    @extend_schema(
        operation_id="rules_test",
        summary="Try the rules on an event",
        request=RuleTestSerializer,
        responses=ExplanationSerializer,
    )
    def post(self, request: Request) -> Response:
        """The decision, the winner, every other rule that matched and why it lost, and near misses."""
        asked = RuleTestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        draft = drafted(given["draft"]) if given.get("draft") is not None else None
        read = self.read_event
        if read is None:
            raise RuntimeError("urls.py has not said how events are read")
        try:
            event = read(given["event"], timezone.now())
        except NotAnEventError as error:
            raise PointedError([(f"/event{pointer}", detail) for pointer, detail in error.faults]) from error
        return Response(ExplanationSerializer(explained(event, draft)).data)


class BacktestsView(APIView):
    """What a change of one rule would have changed about the events of the past."""

    queryset = Rule.objects.all()
    people_also_need = _SHOWS_EVENTS

    @extend_schema(
        operation_id="rules_backtests_create",
        summary="Try a draft on the events of the past",
        request=NewBacktestSerializer,
        responses={202: BacktestSerializer},
    )
    def post(self, request: Request) -> Response:
        """It runs in the background; ask for it by its id until its status is `done`. It is kept for seven days."""
        asked = NewBacktestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        backtest = begin_backtest(
            drafted(given["draft"]), author_of(request), events=given.get("events"), days=given.get("days")
        )
        return Response(BacktestSerializer(backtest).data, status=202)


def begin_backtest(draft: Rule, by: str, *, events: int | None, days: float | None) -> Backtest:
    """Start a backtest over the last events, or days, and leave what remains of it to the workers."""
    now = timezone.now()
    backtest = backtesting.start(
        draft,
        by,
        now,
        most_events=events if events or days else DEFAULT_EVENTS,
        since=now - timedelta(days=days) if days else None,
    )
    if backtest.status == Backtest.Status.RUNNING:
        queue_backtest(backtest.pk)
    return backtest


class BacktestView(APIView):
    """One backtest."""

    queryset = Rule.objects.all()
    people_also_need = _SHOWS_EVENTS

    @extend_schema(
        operation_id="rules_backtests_retrieve",
        summary="How far a backtest is, and what it has found",
        parameters=[OpenApiParameter("id", UUID, OpenApiParameter.PATH)],
        responses=BacktestSerializer,
    )
    def get(self, request: Request, id: UUID) -> Response:  # noqa: A002, ARG002 - DRF's signature
        backtest = Backtest.objects.filter(pk=id).first()
        if backtest is None:
            raise NotFound(f"There is no backtest {id}: they are kept for {backtesting.KEPT.days} days.")
        return Response(BacktestSerializer(backtest).data)
