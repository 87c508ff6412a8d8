"""What became of events, over the REST API."""

from dataclasses import fields, replace

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.api.pagination import NewestFirst
from audit.api.searched import SearchedListMixin
from audit.api.serializers import EventQuery, EventSerializer, LedgerSerializer
from audit.journal import journal
from audit.ledger import read_ledger
from audit.models import Record
from audit.reconciling import name_suspects
from audit.searching import newest, search


@extend_schema_view(list=extend_schema(summary="Search events", parameters=[EventQuery]))
class EventViewSet(SearchedListMixin, viewsets.GenericViewSet[Record]):
    """Events that were accepted, the newest first. What became of one, and why, is mutt_project's to join."""

    queryset = Record.objects.all()
    serializer_class = EventSerializer
    pagination_class = NewestFirst
    lookup_field = "event_id"
    lookup_value_regex = "[0-9a-fA-F-]{36}"

    def get_queryset(self) -> QuerySet[Record]:
        wanted = EventQuery(data=self.request.query_params).wanted
        pages = self.paginator
        if not isinstance(pages, NewestFirst):
            raise TypeError("events come in pages, the newest first")
        most, position = pages.asked(self.request)
        return newest(replace(wanted, before=position), most) if most else search(wanted)


class LedgerView(APIView):
    """The equation over all events: what came in equals what became of it."""

    queryset = Record.objects.none()  # whose permission a person needs

    @extend_schema(summary="The ledger", responses=LedgerSerializer)
    def get(self, request: Request) -> Response:  # noqa: ARG002 - DRF's signature
        ledger = read_ledger(journal())
        found = None if ledger.balanced else name_suspects(journal(), ledger.imbalance, timezone.now())
        terms = {field.name: getattr(ledger, field.name) for field in fields(ledger)}
        verdict = {"balanced": ledger.balanced, "imbalance": ledger.imbalance}
        names = {
            "suspects": found.suspects if found else [],
            "looked_back_to": found.looked_back_to if found else None,
        }
        return Response(LedgerSerializer({**terms, **verdict, **names}).data)
