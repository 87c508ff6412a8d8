"""The quarantine over the REST API."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from audit.api.moments import moment_of
from audit.api.pagination import CursorPages
from audit.ids import first_id_at
from ingest.api.serializers import (
    QuarantinedSerializer,
    QuarantinedWithBodySerializer,
    QuarantineQuery,
    ResendManySerializer,
    ResentManySerializer,
    ResentSerializer,
    SummaryQuery,
    SummarySerializer,
)
from ingest.authentication import Caller, HasScope
from ingest.quarantine_models import Quarantined
from ingest.receiving import Receipt
from ingest.resending import NotResent, Resent, StillRefused, resend, resend_many


class NewestRefusalFirst(CursorPages):
    ordering = "-id"


class MayResend(HasScope):
    """Keys need `write`; people need the permission to send refused events again."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        user: Any = request.user
        if request.method in SAFE_METHODS or isinstance(user, Caller):
            return super().has_permission(request, view)
        return bool(user and user.is_staff and user.has_perm("ingest.resend_quarantined"))


class Conflict(APIException):
    status_code = 409


class NotValidYet(APIException):
    """Carries the present errors as DRF's own validation errors do."""

    status_code = 422

    def __init__(self, refusal: StillRefused) -> None:
        by_field: dict[str, list[str]] = {}
        for error in refusal.errors:
            name = error.get("pointer", "").removeprefix("/") or api_settings.NON_FIELD_ERRORS_KEY
            by_field.setdefault(name, []).append(error.get("detail", ""))
        super().__init__()
        self.detail: Any = by_field or {"detail": str(refusal)}


_ID = OpenApiParameter("id", UUID, OpenApiParameter.PATH)


@extend_schema_view(
    list=extend_schema(summary="List refused events, the newest first", parameters=[QuarantineQuery]),
    retrieve=extend_schema(
        summary="One refused event with its body", parameters=[_ID], responses=QuarantinedWithBodySerializer
    ),
    destroy=extend_schema(summary="Delete a refused event", parameters=[_ID]),
)
class QuarantineViewSet(mixins.ListModelMixin, mixins.DestroyModelMixin, viewsets.GenericViewSet[Quarantined]):
    """What was refused, so far as it is kept. A refused event shows up here within about ten seconds."""

    queryset = Quarantined.objects.all()
    serializer_class = QuarantinedSerializer
    pagination_class = NewestRefusalFirst
    lookup_field = "id"
    lookup_value_regex = "[0-9a-fA-F-]{36}"

    def get_queryset(self) -> QuerySet[Quarantined]:
        rows = super().get_queryset()
        if self.action != "list":
            return rows
        query = QuarantineQuery(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        return _filtered(rows.defer("body"), query.validated_data)

    def get_object(self) -> Quarantined:
        row = Quarantined.objects.filter(pk=_uuid(self.kwargs["id"])).first()
        if row is None:
            raise _unknown(self.kwargs["id"])
        return row

    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002, ARG002 - DRF's signature
        return Response(QuarantinedWithBodySerializer(self.get_object()).data)

    @extend_schema(
        summary="Count refused events by source and reason", parameters=[SummaryQuery], responses=SummarySerializer
    )
    @action(detail=False, pagination_class=None)
    def summary(self, request: Request) -> Response:
        query = SummaryQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        since = _moment("since", query.validated_data["since"])
        rows = (
            Quarantined.objects.filter(id__gte=first_id_at(since))
            .order_by()
            .values("source", "reason")
            .annotate(
                count=Count("pk"),
                resent=Count("pk", filter=Q(resent_at__isnull=False)),
                last_seen=Max("received_at"),
            )
            .order_by("-count", "source", "reason")
        )
        found = {"since": since, "count": sum(row["count"] for row in rows), "results": rows}
        return Response(SummarySerializer(found).data)

    @extend_schema(
        summary="Send a refused event again", parameters=[_ID], request=None, responses={202: ResentSerializer}
    )
    @action(detail=True, methods=["post"], url_path="resend", permission_classes=[MayResend])
    def resend(self, request: Request, id: str) -> Response:  # noqa: A002 - DRF's signature
        """409: it was accepted before, or only its beginning is kept. 422: it is still not valid."""
        identifier = _uuid(id)
        try:
            receipt = resend(identifier, _name_of(request.user), timezone.now())
        except Quarantined.DoesNotExist:
            raise _unknown(id) from None
        except StillRefused as refusal:
            raise NotValidYet(refusal) from refusal
        except NotResent as why:
            raise Conflict(str(why)) from why
        return Response(ResentSerializer(_told(Resent(identifier, receipt))).data, 202)

    @extend_schema(
        operation_id="quarantine_resend_many",
        summary="Send many refused events again",
        request=ResendManySerializer,
        responses={202: ResentManySerializer},
    )
    @action(detail=False, methods=["post"], url_path="resend", permission_classes=[MayResend], pagination_class=None)
    def resend_many(self, request: Request) -> Response:
        """Each by itself: what cannot be sent again keeps nobody else back."""
        wanted = ResendManySerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        by, now = _name_of(request.user), timezone.now()
        results = [_told(one) for one in resend_many(wanted.validated_data["ids"], by, now)]
        resent = sum(result["status"] == 202 for result in results)  # noqa: PLR2004 - an HTTP status
        return Response(ResentManySerializer({"resent": resent, "results": results}).data, 202)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(f"“{text}” is no id of a refused event: an id is a UUID.") from None


def _unknown(text: str) -> NotFound:
    return NotFound(f"No refused event has the id {text}: it was never kept here, or it has been deleted.")


def _filtered(rows: QuerySet[Quarantined], wanted: dict[str, Any]) -> QuerySet[Quarantined]:
    for name in ("source", "reason"):
        if name in wanted:
            rows = rows.filter(**{name: wanted[name]})
    for name, lookup in (("since", "id__gte"), ("until", "id__lt")):
        if name in wanted:
            rows = rows.filter(**{lookup: first_id_at(_moment(name, wanted[name]))})
    if wanted["resend"] is not None:
        rows = rows.filter(resent_at__isnull=not wanted["resend"])
    return rows


def _moment(name: str, text: str) -> datetime:
    try:
        return moment_of(text, timezone.now())
    except ValueError as error:
        raise ValidationError({name: str(error)}) from error


def _name_of(user: Any) -> str:
    return f"key {user.name}" if isinstance(user, Caller) else str(user.get_username())


def _told(resent: Resent) -> dict[str, Any]:
    nothing = {"id": resent.id, "batch": None, "accepted": 0, "rejected": 0}
    match resent.outcome:
        case Receipt() as receipt:
            numbers = {"batch": receipt.batch, "accepted": receipt.accepted, "rejected": receipt.rejected}
            return {"id": resent.id, "status": 202, "detail": "", **numbers}
        case StillRefused() as refusal:
            return {**nothing, "status": 422, "detail": str(refusal)}
        case NotResent() as why:
            return {**nothing, "status": 409, "detail": str(why)}
        case None:
            return {**nothing, "status": 404, "detail": str(_unknown(str(resent.id)).detail)}
        case _:
            return {**nothing, "status": 503, "detail": "Redis is away: it was not sent again."}
