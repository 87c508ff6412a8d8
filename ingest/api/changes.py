"""Who changed what, over the REST API: to look at and to take away, for those with the scope `admin`."""

from dataclasses import fields
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, viewsets
from rest_framework.request import Request
from rest_framework.views import APIView

from audit.api.export import streamed
from audit.api.pagination import CursorPages
from audit.api.searched import SearchedListMixin
from audit.api.serializers import EmptyIsNull, MomentField
from audit.change_models import Change
from audit.change_search import Wanted, every_page_of, search
from audit.changes import Kind
from ingest.authentication import HasAdminScope

_WANTED = {field.name for field in fields(Wanted)}


class ChangeSerializer(serializers.ModelSerializer[Change]):
    """One change of one thing."""

    who = EmptyIsNull(allow_null=True, help_text="A user name, “API key NAME”, MUTT itself, or a role of the database.")
    via = EmptyIsNull(allow_null=True, help_text="admin, API, muttctl, command, MUTT or database")
    address = EmptyIsNull(allow_null=True, help_text="Where it came from.")
    correlation_id = EmptyIsNull(allow_null=True, help_text="Of the request; many changes at once share it.")
    reason = EmptyIsNull(allow_null=True)
    kind = serializers.CharField(help_text="Of what was changed; more kinds may come.")
    object_id = serializers.CharField(help_text="Its number or id.")
    name = EmptyIsNull(allow_null=True, help_text="What it was called then.")
    what = serializers.CharField(help_text="added, changed, deleted, resent, replayed, forced_open, logged_in …")
    old = serializers.DictField(help_text="The fields that were changed, as they were; of a secret only that it was.")
    new = serializers.DictField(help_text="The same, as they are since.")

    class Meta:
        model = Change
        fields = (
            *("id", "at", "who", "via", "address", "correlation_id", "reason"),
            *("kind", "object_id", "name", "what", "old", "new"),
        )


class ChangeQuery(serializers.Serializer[Any]):
    """Which changes are wanted."""

    kind = serializers.ChoiceField(required=False, choices=[kind.value for kind in Kind])
    object = serializers.CharField(required=False, max_length=100, help_text="Its number or id; give the kind, too.")
    name = serializers.CharField(required=False, max_length=255, help_text="The beginning of its name, in any case.")
    who = serializers.CharField(required=False, max_length=200, help_text="The whole name, such as “API key rsyslog”.")
    what = serializers.CharField(required=False, max_length=50, help_text="Such as added, changed, deleted.")
    correlation_id = serializers.CharField(required=False, max_length=128)
    since = MomentField(required=False, help_text="Changed at or after: ISO 8601, or e.g. -7d.")
    until = MomentField(required=False, help_text="Changed before: ISO 8601, or e.g. -1h.")

    @property
    def wanted(self) -> Wanted:
        """What is asked for. Raises ValidationError."""
        self.is_valid(raise_exception=True)
        return Wanted(**{name: value for name, value in self.validated_data.items() if name in _WANTED})


class ChangeExportQuery(ChangeQuery):
    """Which changes are to be exported, and how."""

    form = serializers.ChoiceField(required=False, choices=["ndjson", "csv"], default="ndjson")


class LatestChangeFirst(CursorPages):
    ordering = "-id"


@extend_schema_view(
    list=extend_schema(summary="Who changed what", parameters=[ChangeQuery]),
    retrieve=extend_schema(summary="One change", parameters=[OpenApiParameter("id", int, OpenApiParameter.PATH)]),
)
class ChangeViewSet(SearchedListMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Change]):
    """Changes of rules, hosts, teams, keys, people and what they did, the newest first. Nobody can alter them."""

    queryset = Change.objects.all()
    serializer_class = ChangeSerializer
    permission_classes = (HasAdminScope,)
    pagination_class = LatestChangeFirst
    lookup_field = "id"
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[Change]:
        if self.action != "list":
            return super().get_queryset()
        return search(ChangeQuery(data=self.request.query_params).wanted)


class ChangeExportView(APIView):
    """All changes that a search finds, in one answer of any length."""

    queryset = Change.objects.none()  # whose permission a person needs
    permission_classes = (HasAdminScope,)

    @extend_schema(
        summary="Export changes",
        parameters=[ChangeExportQuery],
        responses={
            (200, "application/x-ndjson"): OpenApiResponse(OpenApiTypes.STR, "One JSON object a line."),
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "A line of column names, then one line a change."),
        },
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """The newest first. An answer that breaks off is not complete."""
        query = ChangeExportQuery(data=request.query_params)
        pages = (ChangeSerializer(page, many=True).data for page in every_page_of(query.wanted))
        return streamed("mutt-changes", query.validated_data["form"], ChangeSerializer.Meta.fields, pages)
