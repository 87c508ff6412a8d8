"""Rules, development hosts and device teams over the REST API."""

from typing import Any

from django.db.models import Model, Q, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request

from audit.api.pagination import CursorPages
from rules.api.editing import EditedViewSet
from rules.api.serializers import (
    DevelopmentHostSerializer,
    DeviceTeamSerializer,
    HostQuery,
    RuleQuery,
    RuleSerializer,
    TeamQuery,
)
from rules.models import DevelopmentHost, DeviceTeam, Rule


class InWantedOrder(CursorPages):
    """By what `ordering` asks for, then by id; rules by default as matching goes."""

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: Any) -> tuple[str, ...]:  # noqa: ARG002 - DRF's signature
        wanted = view.wanted.get("ordering")
        if not wanted:
            return ("priority", "id") if queryset.model is Rule else ("id",)
        return (wanted,) if wanted in {"id", "-id"} else (wanted, "id")


class SearchedViewSet(EditedViewSet[Any]):
    """A list that can be searched; `query_class` says by what."""

    pagination_class = InWantedOrder
    query_class: type[serializers.Serializer[Any]]

    @property
    def wanted(self) -> dict[str, Any]:
        query = self.query_class(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        return dict(query.validated_data)

    def get_queryset(self) -> QuerySet[Model]:
        entries = super().get_queryset()
        return self.filtered(entries, self.wanted) if self.action == "list" else entries

    def filtered(self, entries: QuerySet[Any], wanted: dict[str, Any]) -> QuerySet[Any]:
        raise NotImplementedError


@extend_schema_view(
    list=extend_schema(summary="List rules, the strongest first", parameters=[RuleQuery]),
    create=extend_schema(summary="Make a rule"),
    retrieve=extend_schema(summary="One rule"),
    update=extend_schema(summary="Replace a rule"),
    partial_update=extend_schema(summary="Change fields of a rule"),
    destroy=extend_schema(summary="Delete a rule"),
    bulk=extend_schema(summary="Create, change and delete many rules at once"),
)
class RuleViewSet(SearchedViewSet):
    """Rules: all conditions that are set must hold; the lowest priority number wins, then the lowest id."""

    queryset = Rule.objects.all()
    serializer_class = RuleSerializer
    query_class = RuleQuery

    def filtered(self, entries: QuerySet[Any], wanted: dict[str, Any]) -> QuerySet[Any]:
        exact = {"is_active": "is_active", "match_type": "match_type", "severity": "syslog_severity"}
        found = {field: wanted[name] for name, field in exact.items() if wanted.get(name) is not None}
        entries = entries.filter(**found)
        if "team" in wanted:
            entries = entries.filter(team_assignment__iexact=wanted["team"])
        if "handling" in wanted:
            entries = entries.filter(Q(prod_handling=wanted["handling"]) | Q(dev_handling=wanted["handling"]))
        return _holding(entries, wanted, "name", "description", "notes", "match_string", "trap_oid")


@extend_schema_view(
    list=extend_schema(summary="List development hosts", parameters=[HostQuery]),
    create=extend_schema(summary="Add a development host"),
    retrieve=extend_schema(summary="One development host"),
    update=extend_schema(summary="Replace a development host"),
    partial_update=extend_schema(summary="Change a development host"),
    destroy=extend_schema(summary="Take a host off the list"),
    bulk=extend_schema(summary="Add, change and take off many hosts at once"),
)
class DevelopmentHostViewSet(SearchedViewSet):
    """Hosts whose events are handled by the rules' `dev_handling`."""

    queryset = DevelopmentHost.objects.all()
    serializer_class = DevelopmentHostSerializer
    query_class = HostQuery

    def filtered(self, entries: QuerySet[Any], wanted: dict[str, Any]) -> QuerySet[Any]:
        return _holding(entries, wanted, "hostname", "description")


@extend_schema_view(
    list=extend_schema(summary="List the teams of hosts", parameters=[TeamQuery]),
    create=extend_schema(summary="Give a host a team"),
    retrieve=extend_schema(summary="The team of one host"),
    update=extend_schema(summary="Replace the team of a host"),
    partial_update=extend_schema(summary="Change the team of a host"),
    destroy=extend_schema(summary="Take a host's team away"),
    bulk=extend_schema(summary="Set and take away the teams of many hosts at once"),
)
class DeviceTeamViewSet(SearchedViewSet):
    """Which team a host belongs to."""

    queryset = DeviceTeam.objects.all()
    serializer_class = DeviceTeamSerializer
    query_class = TeamQuery

    def filtered(self, entries: QuerySet[Any], wanted: dict[str, Any]) -> QuerySet[Any]:
        if "team" in wanted:
            entries = entries.filter(team__iexact=wanted["team"])
        return _holding(entries, wanted, "hostname")


def _holding(entries: QuerySet[Any], wanted: dict[str, Any], *fields: str) -> QuerySet[Any]:
    """Those that have the text in one of the fields."""
    if "search" not in wanted:
        return entries
    anywhere = Q()
    for field in fields:
        anywhere |= Q(**{f"{field}__icontains": wanted["search"]})
    return entries.filter(anywhere)
