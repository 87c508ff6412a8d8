"""What became of events, over the REST API."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, viewsets
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.api.moments import moment_of
from audit.api.pagination import NewestFirst
from audit.api.serializers import EventQuery, EventSerializer, EventStorySerializer, LedgerSerializer
from audit.entry import in_our_words
from audit.ids import batch_of, first_id_at, received_at
from audit.journal import journal
from audit.ledger import read_ledger
from audit.looking import story_of, times_sent
from audit.models import Record
from audit.outcomes import Outcome, Stage
from audit.story import WAITING, Step


@extend_schema_view(
    list=extend_schema(summary="Search events", parameters=[EventQuery]),
    retrieve=extend_schema(
        summary="What happened to one event, step by step",
        parameters=[OpenApiParameter("event_id", UUID, OpenApiParameter.PATH)],
        responses=EventStorySerializer,
    ),
)
class EventViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Record]):
    """Events that were accepted, the newest first."""

    queryset = Record.objects.all()
    serializer_class = EventSerializer
    pagination_class = NewestFirst
    lookup_field = "event_id"
    lookup_value_regex = "[0-9a-fA-F-]{36}"

    def get_queryset(self) -> QuerySet[Record]:
        query = EventQuery(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        return _filtered(super().get_queryset(), query.validated_data)

    def retrieve(self, request: Request, event_id: str) -> Response:  # noqa: ARG002 - DRF's signature
        try:
            identifier = UUID(event_id)
        except ValueError:
            raise NotFound(f"“{event_id}” is no event id: an id is a UUID.") from None
        record = Record.objects.filter(pk=identifier).first()
        return Response(_told(record) if record else _in_flight(identifier))


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


def _told(record: Record) -> dict[str, Any]:
    record.steps, record.times_sent = story_of(record), times_sent(record)  # type: ignore[attr-defined] # for the serializer
    return dict(EventStorySerializer(record).data)


def _in_flight(identifier: UUID) -> dict[str, Any]:
    """An event that is in the journal and has no record yet. Raises NotFound."""
    found = journal().look(batch_of(identifier))
    stage, events = found or (Stage.VALIDATE, [])
    entry = next((entry for entry in events if entry["id"] == str(identifier)), None)
    if entry is None:
        raise NotFound(f"No event has the id {identifier}: it was never accepted here, or its record has been dropped.")
    event = in_our_words(entry)
    steps = [
        Step(received_at(identifier), "received", "Received; it is in the journal."),
        Step(None, "waiting", WAITING[stage]),
    ]
    return {
        "id": identifier,
        "batch": batch_of(identifier),
        "received_at": received_at(identifier),
        "correlation_id": entry.get("correlation_id", journal().correlation_of(batch_of(identifier))) or None,
        "hostname": event["hostname"],
        "message": event["message"],
        "outcome": Outcome.PENDING.value,
        "event": entry["event"],
        "times_sent": 0,
        "steps": [step.as_json() for step in steps],
    }


class LedgerView(APIView):
    """The equation over all events: what came in equals what became of it."""

    @extend_schema(summary="The ledger", responses=LedgerSerializer)
    def get(self, request: Request) -> Response:  # noqa: ARG002 - DRF's signature
        return Response(LedgerSerializer(read_ledger(journal())).data)
