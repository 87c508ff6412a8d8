"""Rules, development hosts and device teams over the REST API."""

from django.db.models import Q, QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import viewsets

from audit.api.pagination import CursorPages
from rules.api.serializers import DevelopmentHostSerializer, DeviceTeamSerializer, RuleSerializer
from rules.models import DevelopmentHost, DeviceTeam, Rule


class ByPriority(CursorPages):
    ordering = ("priority", "id")


class ById(CursorPages):
    ordering = "id"


@extend_schema_view(
    list=extend_schema(
        summary="List rules, the strongest first",
        parameters=[
            OpenApiParameter("search", str, description="Text in name, description or match_string."),
            OpenApiParameter("is_active", bool, description="Only rules that are, or are not, active."),
        ],
    )
)
class RuleViewSet(viewsets.ModelViewSet[Rule]):
    """Rules: all conditions that are set must hold; the lowest priority number wins, then the lowest id."""

    queryset = Rule.objects.all()
    serializer_class = RuleSerializer
    pagination_class = ByPriority

    def get_queryset(self) -> QuerySet[Rule]:
        rules = super().get_queryset()
        search, active = (self.request.query_params.get(name, "") for name in ("search", "is_active"))
        if search:
            rules = rules.filter(
                Q(name__icontains=search) | Q(description__icontains=search) | Q(match_string__icontains=search)
            )
        if active:
            rules = rules.filter(is_active=active.lower() in {"true", "1"})
        return rules


class DevelopmentHostViewSet(viewsets.ModelViewSet[DevelopmentHost]):
    """Hosts whose events are handled by the rules' `dev_handling`."""

    queryset = DevelopmentHost.objects.all()
    serializer_class = DevelopmentHostSerializer
    pagination_class = ById


class DeviceTeamViewSet(viewsets.ModelViewSet[DeviceTeam]):
    """Which team a host belongs to."""

    queryset = DeviceTeam.objects.all()
    serializer_class = DeviceTeamSerializer
    pagination_class = ById
