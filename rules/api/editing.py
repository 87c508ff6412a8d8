"""What rules, hosts and teams have in common over the REST API: history, ETags against lost updates, many at once."""

from contextlib import AbstractContextManager
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from audit.changes import MAX_REASON_LENGTH
from rules.api.serializers import BulkDoneSerializer, BulkSerializer
from rules.bulk import BulkError, ChangedMeanwhileError, Wanted, change_many
from rules.changes import changing, etag_of

M = TypeVar("M", bound=Model)
REASON_HEADER = "X-Change-Reason"
_CHANGING = {"PUT", "PATCH", "DELETE"}

REASON = OpenApiParameter(
    REASON_HEADER,
    str,
    OpenApiParameter.HEADER,
    description=f"Why; it is kept in the history. UTF-8, at most {MAX_REASON_LENGTH} characters.",
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag that you read: 412 if somebody has changed the entry since.",
)


class ChangedSince(APIException):
    status_code = 412
    default_detail = "Somebody has changed this since you read it: read it again, then decide."


class ChangedMeanwhile(APIException):
    status_code = 409


def author_of(request: Request) -> str:
    """Who is calling: a person's user name, or an API key's name."""
    user: Any = request.user
    return user.get_username() if hasattr(user, "get_username") else f"API key {user.name}"


def reason_of(request: Request | HttpRequest) -> str:
    """The reason that a request gives for its change; HTTP servers hand headers on as Latin-1."""
    given = request.headers.get(REASON_HEADER, "")
    text = given.encode("latin-1", "replace").decode("utf-8", "replace")
    return " ".join(text.split()).replace("\0", "")[:MAX_REASON_LENGTH]


def via_of(request: Request | HttpRequest) -> str:
    """Whether it was muttctl, as it says itself, or some other caller of the API."""
    return "muttctl" if request.headers.get("User-Agent", "").startswith("muttctl") else "API"


class EditedViewSet(viewsets.ModelViewSet[M]):
    """CRUD whose changes have an author and a reason, and do not overwrite what others have changed meanwhile."""

    people_need = {"bulk": ("add", "change", "delete")}  # noqa: RUF012 - never changed

    def get_queryset(self) -> QuerySet[M]:
        """What is to be changed is locked first."""
        entries = super().get_queryset()
        return entries.select_for_update() if self.request.method in _CHANGING else entries

    def get_object(self) -> M:
        entry = super().get_object()
        wanted = self.request.headers.get("If-Match", "").strip()
        if self.request.method in _CHANGING and wanted not in {"", "*"}:
            tags = {tag.strip() for tag in wanted.split(",")}
            if etag_of(entry) not in tags:
                raise ChangedSince
        return entry

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        entry = getattr(self, "_answered", None)
        if entry is not None and response.status_code < 300:  # noqa: PLR2004 - a success
            response["ETag"] = etag_of(entry)
        return super().finalize_response(request, response, *args, **kwargs)

    def _changing(self) -> AbstractContextManager[Any]:
        return changing(author_of(self.request), via_of(self.request), reason_of(self.request))

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:  # noqa: ARG002 - DRF's signature
        self._answered = self.get_object()
        return Response(self.get_serializer(self._answered).data)

    @extend_schema(parameters=[REASON])
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with self._changing():
            return super().create(request, *args, **kwargs)

    @extend_schema(parameters=[REASON, IF_MATCH])
    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with self._changing():
            return super().update(request, *args, **kwargs)

    @extend_schema(parameters=[REASON, IF_MATCH])
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().partial_update(request, *args, **kwargs)

    @extend_schema(parameters=[REASON, IF_MATCH])
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with self._changing():
            return super().destroy(request, *args, **kwargs)

    def perform_create(self, serializer: Any) -> None:
        self._answered = serializer.save()

    def perform_update(self, serializer: Any) -> None:
        self._answered = serializer.save()

    @extend_schema(parameters=[REASON], request=BulkSerializer, responses=BulkDoneSerializer)
    @action(detail=False, methods=["post"], pagination_class=None)
    def bulk(self, request: Request) -> Response:
        """All or nothing. An entry with an id, or with the name of one that is there, changes that one; else it is new.

        Fields that are left out keep their values, or get their defaults. Nothing is changed by a dry run.
        """
        asked = BulkSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        wanted = Wanted(
            entries=given["entries"],
            delete=given["delete"],
            others_go=given["others"] == "delete",
            dry_run=given["dry_run"],
            rule_set_version=given["rule_set_version"],
        )
        try:
            with self._changing():
                done = change_many(super().get_queryset().model, wanted)
        except ChangedMeanwhileError as error:
            raise ChangedMeanwhile(str(error)) from error
        except BulkError as error:
            raise PointedError(error.errors) from error
        return Response(BulkDoneSerializer.of(done, dry_run=wanted.dry_run))


class PointedError(ValidationError):
    """Errors that have pointers already; `mutt_project.problems` takes them as they are."""

    def __init__(self, errors: Any) -> None:
        super().__init__("not valid")
        self.pointed = [{"pointer": pointer, "detail": detail} for pointer, detail in errors]
