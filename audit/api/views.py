"""What became of events, over the REST API."""

from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, viewsets
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.api.moments import moment_of
from audit.api.pagination import NewestFirst
from audit.api.serializers import EventQuery, EventSerializer, LedgerSerializer
from audit.ids import first_id_at
from audit.journal import journal
from audit.ledger import read_ledger
from audit.models import Record


@extend_schema_view(list=extend_schema(summary="Search events", parameters=[EventQuery]))
class EventViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Record]):
    """Events that were accepted, the newest first. What became of one, and why, is mutt_project's to join."""

    queryset = Record.objects.all()
    serializer_class = EventSerializer
    pagination_class = NewestFirst
    lookup_field = "event_id"
    lookup_value_regex = "[0-9a-fA-F-]{36}"

    def get_queryset(self) -> QuerySet[Record]:
        query = EventQuery(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        return _filtered(super().get_queryset(), query.validated_data)


def _filtered(records: QuerySet[Record], wanted: dict[str, Any]) -> QuerySet[Record]:
    if "hostname" in wanted:
        records = records.alias(host=Lower("hostname")).filter(host=wanted["hostname"].lower())
    if "outcome" in wanted:
        records = records.filter(outcome=wanted["outcome"])
    for name, lookup in (("since", "event_id__gte"), ("until", "event_id__lt")):
        if name in wanted:
            try:
                moment = moment_of(wanted[name], timezone.now())
            except ValueError as error:
                raise ValidationError({name: str(error)}) from error
            records = records.filter(**{lookup: first_id_at(moment)})
    return records


class LedgerView(APIView):
    """The equation over all events: what came in equals what became of it."""

    @extend_schema(summary="The ledger", responses=LedgerSerializer)
    def get(self, request: Request) -> Response:  # noqa: ARG002 - DRF's signature
        return Response(LedgerSerializer(read_ledger(journal())).data)
