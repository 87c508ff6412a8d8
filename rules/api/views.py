"""Rules, development hosts and device teams over the REST API."""

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import viewsets

from audit.api.pagination import CursorPages
from rules.api.serializers import DevelopmentHostSerializer, DeviceTeamSerializer, RuleQuery, RuleSerializer
from rules.models import DevelopmentHost, DeviceTeam, Rule


class ByPriority(CursorPages):
    ordering = ("priority", "id")


class ById(CursorPages):
    ordering = "id"


@extend_schema_view(
    list=extend_schema(
        summary="List rules, the strongest first",
        parameters=[RuleQuery],
    )
)
class RuleViewSet(viewsets.ModelViewSet[Rule]):
    """Rules: all conditions that are set must hold; the lowest priority number wins, then the lowest id."""

    queryset = Rule.objects.all()
    serializer_class = RuleSerializer
    pagination_class = ByPriority

    def get_queryset(self) -> QuerySet[Rule]:
        rules = super().get_queryset()
        query = RuleQuery(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        search, active = query.validated_data.get("search"), query.validated_data.get("is_active")
        if search:
            rules = rules.filter(
                Q(name__icontains=search) | Q(description__icontains=search) | Q(match_string__icontains=search)
            )
        if active is not None:
            rules = rules.filter(is_active=active)
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
