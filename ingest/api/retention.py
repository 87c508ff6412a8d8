"""Retention over the REST API: what goes when, what has gone, and how to get it back."""

from typing import Any, ClassVar

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import viewsets
from rest_framework.exceptions import APIException
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from audit import retention
from audit.models import Archive
from audit.partitions import Month
from audit.restoring import NoArchiveError, RefusedError, begin_restore
from audit.tasks import queue_work_on_archives
from audit.tuning.present import tuned
from ingest.api.retention_serializers import (
    ArchiveSerializer,
    RestoreSerializer,
    RetainSerializer,
    RetentionBegunSerializer,
    RetentionSerializer,
)
from ingest.authentication import HasAdminScope, HasScope
from rules.api.editing import author_of


class Conflict(APIException):
    status_code = 409


class RetentionViewSet(viewsets.GenericViewSet[Archive]):
    """Months of records: archived and dropped when they are old enough, and restored when they are asked for."""

    queryset = Archive.objects.all()
    pagination_class = None
    people_need: ClassVar[dict[str, tuple[str, ...]]] = {"retain": ("retain",), "restore": ("retain",)}

    def get_permissions(self) -> list[Any]:
        """To look needs `read`, all else `admin`."""
        return [HasScope() if self.request.method in SAFE_METHODS else HasAdminScope()]

    def get_serializer_class(self) -> Any:
        """What is sent to it: for the form on the page of the browsable API."""
        return RestoreSerializer if self.action == "restore" else RetainSerializer

    @extend_schema(summary="What is kept how long, and what is archived", responses=RetentionSerializer)
    def retrieve(self, request: Request) -> Response:  # noqa: ARG002 - DRF's signature
        """While a month goes or comes, its `progress` grows; a `problem` stays until it is asked for again."""
        shown = {
            "days": tuned.MUTT_RETENTION_DAYS,
            "archive_dir": settings.MUTT_ARCHIVE_DIR,
            "without_archive": not settings.MUTT_RETENTION_ARCHIVE,
            "months": retention.plan(timezone.now()),
            "archives": Archive.objects.all(),
        }
        return Response(RetentionSerializer(shown).data)

    @extend_schema(
        operation_id="retention_retain",
        summary="Archive and drop old months",
        request=RetainSerializer,
        responses={202: RetentionBegunSerializer},
    )
    def retain(self, request: Request) -> Response:
        """It runs in the background. Neither the month in use goes, nor one of which something is still to be done."""
        asked = RetainSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given, now = asked.validated_data, timezone.now()
        months = retention.plan(now, given.get("days"))
        begun = []
        if not given["dry_run"]:
            begun = retention.begin(now, author_of(request), given["reason"], given.get("days"))
            queue_work_on_archives()
        answer = {"dry_run": given["dry_run"], "begun": begun, "months": months}
        return Response(RetentionBegunSerializer(answer).data, 202)

    @extend_schema(
        operation_id="retention_restore",
        summary="Restore a month",
        request=RestoreSerializer,
        responses={202: ArchiveSerializer},
    )
    def restore(self, request: Request) -> Response:
        """It runs in the background. 409: it is in the database or on its way, or has no archive."""
        asked = RestoreSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        try:
            archive = begin_restore(Month.parse(given["month"]), timezone.now(), author_of(request), given["reason"])
        except (RefusedError, NoArchiveError) as error:
            raise Conflict(str(error)) from error
        queue_work_on_archives()
        return Response(ArchiveSerializer(archive).data, 202)
