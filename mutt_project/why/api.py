"""What became of events, and why, over the REST API."""

from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api.views import EventViewSet
from mutt_project.why.finding import why_missing
from mutt_project.why.serializers import WhyNotQuery, WhyNotSerializer, WhySerializer, as_json
from mutt_project.why.telling import tell
from mutt_project.why.why_not import why_not


class WhyViewSet(EventViewSet):
    """Events that were accepted, the newest first."""

    # The answer tells of refused events, too.
    people_also_need: ClassVar[dict[str, tuple[str, ...]]] = {"why_not": ("ingest.view_quarantined",)}

    @extend_schema(
        summary="What became of one event, and why",
        parameters=[OpenApiParameter("event_id", UUID, OpenApiParameter.PATH)],
        responses=WhySerializer,
    )
    def retrieve(self, request: Request, event_id: str) -> Response:  # noqa: ARG002 - DRF's signature
        """From its receipt to its end, or to where it waits now and for what; and why it was decided so."""
        try:
            identifier = UUID(event_id)
        except ValueError:
            raise NotFound(f"“{event_id}” is no event id: an id is a UUID.") from None
        told = tell(identifier)
        if told is None:
            raise NotFound(f"No event has the id {identifier}: {why_missing(identifier)}.")
        return Response(as_json(told))

    @extend_schema(
        operation_id="events_why_not",
        summary="Why something is no alert",
        parameters=[WhyNotQuery],
        responses=WhyNotSerializer,
        filters=False,
    )
    @action(detail=False, url_path="why-not", pagination_class=None)
    def why_not(self, request: Request) -> Response:
        """Give an id, a host, an address or a text: it never arrived, was refused, waits, or was decided so."""
        query = WhyNotQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted: dict[str, Any] = query.validated_data
        answer = why_not(wanted["q"], timezone.now(), wanted["days"], request.build_absolute_uri("/webhook"))
        return Response(WhyNotSerializer(answer).data)
