"""Dead letters over the REST API: to look at, to replay, to discard."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Count, Max, Min, QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api.moments import moment_of
from audit.api.pagination import CursorPages
from audit.ids import batch_of
from audit.models import Attempt, DeadLetter
from audit.tuning.present import tuned
from ingest import replaying
from ingest.api.dead_letter_serializers import (
    DeadLetterQuery,
    DeadLetterSerializer,
    DeadLetterSummarySerializer,
    DeadLetterWithAttemptsSerializer,
    DiscardedSerializer,
    DiscardManySerializer,
    DiscardSerializer,
    ReplayBegunSerializer,
    ReplayManySerializer,
    ReplaySerializer,
    WhySerializer,
)
from ingest.replay_models import Replay
from ingest.replay_tasks import go_on_with_replays
from ingest.replaying import Wanted
from rules.api.editing import author_of

_ID = OpenApiParameter("id", str, OpenApiParameter.PATH, description="Its number, or the id of its event.")


class Conflict(APIException):
    status_code = 409


class NewestFirst(CursorPages):
    ordering = "-id"


class LatestReplayFirst(CursorPages):
    ordering = "-started_at"


@extend_schema_view(
    list=extend_schema(summary="List dead letters, the newest first", parameters=[DeadLetterQuery]),
    retrieve=extend_schema(
        summary="One dead letter with all attempts", parameters=[_ID], responses=DeadLetterWithAttemptsSerializer
    ),
)
class DeadLetterViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[DeadLetter]):
    """Events that were given up. They are kept; what is replayed goes through the whole pipeline as the same event."""

    queryset = DeadLetter.objects.all()
    serializer_class = DeadLetterSerializer
    pagination_class = NewestFirst
    lookup_field = "id"
    lookup_value_regex = "[0-9]{1,18}|[0-9a-fA-F-]{36}"
    people_need: ClassVar[dict[str, tuple[str, ...]]] = {
        "replay": ("replay",),
        "replay_many": ("replay",),
        "discard": ("discard",),
        "discard_many": ("discard",),
    }

    def get_queryset(self) -> QuerySet[DeadLetter]:
        letters = super().get_queryset()
        if self.action != "list":
            return letters
        query = DeadLetterQuery(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        return _filtered(letters, query.validated_data)

    def get_object(self) -> DeadLetter:
        return _letter(self.kwargs["id"])

    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002, ARG002 - DRF's signature
        letter = self.get_object()
        attempts = Attempt.objects.filter(batch_id=batch_of(letter.event_id))
        letter.posts = [one for one in attempts if letter.event_id in one.event_ids]  # type: ignore[attr-defined] # for the serializer
        return Response(DeadLetterWithAttemptsSerializer(letter).data)

    @extend_schema(
        summary="Count dead letters by stage, reason and state", responses=DeadLetterSummarySerializer, filters=False
    )
    @action(detail=False, pagination_class=None)
    def summary(self, request: Request) -> Response:  # noqa: ARG002 - DRF's signature
        rows = (
            DeadLetter.objects.order_by()
            .values("stage", "reason", "state")
            .annotate(count=Count("pk"), oldest=Min("created_at"), newest=Max("created_at"))
            .order_by("-count", "stage", "reason", "state")
        )
        waiting = sum(row["count"] for row in rows if row["state"] == DeadLetter.State.WAITING)
        return Response(DeadLetterSummarySerializer({"waiting": waiting, "results": rows}).data)

    @extend_schema(
        summary="Replay a dead letter", parameters=[_ID], request=WhySerializer, responses={202: DeadLetterSerializer}
    )
    @action(detail=True, methods=["post"], url_path="replay")
    def replay(self, request: Request, id: str) -> Response:  # noqa: A002, ARG002 - DRF's signature
        """409: it does not wait, or its batch is still on its way."""
        asked = WhySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        (result,) = replaying.replay_letters([self.get_object()], author_of(request), asked.validated_data["reason"])
        if result.why_not:
            raise Conflict(result.why_not)
        return Response(DeadLetterSerializer(self.get_object()).data, 202)

    @extend_schema(
        operation_id="dead_letters_replay_many",
        summary="Replay many dead letters",
        request=ReplayManySerializer,
        responses={202: ReplayBegunSerializer},
    )
    @action(detail=False, methods=["post"], url_path="replay", pagination_class=None)
    def replay_many(self, request: Request) -> Response:
        """It runs in the background at a limited rate, and can be stopped. A dry run only counts."""
        asked = ReplayManySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        wanted = _wanted(given["filter"])
        if given["dry_run"]:
            return Response(ReplayBegunSerializer({"count": wanted.letters().count(), "replay": None}).data, 202)
        rate = given.get("rate", tuned.MUTT_REPLAY_RATE)
        replay = replaying.begin(wanted, author_of(request), given["reason"], rate, timezone.now())
        _begin_now()
        return Response(ReplayBegunSerializer({"count": replay.total, "replay": replay}).data, 202)

    @extend_schema(
        summary="Discard a dead letter", parameters=[_ID], request=DiscardSerializer, responses=DeadLetterSerializer
    )
    @action(detail=True, methods=["post"], url_path="discard")
    def discard(self, request: Request, id: str) -> Response:  # noqa: A002, ARG002 - DRF's signature
        """Let go of it; it is kept, and never replayed. 409: it does not wait."""
        asked = DiscardSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        letter = self.get_object()
        wanted = Wanted(ids=(letter.pk,))
        if not replaying.discard_letters(wanted, author_of(request), asked.validated_data["reason"], timezone.now()):
            raise Conflict(f"It does not wait: it was {letter.state} before.")
        return Response(DeadLetterSerializer(self.get_object()).data)

    @extend_schema(
        operation_id="dead_letters_discard_many",
        summary="Discard many dead letters",
        request=DiscardManySerializer,
        responses=DiscardedSerializer,
    )
    @action(detail=False, methods=["post"], url_path="discard", pagination_class=None)
    def discard_many(self, request: Request) -> Response:
        """Let go of them; they are kept, and never replayed. A dry run only counts."""
        asked = DiscardManySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given, wanted = asked.validated_data, _wanted(asked.validated_data["filter"])
        if given["dry_run"]:
            count = wanted.letters().count()
        else:
            count = replaying.discard_letters(wanted, author_of(request), given["reason"], timezone.now())
        return Response(DiscardedSerializer({"count": count, "dry_run": given["dry_run"]}).data)


@extend_schema_view(
    list=extend_schema(summary="List replays, the latest first"),
    retrieve=extend_schema(
        summary="How far a replay has come", parameters=[OpenApiParameter("id", UUID, OpenApiParameter.PATH)]
    ),
)
class ReplayViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Replay]):
    """Replays of many dead letters."""

    queryset = Replay.objects.all()
    serializer_class = ReplaySerializer
    pagination_class = LatestReplayFirst
    lookup_field = "id"
    lookup_value_regex = "[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"

    @extend_schema(
        operation_id="replays_stop",
        summary="Stop a replay",
        parameters=[OpenApiParameter("id", UUID, OpenApiParameter.PATH)],
        request=None,
        responses=ReplaySerializer,
    )
    @action(detail=True, methods=["post"], url_path="stop")
    def stop(self, request: Request, id: str) -> Response:  # noqa: A002, ARG002 - DRF's signature
        """What is on its way already goes on. Where it has ended, nothing changes."""
        replay = self.get_object()
        replaying.stop(replay.pk, author_of(request), timezone.now())
        replay.refresh_from_db()
        return Response(ReplaySerializer(replay).data)


def _begin_now() -> None:
    """Do not wait for beat; if the broker refuses, beat does it."""
    try:
        go_on_with_replays.apply_async(retry=False)
    except (OperationalError, RedisError):
        return


def _letter(text: str) -> DeadLetter:
    lookup: dict[str, Any] = {"pk": int(text)} if text.isdecimal() else {"event_id": _uuid(text)}
    letter = DeadLetter.objects.filter(**lookup).first()
    if letter is None:
        raise NotFound(f"There is no dead letter {text}.")
    return letter


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(f"“{text}” is neither the number of a dead letter nor the id of an event.") from None


def _wanted(given: dict[str, Any]) -> Wanted:
    """What a filter means. An empty one has to say that all are meant."""
    fields = {name: value for name, value in given.items() if name != "all"}
    for name in ("since", "until"):
        if name in fields:
            fields[name] = _moment(name, fields[name])
    if "ids" in fields:
        fields["ids"] = tuple(fields["ids"])
    wanted = Wanted(**fields)
    if wanted.is_everything and not given["all"]:
        raise ValidationError({"filter": ["It is empty: say which, or “all”: true."]})
    return wanted


_LOOKUPS = {"stage": "stage", "reason": "reason", "state": "state", "hostname": "payload__hostname"}
_TIMES = {"since": "created_at__gte", "until": "created_at__lt"}


def _filtered(letters: QuerySet[DeadLetter], wanted: dict[str, Any]) -> QuerySet[DeadLetter]:
    chosen = {_LOOKUPS[name]: wanted[name] for name in _LOOKUPS.keys() & wanted.keys()}
    times = {_TIMES[name]: _moment(name, wanted[name]) for name in _TIMES.keys() & wanted.keys()}
    return letters.filter(**chosen, **times)


def _moment(name: str, text: str) -> datetime:
    try:
        return moment_of(text, timezone.now())
    except ValueError as error:
        raise ValidationError({name: str(error)}) from error
